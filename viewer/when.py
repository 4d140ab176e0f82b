"""Times as people type them: ``11:50``, ``2026-01-31 11:50``, ``-2h``, ``yesterday 11:50``, RFC 3339. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, time, timedelta, tzinfo

from bus.timing import back
from viewer.axis import local

_CLOCK = re.compile(r"(?:(yesterday|today) +)?(\d{1,2}):(\d\d)(?::(\d\d))?\Z")
_EPOCH = re.compile(r"\d{9,13}(?:\.\d+)?\Z")


def moment(text: str, now: float, zone: tzinfo | None = None) -> float:
    """Seconds since the epoch; raises ``ValueError`` with a sentence for what is no time.

    A clock alone is the last time that it read so. What names no zone is read in ``zone``, None being the machine's.
    """
    words = text.strip().lower()
    with suppress(ValueError):
        return now - back(words)
    if _EPOCH.match(words):
        number = float(words)
        return number / 1000 if number > 1e11 else number
    match = _CLOCK.match(words)
    try:
        found = _clock(match, now, zone) if match else _full(text.strip(), zone)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time such as 11:50, 2026-01-31 11:50, yesterday 11:50 or -2h") from None
    return found


def _clock(match: re.Match[str], now: float, zone: tzinfo | None) -> float:
    read = time(int(match[2]), int(match[3]), int(match[4] or 0))
    today = local(now, zone).date()
    if match[1]:
        return _settled(datetime.combine(today - timedelta(days=match[1] == "yesterday"), read), zone)
    # In the night that has an hour twice it may have read so twice.
    times = [_settled(datetime.combine(today, read.replace(fold=fold)), zone) for fold in (0, 1)]
    past = [at for at in times if at <= now]
    return max(past) if past else _settled(datetime.combine(today - timedelta(days=1), read), zone)


def _full(text: str, zone: tzinfo | None) -> float:
    at = datetime.fromisoformat(text.replace("z", "+00:00").replace("Z", "+00:00"))
    return at.timestamp() if at.tzinfo else _settled(at, zone)


def _settled(at: datetime, zone: tzinfo | None) -> float:
    """When clocks in ``zone`` read ``at``, whichever offset they had then."""
    return at.replace(tzinfo=zone).timestamp()

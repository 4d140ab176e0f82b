"""Times as people type them: ``11:50``, ``2026-01-31 11:50``, ``-2h``, ``yesterday 11:50``, RFC 3339. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo

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
    today = local(now, zone)
    at = today.replace(hour=int(match[2]), minute=int(match[3]), second=int(match[4] or 0), microsecond=0)
    if match[1] == "yesterday" or (match[1] is None and at.timestamp() > now):
        at = _settled(at - timedelta(days=1), zone)
    return at.timestamp()


def _full(text: str, zone: tzinfo | None) -> float:
    at = datetime.fromisoformat(text.replace("z", "+00:00").replace("Z", "+00:00"))
    return (at if at.tzinfo else _settled(at, zone)).timestamp()


def _settled(at: datetime, zone: tzinfo | None) -> datetime:
    """The moment at which clocks in ``zone`` read ``at``, whichever offset they had then."""
    bare = at.replace(tzinfo=None)
    return bare.replace(tzinfo=zone) if zone is not None else bare.astimezone(UTC)

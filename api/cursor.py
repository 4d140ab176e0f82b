"""Where the next page begins, as text that clients hand back unread. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence

from api.filters import BadParameter

MOST = 1024
_LARGEST = 2**63 - 1


def written(*parts: str | int) -> str:
    """The cursor of these parts."""
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def read(text: str, kinds: Sequence[type]) -> tuple[str | int, ...]:
    """The parts of a cursor, which must be of these ``kinds``, numbers from 0 to 2^63 - 1; raises ``BadParameter``."""
    try:
        if len(text) > MOST:
            raise ValueError("too long")
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if [type(part) for part in parts] != list(kinds):
            raise ValueError("other parts")
        if not all(0 <= part <= _LARGEST for part in parts if isinstance(part, int)):
            raise ValueError("a number that none of ours has")
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise BadParameter("cursor", f"{text[:40]!r} is none; hand back next of the page before as it was") from None
    return tuple(parts)

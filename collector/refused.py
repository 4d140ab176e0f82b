"""Which records of a refused frame the store is told of, so that their producer does not send them for ever. Pure."""

from __future__ import annotations

from bus.control import WHY, Refusal
from bus.messages import HUB, is_name
from bus.wire import HEADER, Malformed, verify, walk


def refusals(frame: bytes, reason: str, *, public: bool) -> list[Refusal]:
    """The numbered, undamaged records of a frame that was refused for ``reason``; none where resending may mend it."""
    found: list[Refusal] = []
    if reason not in WHY:
        return found
    try:
        for start, end, fields in walk(frame):
            names = start + HEADER.size
            source = frame[names : names + fields[3]].decode("ascii", "replace")
            if not verify(frame, start, end) or not is_name(source) or (public and source.startswith(HUB)):
                return found
            if fields[7] and fields[8]:
                found.append(Refusal(source, fields[7], fields[8], fields[11], fields[12], reason))
    except Malformed:
        return found
    return found

"""Times and values as the text that goes out. Pure."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import lru_cache

import orjson

from bus.timing import SECOND

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


def to_json(value: object) -> str:
    """Compact JSON; NaN and infinities, which JSON does not have, are null."""
    return to_bytes(value).decode()


def to_bytes(value: object) -> bytes:
    """The same in UTF-8."""
    try:
        return orjson.dumps(value)
    except TypeError:  # keys that are no text, and integers of more than 64 bits
        return _encode(_finite(value)).encode()


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def to_time(ns: int) -> str:
    """An instant in UTC with milliseconds and ``Z``, as every client reads it."""
    seconds, rest = divmod(ns, SECOND)
    return f"{_whole(seconds)}.{rest // 1_000_000:03}Z"


@lru_cache(maxsize=4096)
def _whole(seconds: int) -> str:
    """The newest readings of a thousand hosts are of a few seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]

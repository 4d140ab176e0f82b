"""The units of metrics, told from their names. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def units(names: Sequence[str]) -> list[str]:
    """The unit of each metric, told from its name; ``""`` for a plain count."""
    return list(map(unit, names))


_SUFFIXES = (
    ("_bytes_per_s", "bytes/s"),
    ("_per_s", "1/s"),
    ("percent", "percent"),
    ("celsius", "celsius"),
    ("rpm", "rpm"),
    ("mhz", "MHz"),
    ("seconds", "seconds"),
    ("_bytes", "bytes"),
)
_BYTES = frozenset({"total", "used", "available", "free", "cached", "buffers", "bytes"})


@lru_cache(maxsize=4096)
def unit(name: str) -> str:
    """The unit of one metric."""
    field = name.rpartition(".")[2]
    for suffix, of_it in _SUFFIXES:
        if field.endswith(suffix):
            return of_it
    return "bytes" if field in _BYTES and name.startswith(("memory", "swap", "disk")) else ""

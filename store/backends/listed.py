"""Which partitions of a kind there are, by the names in its folder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from store.backends.doubt import DOUBT
from store.keys import partition_start


class Listed(NamedTuple):
    """Partitions by time, those that nobody doubts, and the notes of doubts, each with when it begins."""

    sound: list[tuple[int, Path]]
    doubts: list[tuple[int, Path]]


def listed(folder: str, names: Sequence[str]) -> Listed:
    """The partitions and notes among the names in a folder."""
    place, all_of = Path(folder), set(names)
    found: dict[bool, list[tuple[int, Path]]] = {False: [], True: []}
    for name in names:
        begin = start_of(name.removesuffix(DOUBT))
        if begin is not None and name + DOUBT not in all_of:
            found[name.endswith(DOUBT)].append((begin, place / name))
    return Listed(sorted(found[False]), found[True])


def start_of(name: str) -> int | None:
    """When a partition of this name begins; None when it is none."""
    if len(name) != len("20261123T19"):
        return None
    try:
        return partition_start(name)
    except ValueError:
        return None

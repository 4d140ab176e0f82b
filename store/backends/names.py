"""The names behind layouts: remembered, and found in files where the state has forgotten them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import suppress

from store.archive.files import Archive
from store.blocks.files import Blocks, Gone
from store.columns import Layouts
from store.keys import SAMPLE
from store.spans import RAW

MOST_ABSENT = 10_000

MOST_LAYOUTS = 32
"""Layouts that are remembered: each may have thousands of names."""


def remembered(layouts: Layouts) -> Layouts:
    """The same, which remembers what was found: an id is made of the names, so they never change."""
    known: dict[int, tuple[str, ...]] = {}

    def found(ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        have = {one: known[one] for one in ids if one in known}
        if len(have) == len(ids):
            return have
        fresh = layouts(tuple(one for one in ids if one not in have))
        if len(known) + len(fresh) > MOST_LAYOUTS:
            known.clear()
        if len(fresh) <= MOST_LAYOUTS:
            known.update(fresh)
        have.update(fresh)
        # In the order in which they were asked for, whatever was known of them before.
        return {one: have[one] for one in ids if one in have}

    return found


class Filed:
    """The layouts that files of blocks and of the archive have."""

    def __init__(self, blocks: Blocks, archive: Archive) -> None:
        self._blocks = blocks
        self._archive = archive
        self._looked: Hashable = None
        self._absent: set[int] = set()
        """Layouts that no file has which there were when it was looked for them."""

    def names(self, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
        """The names behind layouts that the state has forgotten, as the files that use them have them."""
        if not ids:
            return {}
        looked = self._blocks.listing(SAMPLE, RAW), tuple(self._archive.spans(SAMPLE))
        if looked != self._looked or len(self._absent) > MOST_ABSENT:
            self._looked, self._absent = looked, set()
        missing, found = set(ids) - self._absent, dict[int, tuple[str, ...]]()
        if not missing:
            return found
        for layouts in self._every_layouts():
            found.update({one: layouts[one] for one in missing & layouts.keys()})
            missing -= found.keys()
            if not missing:
                break
        self._absent |= missing
        return found

    def _every_layouts(self) -> Iterator[Mapping[int, tuple[str, ...]]]:
        for span in reversed(self._blocks.spans(SAMPLE, RAW)):
            with suppress(Gone):
                segment = self._blocks.segment(self._blocks.path(SAMPLE, RAW, span))
                if segment is not None:
                    yield segment.index.layouts
        for span in reversed(self._archive.spans(SAMPLE)):
            file = self._archive.opened(SAMPLE, span)
            if file is not None:
                yield file.index.layouts

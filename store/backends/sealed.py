"""Which partitions of rows are in blocks, all of them; the writer removes these."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import lmdb

from bus import failpoints
from bus.messages import KINDS
from bus.timing import MINUTE
from store.backends import StoreBroken, busy
from store.backends.partitions import Partitions
from store.backends.scope import Source
from store.blocks.files import Blocks, Gone
from store.keys import SAMPLE, partition_start, period
from store.plan import Stretch
from store.spans import RAW

MARGIN = MINUTE
"""So long, ns, rows stay beside the blocks that hold them: whoever began to read them reads on."""
AT_ONCE = 4
"""Partitions removed in one go: a commit waits for it."""


class Sealed:
    """Compares what a block says that it was made of with what the partition is now."""

    def __init__(self, rows: Partitions, blocks: Blocks) -> None:
        self._rows = rows
        self._blocks = blocks

    def block_of(self, kind: str, path: Path) -> Path | None:
        """The file in which all rows of a partition are; None also where that cannot be seen now."""
        start = partition_start(path.name)
        spans = self._blocks.spans(kind, RAW, start, start)
        if not spans:
            return None
        block = self._blocks.path(kind, RAW, spans[0])
        try:
            segment = self._blocks.segment(block)
        except (Gone, StoreBroken):
            return None
        return block if segment is not None and self.source(path) in segment.index.sources else None

    def source(self, path: Path) -> Source | None:
        """Which state of a partition it is in; None when it cannot be read."""
        try:
            # Looked at before the partition's own number: what is committed between makes them differ.
            changed = self._rows.changed(path)
            return partition_start(path.name), changed, self._rows.transaction(path)
        except (StoreBroken, lmdb.Error):
            return None

    def waiting(self, start: int, end: int) -> dict[Path, Stretch]:
        """The partitions of samples that hold rows which are in no block, and their time."""
        found = {}
        for path in self._rows.between(SAMPLE, start, end):
            if self.block_of(SAMPLE, path) is None:
                first = partition_start(path.name)
                found[path] = first, first + period(SAMPLE)
        return found

    def layouts(self, path: Path) -> list[int]:
        """The layouts that are used in the file that holds a partition's rows."""
        with suppress(Gone, StoreBroken):
            if (block := self.block_of(SAMPLE, path)) and (segment := self._blocks.segment(block)):
                return list(segment.index.layouts)
        return []

    def unlink(
        self,
        now: int,
        note: Callable[[str, Path], bool] = lambda kind, path: True,
        stays: Callable[[], None] = lambda: None,
        idle: Callable[[], bool] = busy,
    ) -> int:
        """Remove some partitions all of whose rows are in blocks that were written a while ago; more while ``idle``.

        ``note`` is told of each and its kind before; where it says no the partition stays. ``stays`` is called when
        the last one could not be removed. The writer alone knows that nothing was added between look and removal.
        """
        removed = 0
        for kind in KINDS:
            for path in self._rows.between(kind, end=now - period(kind)):
                if removed >= AT_ONCE and not idle():
                    return removed  # before the look, which opens a file: of an import there are hundreds
                block = self.block_of(kind, path)
                if block is None or self._rows.stuck.waits(path):
                    continue
                try:
                    if abs(now - block.stat().st_mtime_ns) < MARGIN:  # ahead by more is a clock that was set back
                        continue
                except OSError:
                    continue
                if not note(kind, path):
                    return removed
                failpoints.at("seal.before_remove")
                if not self._rows.remove(path):
                    stays()
                    continue
                failpoints.at("seal.after_remove")
                removed += 1
        return removed

"""The files of blocks as the sealer has them: opened sound or put aside, written, and what is amiss said once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from store.blocks.aside import put_aside
from store.blocks.files import Blocks
from store.blocks.listing import Index, Place
from store.blocks.segments import NEW, Segment, Writing
from store.columns import Layouts
from store.folders import entries
from store.keys import SAMPLE
from store.rollups import ALL
from store.scrubbing import Found
from store.sealing import layouts_of
from store.spans import RAW, Span


@dataclass(slots=True)
class Done:
    """What was done since the start."""

    partitions: int = 0
    rows: int = 0
    values: int = 0
    bytes: int = 0
    days: int = 0
    months: int = 0
    damaged: int = 0
    seconds: float = 0.0


class Files:
    """One per sealer; ``done`` is what came of its work, ``found`` what damage there is."""

    def __init__(self, store: Path, layouts: Layouts, log: logging.Logger) -> None:
        self.done = Done()
        self.found = Found()
        self.layouts = layouts
        self.log = log
        self.blocks = Blocks(store / "blocks", self.note, most_listed=ALL)
        self._told: set[str] = set()
        for left in entries(self.blocks.folder, f"*/*/*{NEW}"):
            self.blocks.stuck.remove(left)

    def index(
        self,
        kind: str,
        tier: str,
        span: Span,
        places: Iterable[Place],
        parents: Iterable[Segment],
        *,
        rollup: bool = False,
    ) -> Index:
        """What a file says of itself that is made of these: the layouts that it uses, and where its rows are from."""
        places = list(places)
        names: dict[int, tuple[str, ...]] = {}
        sources: set[tuple[int, int, int]] = set()
        for parent in parents:
            names.update(parent.index.layouts)
            sources |= parent.index.sources
        if not rollup:
            names.update(layouts_of(places, self.layouts))
        used = {place.layout for place in places}
        names = {layout: of for layout, of in names.items() if layout in used}
        return Index(kind, tier, span.start, span.end, (), names, frozenset(sources))

    def writing(self, path: Path) -> contextlib.closing[Writing]:
        """A new file, which is given up unless it is finished."""
        return contextlib.closing(self.blocks.writing(path))

    def sound(self, spans: Iterable[Span], tier: str = RAW) -> list[Segment]:
        """Those files of samples that are sound; as ``segment``."""
        found = (self.segment(self.blocks.path(SAMPLE, tier, span)) for span in spans)
        return [one for one in found if one is not None]

    def segment(self, path: Path) -> Segment | None:
        """The file, if it is there and sound; one that cannot be read is put aside. Raises ``LeftAlone``."""
        if not path.exists():
            return None
        found = self.blocks.segment(path)
        if found is None and path.exists():
            put_aside(path)
        return found

    def say_once(self, what: str) -> None:
        """Say what is met in each turn."""
        if what not in self._told:
            self._told.add(what)
            self.log.error("%s", what)

    def note(self, what: str) -> None:
        """Say of a damage that it is there: once, for it is met in each turn."""
        self.found.met(what)
        if what not in self._told:
            self._told.add(what)
            self.done.damaged += 1
            self.log.error("damaged: %s", what)

"""Which files have nothing of a host, where others of their time may have some: rules keep some hosts for less time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from bus.timing import DAY
from store.archive.files import Archive
from store.archive.index import Place as Kept
from store.blocks.files import Blocks, Gone
from store.blocks.listing import Place
from store.keys import SAMPLE
from store.plan import Lack, Step, Stretch, finest
from store.spans import ARCHIVE, RAW, TIERS, Listing, Span, day_of

MOST_KNOWN = 4096


class Lacking:
    """Asks the files."""

    def __init__(self, blocks: Blocks, archive: Archive) -> None:
        self._blocks = blocks
        self._archive = archive
        self._known: dict[tuple[str, str, tuple[int, int]], tuple[Listing, list[Lack]]] = {}
        """What was found of a host in some files of a listing, which stay the same as long as that does."""

    def of(self, subject: str, step: Step) -> Iterable[Lack]:
        """Of the files that a step reads, the time before the first day with something of the host, and after the last.

        A file that is damaged lacks everybody. Raises ``Gone`` when one of them went away meanwhile.
        """
        if step.tier == RAW and self._archive.spans(SAMPLE, step.start, step.end - 1):
            return self._looked(subject, step)[0]
        listing = self._blocks.listing(SAMPLE, step.tier)
        key = subject, step.tier, listing.places(step.start, step.end - 1)
        known = self._known.get(key)
        if known is None or known[0] is not listing:
            lacks, sound = self._looked(subject, step)
            known = listing, lacks
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            if sound:
                self._known[key] = known
        return known[1]

    def _looked(self, subject: str, step: Step) -> tuple[list[Lack], bool]:
        """What ``of`` says, and whether every file could be read."""
        found: list[Lack] = []
        sound = True
        for tier in (RAW, ARCHIVE) if step.tier == RAW else (step.tier,):
            for span in self._spans(tier, step.start, step.end - 1):
                places = self._places(tier, span, subject)
                first, last = _held(span, places or ())
                sound &= places is not None
                if span.start < first:
                    found.append((tier, span.start, first))
                if last < span.end:
                    found.append((tier, last, span.end))
        return found, sound

    def finest(self, subject: str, at: int) -> int:
        """How long the shortest spans are that are still known of a host at a time, ns; 0 for rows, or for nothing."""
        spans = {tier: self._spans(tier, at, at) for tier in (RAW, ARCHIVE, *TIERS)}
        with suppress(Gone):
            for tier, some in spans.items():
                for span in some:
                    first, last = _held(span, self._places(tier, span, subject) or ())
                    if first <= at < last:
                        return TIERS.get(tier, 0)
        known = {tier: [(span.start, span.end) for span in some] for tier, some in spans.items()}
        return finest(at, [*known[RAW], *known[ARCHIVE]], known)

    def _spans(self, tier: str, start: int, end: int) -> list[Span]:
        if tier == ARCHIVE:
            return self._archive.spans(SAMPLE, start, end)
        return self._blocks.spans(SAMPLE, tier, start, end)

    def _places(self, tier: str, span: Span, subject: str) -> Sequence[Place | Kept] | None:
        """The parts of a host in a file; None when that cannot be read."""
        if tier == ARCHIVE:
            file = self._archive.opened(SAMPLE, span)
            return file.places(subject) if file is not None else None
        segment = self._blocks.segment(self._blocks.path(SAMPLE, tier, span), self._blocks.listing(SAMPLE, tier))
        return segment.places(subject) if segment is not None else None


def _held(span: Span, places: Sequence[Place | Kept]) -> Stretch:
    """From when to when a file has something of a host, to the day."""
    if not places:
        return span.end, span.end
    first, last = min(one.first for one in places), max(one.last for one in places)
    return max(span.start, day_of(first)), min(span.end, day_of(last) + DAY)

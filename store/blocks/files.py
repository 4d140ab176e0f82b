"""The folder ``blocks``: its files by kind, tier and time, the most recently used of them open.

    blocks/<kind>/<tier>/<YYYYMMDDTHH>.<span>     the tier is raw, 1m, 5m or 1h
    blocks/roll                                   which of them there are to be
    blocks/late/<YYYYMMDDTHH>                     the rollups of this day may lack what its rows have

Only the sealer writes here, and it never changes a file: it puts a new one in the place of the old. Readers look at
the names anew for each question, and again when a file that they saw is gone: then a longer one has taken it up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

from bus.folder import sync_folder
from bus.mapped import is_passing
from bus.messages import KINDS
from bus.questions import TooMuch
from store.blocks.aside import misplaced
from store.blocks.gather import Origin, Told, records, taken
from store.blocks.kept import Kept
from store.blocks.listing import Names, Place
from store.blocks.parts import ROLLUP
from store.blocks.pressing import Damaged
from store.blocks.roll import ROLL, Roll, taken_up
from store.blocks.segments import NEW, Segment, Writing
from store.blocks.single import columns_of
from store.columns import Columns, matching
from store.folders import Folders, entries
from store.keys import EARLIEST, FAR, partition_start
from store.rows import Row
from store.spans import RAW, Listing, Span, name_of, span_of, spans
from store.stuck import Stuck

LATE = "late"
MOST_OPEN = 256
MOST_PATHS = 4096
"""Paths are put together once: thirty of them a question cost as much as what stands there."""
MOST_LISTED = 128 * 2**20
"""Bytes that the indexes of open files take together: with many hosts, fewer files are open."""
MOST_READ = 64_000_000
"""Readings that one question takes out of blocks at once, half a gigabyte: one reader serves everybody."""
TRIES = 5
Found = TypeVar("Found")
Identities = tuple[tuple[int, int], ...]
MOST_SEEN = 64
PLACE_BYTES, NAME_BYTES = 500, 80
"""What a part's place and each of its names take in memory, about."""


class Gone(Exception):
    """A file that was listed is no more."""


class _Opened(NamedTuple):
    """An open file, which file it is, and the listing in which it stood when that was looked at."""

    segment: Segment
    identity: tuple[int, int]
    listing: Listing | None


class Blocks:
    """Reads what the sealer wrote. ``note`` is told of damage, which is left out of answers."""

    def __init__(
        self,
        folder: Path,
        note: Callable[[str], None],
        most_listed: int = MOST_LISTED,
        passing: Callable[[str], None] | None = None,
    ) -> None:
        """``most_listed``: who works on many files at once sets it so high that none of them is closed meanwhile.

        ``passing`` is told in place of ``note`` of what says nothing about a file, as too many open ones; it may raise.
        """
        self._passing = passing or note
        self.folder = folder
        self._marks = str(folder / LATE)
        self._most_listed = most_listed
        self._note = note
        self._open: OrderedDict[Path, _Opened] = OrderedDict()
        self._listed = Folders(_listing)
        self._late = Folders(_days)
        self.most_read = MOST_READ
        self.kept = Kept()
        self._turn = 0
        self.faults = 0
        """How often something could not be read."""
        self._paths: dict[tuple[str, str, str], Path] = {}
        self._folders: dict[tuple[str, str], str] = {}
        self.roll: Roll | None = None
        """Which files there are to be, for who makes and removes them; see ``be_kept``."""
        self.stuck = Stuck()
        """What could not be removed; to who works on files it is gone."""

    def be_kept(self, alive: Callable[[], None] = lambda: None) -> None:
        """Keep the roll from now on, and call what was made before; the sealer's duty.

        Raises ``OSError`` where it cannot be read. What there is no room to write down now is written with the next.
        """
        self.roll = Roll(self.folder)
        for line in self.roll.bad:
            self._note(f"{self.folder / ROLL}: {line}")
        found: dict[str, int] = {}
        for path in entries(self.folder, "*/*/*"):
            name = path.relative_to(self.folder).as_posix()
            if span_of(path.name) is not None and name not in self.roll.files:
                alive()
                segment = self.segment(path)
                if segment is not None:
                    found[name] = segment.index.rows
        absent = [name for name in self.roll.files if not (self.folder / name).exists()]
        self.roll.gone([name for name in absent if taken_up(self.folder, name, self.roll.files)])
        if self.roll.was_cut(found):
            self._note(f"{self.folder / ROLL}: {len(found)} files are there that it does not name")
        with suppress(OSError):
            self.roll.call(found)

    def writing(self, path: Path) -> Writing:
        """A new file, which is on the roll as soon as it is there."""
        name = path.relative_to(self.folder).as_posix()
        roll = self.roll
        return Writing(path, lambda index: roll.call({name: index.rows}) if roll is not None else None)

    def remove(self, paths: Sequence[Path]) -> None:
        """Remove files, also those that are gone already; what cannot be removed is told, and left.

        One after the other is struck off and removed: whoever dies amid this leaves one file that is not called.
        """
        untold = []
        for path in paths:
            if self.stuck.waits(path):
                continue
            name = path.relative_to(self.folder).as_posix()
            rows = self.roll.files.get(name) if self.roll is not None else None
            told = self.roll is None or self.roll.strike([name])
            self.forget(path)
            if self.stuck.remove(path):
                untold += [] if told else [name]
            elif self.roll is not None and rows is not None and told:
                with suppress(OSError):  # then it is called with the next
                    self.roll.call({name: rows})
        if untold and self.roll is not None:
            self.roll.gone(untold)  # on a full disk there is room now

    def try_again(self) -> None:
        """Remove what could not be removed and is due."""
        for path in self.stuck.due():
            if span_of(path.name) is not None:
                self.remove([path])
            else:
                self.stuck.remove(path)

    def spans(self, kind: str, tier: str, start: int = EARLIEST, end: int = FAR) -> list[Span]:
        """The files that may hold something between two times (both included), by time."""
        return self.listing(kind, tier).between(start, end)

    def late(self) -> frozenset[int]:
        """The days to which rows came after their rollups were made, and these are not made anew yet."""
        return self._late.of(self._marks)

    def mark_late(self, span: Span) -> None:
        """Have a joined day answered from its rows from now on, also after a power cut; the sealer's duty."""
        mark = self._mark(span.start)
        mark.parent.mkdir(exist_ok=True)
        mark.touch(mode=0o600)
        self.stuck.stays(mark)
        sync_folder(mark.parent)
        sync_folder(self.folder)

    def unmark_late(self, day: int) -> None:
        """Have a day answered from its rollups again, which are made anew."""
        self.stuck.remove(self._mark(day))

    def _mark(self, day: int) -> Path:
        return self.folder / LATE / name_of(day, "1d").partition(".")[0]

    def path(self, kind: str, tier: str, span: Span) -> Path:
        """Where a file is."""
        key = kind, tier, span.name
        found = self._paths.get(key)
        if found is None:
            if len(self._paths) >= MOST_PATHS:
                self._paths.clear()
            found = self._paths[key] = self.folder / kind / tier / span.name
        return found

    def segment(self, path: Path, listing: Listing | None = None) -> Segment | None:
        """The open file; None when it is damaged. Raises ``Gone``.

        One that was looked at since its folder changed, of which ``listing`` is the sign, is the same still.
        """
        known = self._open.get(path)
        if known is not None and known.listing is listing is not None:
            self._open.move_to_end(path)
            return known.segment
        try:
            found = path.stat()
        except OSError:
            self.forget(path)
            raise Gone(str(path)) from None
        identity = found.st_ino, found.st_mtime_ns
        if known is not None and known.identity == identity:
            self._open[path] = known._replace(listing=listing)
            self._open.move_to_end(path)
            return known.segment
        self.forget(path)
        try:
            segment = Segment(path)
            if wrong := misplaced(segment.index, path):
                segment.close()
                raise Damaged(wrong)
        except FileNotFoundError:
            raise Gone(str(path)) from None
        except (Damaged, OSError, ValueError) as error:
            tell = self._passing if isinstance(error, OSError) and is_passing(error) else self._note
            tell(f"{path}: {str(error).removeprefix(str(path)).removeprefix(':').strip()}")
            return None
        listed = segment.listed + sum(other.segment.listed for other in self._open.values())
        while self._open and (len(self._open) >= MOST_OPEN or listed > self._most_listed):
            # Not closed here: a question about many files may be about to read it, and lets go of it afterwards.
            listed -= self._open.popitem(last=False)[1].segment.listed
        segment.identity = identity
        self._open[path] = _Opened(segment, identity, listing)
        return segment

    def rows(self, kind: str, subject: str, start: int, end: int, limit: int | None = None) -> list[Row]:
        """The records of a subject between two times, in no order; with ``limit`` at least the newest so many."""
        code = KINDS[kind].code

        def read() -> list[Row]:
            found: list[Row] = []
            for span in reversed(self.spans(kind, RAW, start, end)):
                for origin, one in self._told(self.path(kind, RAW, span), subject, start, end):
                    if limit is not None and len(one) > limit:
                        one = taken(one, int(one.kept[-limit]), FAR)
                    found += records(origin, one, code)
                if limit is not None and len(found) >= limit:
                    break
            return found

        return self.settled(read)

    def columns(self, subject: str, globs: Sequence[str], start: int, end: int) -> list[Columns]:
        """The metrics of a host that match, between two times: a piece for each file and origin.

        Raises ``TooMuch`` when that is more than ``MOST_READ``.
        """

        def read() -> list[Columns]:
            found: list[Columns] = []
            most = self.most_read
            for span in self.spans("sample", RAW, start, end):
                segment = self.segment(self.path("sample", RAW, span))
                for place, names, wanted in self.wanted(segment, subject, globs) if segment is not None else ():
                    assert segment is not None
                    with self.whole(segment.path, place):
                        some = list(columns_of(segment, place, names, wanted, (start, end), self._tell, self.kept))
                        found += some
                        most -= sum(len(one.times) * len(one.values) for one in some)
                    if most < 0:
                        raise TooMuch(
                            f"more than {self.most_read:,} readings lie between: ask for fewer metrics, or days"
                        )
            return found

        return self.settled(read)

    def segments(self, kind: str, tier: str, start: int, end: int) -> list[Segment]:
        """The files of such a time that are sound; raises ``Gone``."""
        listing = self.listing(kind, tier)
        found = (self.segment(self.path(kind, tier, span), listing) for span in listing.between(start, end))
        return [one for one in found if one is not None]

    def identities(self, kind: str, tier: str, start: int, end: int) -> Identities:
        """Which files these are: as long as it says the same, so do they. Raises ``Gone``."""
        listing = self.listing(kind, tier)
        places = listing.places(start, end)
        seen: tuple[int, Identities] | None = listing.seen.get(places)
        if seen is None or seen[0] != self._turn:
            if len(listing.seen) >= MOST_SEEN:
                listing.seen.clear()
            seen = self._turn, tuple(one.identity for one in self.segments(kind, tier, start, end))
            listing.seen[places] = seen
        return seen[1]

    def refresh(self) -> None:
        """Close what is no more, so that its room comes back; have what is there looked at anew."""
        self._turn += 1
        for path, opened in list(self._open.items()):
            with suppress(OSError):
                if path.stat().st_ino == opened.identity[0]:
                    self._open[path] = opened._replace(listing=None)
                    continue
            self.forget(path)

    def forget(self, path: Path) -> None:
        """Close a file."""
        known = self._open.pop(path, None)
        if known is not None:
            known.segment.close()

    def close(self) -> None:
        """Close every file."""
        for path in list(self._open):
            self.forget(path)

    def listing(self, kind: str, tier: str) -> Listing:
        """The files of a tier; while it is the same object, they are the same."""
        key = kind, tier
        folder = self._folders.get(key)
        if folder is None:
            folder = self._folders[key] = str(self.folder / kind / tier)
        return self._listed.of(folder)

    def settled(self, read: Callable[[], list[Found]]) -> list[Found]:
        """What ``read`` finds while no file goes away under it."""
        for _ in range(TRIES):
            with suppress(Gone):
                return read()
            self._listed.clear()
        return read()

    def wanted(self, segment: Segment, subject: str, globs: Sequence[str]) -> list[tuple[Place, Names, Names]]:
        """The parts of a subject, each with the names of its metrics, and those of them that match."""
        key = segment.identity, subject, tuple(globs)
        found: list[tuple[Place, Names, Names]] | None = self.kept.get(key)
        if found is None:
            found = []
            for place in segment.places(subject):
                names = segment.index.layouts.get(place.layout or 0, ())
                found.append((place, names, tuple(matching(names, globs))))
            self.kept.put(key, found, sum(PLACE_BYTES + NAME_BYTES * len(names) for _, names, _ in found))
        return found

    def _told(self, path: Path, subject: str, start: int, end: int) -> Iterator[tuple[Origin, Told]]:
        segment = self.segment(path)
        for place in segment.places(subject) if segment is not None else ():
            if place.what != ROLLUP and place.first <= end and place.last >= start:
                assert segment is not None
                with self.whole(path, place):
                    yield place.origin, taken(segment.part(place).told(), start, end)

    @contextmanager
    def whole(self, path: Path, place: Place) -> Iterator[None]:
        """Read a part in here: what of it is damaged is told, counted, and left out."""
        try:
            yield
        except (Damaged, ValueError, IndexError) as error:
            self._tell(f"{path}: {place.subject}: {error}")
        except OSError as error:
            self._tell(f"{path}: {error}")

    def _tell(self, damage: str) -> None:
        self.faults += 1
        self._note(damage)


def _listing(folder: str, names: Sequence[str]) -> Listing:
    return Listing(spans(name for name in names if not name.endswith(NEW)))


def _days(folder: str, names: Sequence[str]) -> frozenset[int]:
    """The days of marks; none while one of them is no day."""
    with suppress(ValueError):
        return frozenset(partition_start(name) for name in names)
    return frozenset()

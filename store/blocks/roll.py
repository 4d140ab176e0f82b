"""The roll: which files of blocks there are to be, so that one that vanished is missed.

    blocks/roll     a line a change: checksum, + or -, <kind>/<tier>/<name>, rows

A line's checksum is the CRC-32 of what follows it, as eight hexadecimal digits. A file is called when it is on the
disk under its name, and struck off before it is removed: whoever dies in between leaves a file too many, never one
too few, and the next sealer calls it. A store without a roll is of an older Guardia, or was just restored.

Where there is no room for a line, the one that calls the file becomes one that strikes it off: its + is overwritten
by a -, and its checksum stays that of the +. A single byte is never written by half, and takes no room but on disks
that write each change elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from zlib import crc32

from bus.folder import sync_folder
from store.blocks.pressing import Damaged
from store.blocks.segments import Segment
from store.spans import ARCHIVE, RAW, day_of, month_of, name_of, span_of

ROLL = "roll"
FRESH = ROLL + ".new"
MOST_UNCALLED = 1
"""So many files may be there that were not called; where there are more, the end of the roll is gone."""
SIGN = 9
"""Where in a line its sign stands, bytes."""
IDLE = 1000
"""So many lines that say nothing any more are no reason to write it anew."""


class Roll:
    """The sealer's end; ``files`` are rows by ``kind/tier/name``. To open it and to ``call`` raise ``OSError``."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / ROLL
        self.bad: list[str] = []
        """What could not be read of it."""
        self.is_new = not self._path.exists()
        self.files, lines, self.bad = ({}, 0, []) if self.is_new else _read(self._path)
        self._owed: dict[str, int] = {}
        """What could not be called for want of room, and is called with the next."""
        self._gone: dict[str, int] = {}
        """What is gone and could not be struck off, which is done with the next."""
        self._half: int | None = None
        """Where a line begins that was written by half, and could not be taken back."""
        if not self.is_new:
            self._half = _half_line(self._path)
            if self.bad or self._half is not None or lines > len(self.files) + IDLE:
                # What was struck off in a line that cannot be read is not missed for ever.
                self._renew(without_absent=bool(self.bad))

    def call(self, files: Mapping[str, int]) -> None:
        """These are there from now on."""
        if not files and not self.is_new:
            return
        if self.is_new:
            self.files.update(files)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._rewrite()
            self.is_new = False
            return
        self._owed.update(files)
        self._append([*self._owed_strikes(), *(_line("+", name, rows) for name, rows in self._owed.items())])
        self.files.update(self._owed)
        self._owed.clear()
        self._gone.clear()

    def was_cut(self, found: Mapping[str, int]) -> bool:
        """Whether its end is gone, as ``found`` is there and was never called; then nothing is missed.

        Who dies leaves one file that was not called.
        """
        if self.is_new or len(found) <= MOST_UNCALLED:
            return False
        self._renew(without_absent=True)
        return True

    def _renew(self, *, without_absent: bool) -> None:
        """Write it anew; where there is no room it stays, and what is ``absent`` is struck off with the next."""
        folder, archived = self._path.parent, f"/{ARCHIVE}/"
        absent = {n: rows for n, rows in self.files.items() if archived not in n and not (folder / n).exists()}
        if without_absent:
            self.files = {n: rows for n, rows in self.files.items() if n not in absent}
        try:
            self._rewrite()
        except OSError:
            self._gone.update(absent if without_absent else {})

    def strike(self, names: Iterable[str]) -> bool:
        """These are about to go, or nobody misses them any more; False when there is no room to say so."""
        names = list(names)
        known = [name for name in names if name in self.files]
        for name in names:
            self._owed.pop(name, None)
        try:
            if known or self._gone:
                self._append([*self._owed_strikes(), *(_line("-", name, self.files[name]) for name in known)])
        except OSError:
            try:
                self._overwrite({*known, *(name for name in self._gone if name not in self._owed)})
            except OSError:
                return False
        for name in known:
            del self.files[name]
        self._gone.clear()
        return True

    def gone(self, names: Iterable[str]) -> None:
        """These went before they could be struck off: it is done now, or with the next."""
        self._gone.update({name: self.files.pop(name) for name in names if name in self.files})
        self.strike(())

    def _owed_strikes(self) -> list[str]:
        return [_line("-", name, rows) for name, rows in self._gone.items() if name not in self._owed]

    def _append(self, lines: Iterable[str]) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            if self._half is not None:
                os.ftruncate(file, self._half)
                size, self._half = self._half, None
            try:
                data = "".join(lines).encode()
                if os.write(file, data) < len(data):
                    raise OSError(28, os.strerror(28), str(self._path))
                os.fsync(file)
            except OSError:
                try:
                    os.ftruncate(file, size)
                except OSError:
                    self._half = size
                raise
        finally:
            os.close(file)

    def _overwrite(self, names: Collection[str]) -> None:
        """Strike off where there is no room for a line."""
        file = os.open(self._path, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC)
        try:
            begin, signs = 0, {}
            for line in os.pread(file, os.fstat(file).st_size, 0).split(b"\n")[:-1]:
                told = _told(line.decode(errors="replace"))
                if told is not None and told[1] in names:
                    signs[told[1]] = begin + SIGN  # the last line about a file counts
                begin += len(line) + 1
            for place in signs.values():
                os.pwrite(file, b"-", place)
        finally:
            os.close(file)

    def _rewrite(self) -> None:
        fresh = self._path.with_name(FRESH)
        with fresh.open("w") as file:
            file.writelines(_line("+", name, rows) for name, rows in sorted(self.files.items()))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._path)
        # Before the folder is settled, hence not by ``durable.rewrite``: if that fails, this is the new file already,
        # and to cut it where the old one had its half a line would damage it.
        self._half = None
        sync_folder(self._path.parent)


def read_roll(folder: Path) -> tuple[dict[str, int], int, list[str]]:
    """(rows by file, lines, what cannot be read) of the roll in the folder ``blocks``; nothing when there is none."""
    try:
        return _read(folder / ROLL)
    except FileNotFoundError:
        return {}, 0, []
    except OSError as error:
        return {}, 0, [f"it cannot be read: {(error.strerror or str(error)).lower()}"]


def _read(path: Path) -> tuple[dict[str, int], int, list[str]]:
    files: dict[str, int] = {}
    bad: list[str] = []
    lines = path.read_bytes().decode(errors="replace").split("\n")
    # The last one has no end when the power failed while it was written: then what it says was not done yet.
    for number, line in enumerate(lines[:-1], 1):
        told = _told(line)
        if told is None:
            bad.append(f"line {number} of it cannot be read")
        elif told[0] == "+":
            files[told[1]] = told[2]
        else:
            files.pop(told[1], None)
    return files, len(lines) - 1, bad


def _told(line: str) -> tuple[str, str, int] | None:
    """(sign, name, rows) of a line; None where it cannot be read."""
    words = line.split(" ")
    said = line[SIGN:]
    if len(words) != 4 or len(words[0]) != SIGN - 1 or not words[3].isdigit():
        return None
    if words[0] != _checksum(said) and (words[1] != "-" or words[0] != _checksum("+" + said[1:])):
        return None
    return words[1], words[2], int(words[3])


def taken_up(folder: Path, name: str, called: Mapping[str, int]) -> bool:
    """Whether a longer file, or the archive, has what was in a file that is called and is not there.

    Its removal could not be written down. ``called`` are all on the roll in the folder ``blocks``.
    """
    kind, tier, file = name.split("/")
    span = span_of(file)
    if span is None or tier == ARCHIVE:
        return False
    day, month = name_of(day_of(span.start), "1d"), name_of(month_of(span.start), "1mo")
    if tier == RAW and f"{kind}/{ARCHIVE}/{day}" in called:
        return True
    for longer in (day, month):
        if longer != file:
            with suppress(Damaged, OSError, ValueError):
                segment = Segment(folder / kind / tier / longer)
                segment.close()
                if any(span.start <= source[0] < span.end for source in segment.index.sources):
                    return True
    return False


def _line(sign: str, name: str, rows: int) -> str:
    said = f"{sign} {name} {rows}"
    return f"{_checksum(said)} {said}\n"


def _checksum(said: str) -> str:
    return f"{crc32(said.encode()):08x}"


def _half_line(path: Path) -> int | None:
    """Where a line begins that has no end; None where each has one."""
    data = path.read_bytes()
    return None if not data or data.endswith(b"\n") else data.rfind(b"\n") + 1

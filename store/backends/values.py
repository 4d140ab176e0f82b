"""The values of the state's databases, and their checksums. Pure but for a file's size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from bus.fields import Unfit
from bus.messages import IMPORT, KINDS, split_sample
from bus.questions import Stored, Subject
from bus.wire import HEADER, Malformed, read, walk
from store.keys import LATEST, NUMBER, SERIES

SAMPLE = KINDS["sample"].code
NOBODY = 2**32 - 1
"""The number of no series."""
AT = slice(28, 36)
"""Where a record's own time stands (``bus.wire``)."""
_IMPORT = IMPORT.encode()


def pack_latest(received: int, record: bytes) -> bytes:
    """The newest record of a series."""
    return LATEST.pack(crc32(record), received) + record


def unpack_latest(value: bytes | memoryview | None) -> Stored | None:
    """The newest record of a series; None when there is none or it is damaged."""
    if not value:
        return None
    checksum, received = LATEST.unpack_from(value)
    record = bytes(value[LATEST.size :])
    return Stored(received, record) if crc32(record) == checksum else None


def pack_series(number: int, first_at: int) -> bytes:
    """A series' number, and the time of its first record."""
    value = SERIES.pack(number, first_at)
    return NUMBER.pack(crc32(value)) + value


def unpack_series(value: bytes | memoryview) -> tuple[int, int] | None:
    """(number, first_at) of a series; None when it is damaged. Format 1 had no checksum."""
    series = bytes(value[-SERIES.size :])
    if len(value) == SERIES.size or bytes(value[: -SERIES.size]) == NUMBER.pack(crc32(series)):
        return SERIES.unpack(series)
    return None


def pack_names(names: tuple[str, ...]) -> bytes:
    """The names of a layout."""
    text = "\n".join(names).encode()
    return NUMBER.pack(crc32(text)) + text


def unpack_names(value: bytes | memoryview | None) -> tuple[str, ...]:
    """The names of a layout; none when it is absent or damaged."""
    if not value or crc32(text := bytes(value[4:])) != NUMBER.unpack_from(value)[0]:
        return ()
    return tuple(text.decode().split("\n"))


def pack_stream(value: bytes) -> bytes:
    """How far a stream is stored, with a checksum: LMDB has none."""
    return NUMBER.pack(crc32(value)) + value


def unpack_stream(value: bytes | memoryview) -> bytes | None:
    """How far a stream is stored; None when that is damaged."""
    stream = bytes(value[4:])
    return stream if len(value) > 4 and crc32(stream) == NUMBER.unpack_from(value)[0] else None


def names_of(record: bytes) -> tuple[str, ...]:
    """The names that a layout's record announces; none when it is malformed."""
    try:
        return tuple(read(record)[0].message().names)
    except Malformed:
        return ()  # counted by the writer, which read it first


def layouts_of(records: Iterable[bytes]) -> set[int]:
    """The layouts of these samples, each of which may be several back to back; all else has none."""
    found = set()
    for record in records:
        try:
            for begin, end, fields in walk(record):
                if fields[1] == SAMPLE:
                    found.add(split_sample(record[begin + HEADER.size + fields[3] + fields[4] : end])[0])
        except (Malformed, Unfit):
            continue  # whoever reads it has no use for its names
    return found


def measured_at(record: bytes) -> int:
    """A record's own time, ns."""
    return int.from_bytes(record[AT], "big", signed=True)


def told_of(name: str, first_at: int, newest: Stored) -> Subject:
    """A subject with this newest record."""
    return Subject(name, first_at, measured_at(newest.record), newest.received, is_imported(newest.record))


def is_imported(record: bytes) -> bool:
    """Whether a record is of another monitor's past."""
    return record[HEADER.size : HEADER.size + record[4]] == _IMPORT


def disk_bytes(file: Path) -> int:
    """What a sparse file really takes."""
    try:
        return file.stat().st_blocks * 512
    except OSError:
        return 0

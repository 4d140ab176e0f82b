"""The values of the state's databases, and their checksums. Pure but for a file's size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

from bus.delivery.stream import read_key
from bus.fields import Unfit
from bus.messages import IMPORT, split_sample
from bus.questions import Stored, Subject
from bus.wire import HEADER, Field, Malformed, measured_at, read, walk
from store.keys import LATEST, NUMBER, SAMPLE_CODE, SERIES

NOBODY = 2**32 - 1
"""The number of no series."""
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


def pack_series(key: bytes, number: int, first_at: int) -> bytes:
    """A series' number, and the time of its first record."""
    return _keyed(key, SERIES.pack(number, first_at))


def unpack_series(key: bytes | memoryview, value: bytes | memoryview) -> tuple[int, int] | None:
    """(number, first_at) of a series; None when it is damaged. Format 1 had no checksum."""
    series = value if len(value) == SERIES.size else _unkeyed(key, value)
    return SERIES.unpack(series) if series is not None and len(series) == SERIES.size else None


def pack_names(names: tuple[str, ...]) -> bytes:
    """The names of a layout."""
    text = "\n".join(names).encode()
    return NUMBER.pack(crc32(text)) + text


def unpack_names(value: bytes | memoryview | None) -> tuple[str, ...]:
    """The names of a layout; none when it is absent or damaged."""
    if not value or crc32(text := bytes(value[4:])) != NUMBER.unpack_from(value)[0]:
        return ()
    return tuple(text.decode().split("\n"))


def pack_stream(key: bytes, value: bytes) -> bytes:
    """How far a stream is stored, with a checksum: LMDB has none."""
    return _keyed(key, value)


def unpack_stream(key: bytes | memoryview, value: bytes | memoryview) -> bytes | None:
    """How far a stream is stored; None when that, or whose it is, is damaged."""
    try:
        read_key(bytes(key))
    except UnicodeDecodeError:
        return None
    return _unkeyed(key, value) if len(value) > NUMBER.size else None


def _keyed(key: bytes, value: bytes) -> bytes:
    """A value behind a checksum of its key and of it: nothing else says that it stands under the right one."""
    return NUMBER.pack(crc32(value, crc32(key))) + value


def _unkeyed(key: bytes | memoryview, value: bytes | memoryview) -> bytes | None:
    """What ``_keyed`` was given; None when it is damaged. Before format 4 the checksum was of the value alone."""
    checksum, held = bytes(value[: NUMBER.size]), bytes(value[NUMBER.size :])
    return held if checksum in (NUMBER.pack(crc32(held, crc32(key))), NUMBER.pack(crc32(held))) else None


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
            for _, end, fields in walk(record):
                if fields[Field.KIND] == SAMPLE_CODE:
                    found.add(split_sample(record[end - fields[Field.BODY] : end])[0])
        except (Malformed, Unfit):
            continue  # whoever reads it has no use for its names
    return found


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

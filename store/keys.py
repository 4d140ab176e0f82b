"""Where a record stands on disk: partitions, keys and the codecs of what is no record. Pure.

    rows/<kind>/<YYYYMMDDTHH>/data.mdb      one LMDB environment per kind and period, named by its start in UTC
        series u32, minute u32, commit u64  ->  a group (``store.rows``)
        0xfe, stripe u32, minute u32,
        commit u64, place u8                ->  fresh: the groups of several series (``store.fresh``)
        0xff                                ->  the partition's count: records u64, bytes u64

    state/data.mdb                          one LMDB environment, databases:
        series    kind u8, subject          ->  checksum u32 of key and value, series u32, first_at i64
        layouts   layout id u64             ->  checksum u32, names joined by newlines
        heard     layout id u64             ->  when it was heard of, and whose it is (``store.backends.layouts``)
        latest    series u32                ->  checksum u32 of the record, received i64, the newest record
        streams   source, 0x00, epoch u64   ->  checksum u32 of key and value, how far (``bus/delivery/stream.py``)
        meta      a word                    ->  msgpack, and its checksum (``store.backends.formats``)

All numbers are big-endian, so that keys sort as their numbers do. The minute is that of the records' own time:
a group never crosses it, so a range of time is a range of keys. The commit's number keeps groups apart that
came at different times; reading folds what came twice. A stripe is 64 series whose numbers follow one another, and
place is that of the first series in the stripe. What
many series told in one commit is fresh at first, and is regrouped into rows of their own soon after: a page for each
series and commit would be most of what the disk writes.
"""

from __future__ import annotations

import struct
import time
from calendar import timegm
from functools import lru_cache

from bus.messages import KINDS
from bus.timing import DAY, HOUR, SECOND
from bus.wire import measured_at

SAMPLE = "sample"
SAMPLE_CODE = KINDS[SAMPLE].code
PERIODS = {SAMPLE: HOUR}
"""How long a partition is; a day where nothing else is said."""
ROW = struct.Struct(">IIQ")
STRIPE = 64
"""So many series share a fresh value."""
FRESH = struct.Struct(">BIIQB")
FRESH_MARK = 0xFE
COUNT_KEY = b"\xff"
COUNT = struct.Struct(">QQ")
SERIES = struct.Struct(">Iq")
LATEST = struct.Struct(">Iq")
NUMBER = struct.Struct(">I")
LAYOUT = struct.Struct(">Q")
FORMAT = 4
"""See ``store.backends.formats``."""
EARLIEST = timegm((2001, 1, 1, 0, 0, 0)) * SECOND
FAR = timegm((2200, 1, 1, 0, 0, 0)) * SECOND


def kinds() -> tuple[str, ...]:
    """The kinds that have rows: all but layouts, which are kept for ever."""
    return tuple(kind for kind in KINDS if kind != "layout")


def dated(at: int) -> int:
    """The time under which a record of ``at`` is kept: its own, unless the sender's clock is beyond all reason."""
    return min(max(at, EARLIEST), FAR)


def kept_at(record: bytes) -> int:
    """The time under which a record is kept."""
    return dated(measured_at(record))


def period(kind: str) -> int:
    """The length of a partition of ``kind``, in ns."""
    return PERIODS.get(kind, DAY)


def partition(kind: str, at: int) -> str:
    """The name of the partition that holds ``at``, as ``20261123T19``."""
    start = at - at % period(kind)
    return time.strftime("%Y%m%dT%H", time.gmtime(start // SECOND))


@lru_cache(maxsize=8192)
def partition_start(name: str) -> int:
    """When the partition ``name`` begins, ns; raises ValueError for what is no partition's name."""
    return timegm(time.strptime(name, "%Y%m%dT%H")) * SECOND


def row_key(series: int, minute: int, commit: int) -> bytes:
    """The key of a group."""
    return ROW.pack(series, minute, commit)


def series_key(kind: str, subject: bytes) -> bytes:
    """The key under which a series' number is found."""
    return bytes((KINDS[kind].code,)) + subject


def fresh_key(stripe: int, minute: int, commit: int, place: int = 0) -> bytes:
    """The key of groups of a stripe that were not regrouped yet, the first of them of its series ``place``."""
    return FRESH.pack(FRESH_MARK, stripe, minute, commit, place)


def is_fresh(key: bytes) -> bool:
    """Whether what stands under ``key`` is fresh."""
    return len(key) == FRESH.size and key[0] == FRESH_MARK

"""The same readings as everybody's own protocol has them, made before a clock starts: clients must be no bottleneck."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from benchmarks.databases.data import Readings
from bus.messages import KINDS, Layout, Sample, encode, layout_id
from bus.wire import CHECKSUM, FIXED, MAGIC, RESEND, pack, record

TOGETHER = 20
"""Samples of a host, or of each series, that are told at once: as after a short pause, and the fastest for all."""
HOSTS_AT_ONCE = 10
UNLIMITED = "[collector]\nmessages_per_second = 1000000.0\nbytes_per_second = 1000000000.0\n"
"""Settings of a hub in which a host may tell a month in seconds."""
REMOTE_WRITE = "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"


@dataclass(frozen=True, slots=True)
class Told:
    """Something to send: how many values are in it, and which of the connections it belongs to."""

    values: int
    lane: int
    body: bytes


# -- ours ---


def epoch_of(host: str, life: int = 0) -> int:
    """The same in every run, since every run has a hub of its own; another in each of its producer's lives."""
    return (life << 32) + crc32(host.encode()) + 1


def layouts(data: Readings, life: int = 0) -> list[bytes]:
    """The layout of each host, its message number 1."""
    start = int(data.times[0]) * 1_000_000
    message = Layout(data.names)
    return [
        pack(record(message, source=host, at=start, epoch=epoch_of(host, life), number=1, sent=start))
        for host in data.values
    ]


def frames(data: Readings, together: int, life: int = 0) -> list[Told]:
    """Frames of so many samples of a host each, by time; a host's numbers go on from 2."""
    by_host = [list(_records(data, host, life)) for host in data.values]
    metrics = len(data.names)
    return [
        Told(metrics * len(few), 0, b"".join(few))
        for start in range(0, len(data.times), together)
        for of in by_host
        if (few := of[start : start + together])
    ]


def _records(data: Readings, host: str, life: int) -> Iterator[bytes]:
    """The packed samples of a host, in order."""
    block = np.ascontiguousarray(data.values[host]).astype("<f8")
    size = block.shape[1] * 8
    body = encode(Sample(layout_id(data.names), (0.0,) * block.shape[1]))[1]
    prefix, whole, name = body[:-size], block.tobytes(), host.encode()
    code, epoch = KINDS["sample"].code, epoch_of(host, life)
    for place, stamp in enumerate(data.times.tolist()):
        at = stamp * 1_000_000
        fixed = FIXED.pack(MAGIC, code, 0, len(name), 0, 0, len(body), epoch, place + 2, at)
        tail = name + prefix + whole[place * size : (place + 1) * size]
        yield b"".join((fixed, CHECKSUM.pack(crc32(tail, crc32(fixed))), RESEND.pack(1, 0, at), tail))


# -- Prometheus' remote write ---
# https://prometheus.io/docs/specs/prw/remote_write_spec/, framed as snappy literals, which are the fastest to read:
# https://github.com/google/snappy/blob/main/format_description.txt


class RemoteWrite:
    """A few hosts' series as protobuf, in which only values and times are filled in."""

    SAMPLE = 18
    """Bytes of a sample: tag, length, tag, the double, tag, the time in ms as a varint of six bytes."""

    def __init__(self, hosts: Sequence[str], names: Sequence[str], count: int) -> None:
        self._count = count
        blank = (b"\x12\x10\x09" + bytes(8) + b"\x10" + bytes(6)) * count
        made, starts = bytearray(), []
        for host in hosts:
            for name in names:
                labels = b"".join(
                    _field(1, _field(1, key) + _field(2, value))
                    for key, value in (
                        (b"__name__", b"guardia_value"),
                        (b"host", host.encode()),
                        (b"metric", name.encode()),
                    )
                )
                made += _field(1, labels + blank)
                starts.append(len(made) - len(blank))
        self._template = np.frombuffer(bytes(made), np.uint8)
        first = np.array(starts)[:, None] + np.arange(count) * self.SAMPLE
        self._values = (first[:, :, None] + 3 + np.arange(8)).ravel()
        self._times = first[:, :, None] + 12 + np.arange(6)

    def body(self, values: npt.NDArray[np.float64], times: npt.NDArray[np.int64]) -> bytes:
        """The request's body; ``values`` are (series, times), series by host and name."""
        filled = self._template.copy()
        filled[self._values] = np.ascontiguousarray(values).astype("<f8").view(np.uint8).ravel()
        stamps = np.stack([_varint(int(at)) for at in times])
        filled[self._times] = stamps
        return _snappy(filled.tobytes())


def remote_writes(data: Readings, lanes: int, values: int, together: int = TOGETHER) -> list[Told]:
    """Requests by time, of about so many values in all; a host's are all in one lane, so that they stay in order."""
    hosts = list(data.values)
    at_once = HOSTS_AT_ONCE * TOGETHER // together
    groups = [hosts[first : first + at_once] for first in range(0, len(hosts), at_once)]
    forms = [RemoteWrite(group, data.names, together) for group in groups]
    told, made = [], 0
    for start in range(0, len(data.times) - together + 1, together):
        if made >= values:
            break
        few = slice(start, start + together)
        for lane, (group, form) in enumerate(zip(groups, forms, strict=True)):
            matrix = np.concatenate([data.values[host][few].T for host in group])
            body = form.body(matrix, data.times[few])
            told.append(Told(matrix.size, lane % lanes, posted("/api/v1/write", body, REMOTE_WRITE)))
            made += matrix.size
    return told


def posted(path: str, body: bytes, headers: str = "") -> bytes:
    """A whole HTTP request."""
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _varint(number: int) -> npt.NDArray[np.uint8]:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return np.frombuffer(bytes(out), np.uint8)


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)).tobytes() + content


def _snappy(content: bytes) -> bytes:
    parts = [_varint(len(content)).tobytes()]
    for start in range(0, len(content), 65_536):
        piece = content[start : start + 65_536]
        parts += [b"\xf4", struct.pack("<H", len(piece) - 1), piece]
    return b"".join(parts)


# -- the others ---


def lines(data: Readings, lanes: int, values: int) -> list[Told]:
    """InfluxDB's line protocol: a line a host and instant, a field a metric, some thousand lines a request."""
    metrics, per_request = len(data.names), 2000
    rows = min(len(data.times), -(-values // (metrics * len(data.values))))
    form = ",".join(f"{name.translate(ESCAPED)}=%r" for name in data.names)
    made: list[str] = []
    for place, at in enumerate(data.times[:rows].tolist()):
        for host, block in data.values.items():
            made.append(f"guardia,host={host} {form % tuple(block[place].tolist())} {at}")
    told = []
    for number, start in enumerate(range(0, len(made), per_request)):
        some = made[start : start + per_request]
        body = "\n".join(some).encode()
        told.append(Told(len(some) * metrics, number % lanes, posted("/write?db=g&precision=ms", body)))
    return told


ESCAPED = str.maketrans({" ": r"\ ", ",": r"\,", "=": r"\="})
ROW = struct.Struct(">h")
COPY_HEAD, COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
FLOAT8 = 701


def copies(data: Readings, values: int) -> list[Told]:
    """PostgreSQL's binary COPY, a thousand rows at once: host, time, an array of the values."""
    metrics, batch = len(data.names), 1000
    rows = min(len(data.times), -(-values // (metrics * len(data.values))))
    head = struct.pack(">iiiii", 1, 0, FLOAT8, metrics, 1)
    dtype = np.dtype([("size", ">i4"), ("value", ">f8")])
    made: list[bytes] = []
    packed = {}
    for host, block in data.values.items():
        cells = np.empty(block[:rows].shape, dtype)
        cells["size"], cells["value"] = 8, block[:rows]
        packed[host] = cells.tobytes()
    width = metrics * dtype.itemsize
    for place, at in enumerate(data.times[:rows].tolist()):
        for host, cells_of in packed.items():
            name = host.encode()
            array = head + cells_of[place * width : (place + 1) * width]
            front = struct.pack(f">hi{len(name)}siqi", 3, len(name), name, 8, at, len(array))
            made.append(front + array)
    told = []
    for start in range(0, len(made), batch):
        some = made[start : start + batch]
        told.append(Told(len(some) * metrics, 0, b"".join((COPY_HEAD, *some, COPY_END))))
    return told

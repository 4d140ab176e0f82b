"""Prometheus' remote write, as small as it goes: protobuf, framed as snappy literals (its fastest to read).

https://prometheus.io/docs/specs/prw/remote_write_spec/ and https://github.com/google/snappy/blob/main/format_description.txt
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import requests

from benchmarks.databases.data import Readings

AT_ONCE = 20
"""Samples of each series in a request."""
HEADERS = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _snappy(content: bytes) -> bytes:
    parts = [_varint(len(content))]
    for start in range(0, len(content), 65_536):
        piece = content[start : start + 65_536]
        parts += [b"\xf4", struct.pack("<H", len(piece) - 1), piece]
    return b"".join(parts)


def bodies(data: Readings) -> Iterator[tuple[bytes, int]]:
    """(body, values) of requests, by time: a few samples of all series of ten hosts each."""
    hosts = list(data.values)
    labels = {
        (host, name): _field(1, _field(1, b"__name__") + _field(2, b"guardia_value"))
        + _field(1, _field(1, b"host") + _field(2, host.encode()))
        + _field(1, _field(1, b"metric") + _field(2, name.encode()))
        for host in hosts
        for name in data.names
    }
    for start in range(0, len(data.times), AT_ONCE):
        stamps = [b"\x10" + _varint(int(at)) for at in data.times[start : start + AT_ONCE]]
        for first in range(0, len(hosts), 10):
            series, count = [], 0
            for host in hosts[first : first + 10]:
                block = data.values[host][start : start + AT_ONCE]
                for place, name in enumerate(data.names):
                    samples = b"".join(
                        _field(2, b"\x09" + struct.pack("<d", value) + at)
                        for value, at in zip(block[:, place].tolist(), stamps, strict=True)
                        if value == value
                    )
                    if samples:
                        series.append(_field(1, labels[host, name] + samples))
                count += int(np.count_nonzero(~np.isnan(block)))
            yield _snappy(b"".join(series)), count


def pushed(url: str, told: list[tuple[bytes, int]], workers: int) -> None:
    """Send all of it, so many requests at once; those of a host stay in order when ``workers`` is 1."""

    def send(body: bytes) -> None:
        answer = session.post(url, data=body, headers=HEADERS, timeout=120)
        if answer.status_code >= 300:
            raise SystemExit(f"{url}: {answer.status_code} {answer.text[:300]}")

    with requests.Session() as session, ThreadPoolExecutor(workers) as pool:
        list(pool.map(send, [body for body, _ in told]))

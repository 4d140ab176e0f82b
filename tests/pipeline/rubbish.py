"""Rubbish of every kind, from a seed: frames that no door lets in, bodies that none can read, beginnings that end."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from zlib import crc32

import msgpack

from bus.messages import KINDS, Layout, Sample
from bus.wire import CHECKSUM, FIXED, HEADER, RESEND, pack, record
from tests.pipeline import zmtp

NOON = 1_769_860_800 * 10**9
SAMPLE = KINDS["sample"].code


def whole(
    source: bytes,
    body: bytes,
    *,
    code: int = SAMPLE,
    subject: bytes = b"",
    number: int = 1,
    epoch: int = 7,
    magic: bytes = b"G1",
    flags: int = 0,
    length: int | None = None,
    at: int = NOON,
) -> bytes:
    """A record with a checksum that holds, whatever its fields say."""
    size = len(body) if length is None else length
    fixed = FIXED.pack(magic, code, flags, len(source), len(subject), 0, size, epoch, number, at)
    tail = source + subject + body
    return b"".join((fixed, CHECKSUM.pack(crc32(tail, crc32(fixed))), RESEND.pack(1, 0, NOON), tail))


def _frames(name: str) -> list[Callable[[random.Random], bytes]]:
    """Makers of frames that a door refuses, each; ``name`` is who sends them."""
    source = name.encode()
    good = pack(record(Sample(1, (1.0,)), source=name, at=NOON, epoch=7, number=1))
    layout = pack(record(Layout(("load.1m",)), source=name, at=NOON, epoch=7, number=2))

    def altered(chance: random.Random) -> bytes:
        """One bit of what the checksum covers."""
        place = chance.choice([*range(HEADER.size - 24), *range(HEADER.size, len(good))])
        return good[:place] + bytes((good[place] ^ (1 << chance.randrange(8)),)) + good[place + 1 :]

    return [
        lambda chance: chance.randbytes(chance.randrange(1, 600)),
        lambda chance: good[: chance.randrange(1, len(good))],
        altered,
        lambda chance: whole(source, b"", magic=chance.choice((b"GE", b"PO", b"G2", b"\0\0"))),
        lambda chance: whole(source, b"\xc0", flags=chance.randrange(1, 256)),
        lambda chance: whole(source, b"\xc0", code=chance.randrange(100, 256)),
        lambda chance: whole(source, b"\xc0", length=chance.choice((2**32 - 1, 2**31, 262_145, 100))),
        lambda chance: whole(source, b"\xc0", number=0),
        lambda chance: whole(chance.choice((b"", b"../x", b"a b", b"\xff\xfe", b"x" * 200, b"\x1b[2J")), b"\xc0"),
        lambda chance: whole(b"guardia.store-writer", b"\xc0"),
        lambda chance: whole(source, b"\xc0", code=KINDS["alert"].code),
        lambda chance: whole(source, b"\xc0", subject=b"db-1"),
        lambda chance: good + layout,
        lambda chance: good + b"G1",
        lambda chance: b"",
    ]


def frame(name: str, chance: random.Random) -> bytes:
    """Bytes that no door may let in."""
    return chance.choice(_frames(name))(chance)


def _deep(levels: int) -> bytes:
    return b"\x91" * levels + b"\xc0"


_BODIES: list[Callable[[random.Random], bytes]] = [
    lambda chance: chance.randbytes(chance.randrange(300)),
    lambda chance: _deep(chance.choice((9, 200, 2000, 200_000))),
    lambda chance: b"\x81\xa1a" * 1000 + b"\xc0",
    lambda chance: b"\xdd" + struct.pack(">I", 2**32 - 1),
    lambda chance: b"\xdc\x20\x00" * 1000,
    lambda chance: b"\xdf" + struct.pack(">I", 2**31) + b"\xc0" * 50,
    lambda chance: b"\xc6" + struct.pack(">I", 2**31) + b"x",
    lambda chance: msgpack.packb([float("nan"), float("inf")]),
    lambda chance: msgpack.packb([2**64 - 1, struct.pack("<4d", *[float("nan")] * 4)]),
    lambda chance: msgpack.packb([True, b"1234567"]),
    lambda chance: msgpack.packb({"names": [None, 1, "load.1m", "load.1m", "\x1b]0;", "a" * 300]}),
    lambda chance: msgpack.packb({"names": "load.1m", 3: 4}, use_bin_type=True),
    lambda chance: msgpack.packb({"host_name": 3, "cpu_count": "many", "interval": float("nan")}),
    lambda chance: msgpack.packb({"rows": [[1, 2, 3]] * 50}),
    lambda chance: b"\xc7\x0c\xff" + bytes(12),
    lambda chance: b"\xc1",
    lambda chance: b"",
]


def body(chance: random.Random) -> bytes:
    """A body that its kind cannot be made of; the collector does not look into it."""
    return chance.choice(_BODIES)(chance)


_CURVE_HELLO = b"\x05HELLO" + b"\x01\x00" + bytes(72)
_BEGINNINGS: list[Callable[[random.Random], bytes]] = [
    lambda chance: chance.randbytes(chance.randrange(1, 400)),
    lambda chance: zmtp.greeting()[: chance.randrange(1, 64)],
    lambda chance: zmtp.greeting(b"PLAIN") + zmtp.frame(b"\x05HELLO\x05admin\x05admin", zmtp.COMMAND),
    lambda chance: zmtp.greeting(b"GSSAPI"),
    lambda chance: zmtp.greeting(chance.randbytes(20)),
    lambda chance: zmtp.greeting(version=bytes((chance.randrange(256), chance.randrange(256)))),
    lambda chance: zmtp.greeting() + zmtp.frame(b"\x05READY" + chance.randbytes(40), zmtp.COMMAND),
    lambda chance: zmtp.greeting() + zmtp.frame(b"\x05READY\x0bSocket-Type\xff\xff\xff\xff", zmtp.COMMAND),
    lambda chance: zmtp.greeting() + zmtp.ready(b"SUB"),
    lambda chance: zmtp.greeting() + zmtp.ready() + b"\x02" + struct.pack(">Q", 2**40) + bytes(500),
    lambda chance: zmtp.greeting() + zmtp.ready() + b"\x02" + struct.pack(">Q", 2**63 + 5),
    lambda chance: zmtp.greeting() + zmtp.ready() + bytes((chance.randrange(8, 256), 10)) + bytes(10),
    lambda chance: zmtp.greeting(b"CURVE") + zmtp.frame(_CURVE_HELLO + chance.randbytes(112), zmtp.COMMAND),
    lambda chance: zmtp.greeting(b"CURVE") + zmtp.frame(b"\x08INITIATE" + chance.randbytes(300), zmtp.COMMAND),
    lambda chance: zmtp.greeting(b"CURVE") + zmtp.ready() + zmtp.frame(b"G1"),
    lambda chance: b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n",
    lambda chance: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200),
    lambda chance: zmtp.SIGNATURE + b"\x00" + bytes(20),
]


def beginning(chance: random.Random) -> bytes:
    """What a connection may begin with that comes to nothing."""
    return chance.choice(_BEGINNINGS)(chance)

"""HELLO, a producer's question for its watermarks, as bytes and back. Pure, strict.

A **HELLO** (producer to store) says what a producer can still supply:

    0    3  magic "G1H"
    3       msgpack map: v (1), source, boot (text), started, sent (ns), nonce, generation, more (bool),
            spool {bytes, messages, dropped, memory (bool)},
            epochs: binary, 32 bytes for each epoch, oldest first, the newest (live) one last:
                0  8  epoch
                8  8  floor: the highest number that can no longer be supplied
               16  8  last: the highest number given so far
               24  8  once: the highest watermark that any store ever acknowledged

all numbers big-endian. Bytes that do not fit exactly are ``Malformed``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import msgpack

from bus.messages import is_name
from bus.wire import Malformed

HELLO = b"G1H"
MAX_OFFERS = 512
MAX_HELLO = 65_536
_OFFER = struct.Struct(">QQQQ")


@dataclass(frozen=True, slots=True)
class Offer:
    """One epoch in a HELLO; the layout above tells what the numbers mean."""

    epoch: int
    floor: int
    last: int
    once: int


@dataclass(frozen=True, slots=True)
class SpoolReport:
    """How full a producer's spool is; ``dropped`` counts unacknowledged messages, ever."""

    bytes: int = 0
    messages: int = 0
    dropped: int = 0
    memory: bool = False


@dataclass(frozen=True, slots=True)
class Hello:
    """A producer's question for its watermarks; ``more`` says that it has epochs beyond the listed ones."""

    source: str
    boot: str
    started: int
    sent: int
    nonce: int
    generation: int
    offers: tuple[Offer, ...]
    spool: SpoolReport = SpoolReport()
    more: bool = False


def pack_hello(hello: Hello) -> bytes:
    """The bytes of a HELLO."""
    spool = hello.spool
    body = {
        "v": 1,
        "source": hello.source,
        "boot": hello.boot,
        "started": hello.started,
        "sent": hello.sent,
        "nonce": hello.nonce,
        "generation": hello.generation,
        "more": hello.more,
        "spool": {
            "bytes": spool.bytes,
            "messages": spool.messages,
            "dropped": spool.dropped,
            "memory": spool.memory,
        },
        "epochs": b"".join(_OFFER.pack(o.epoch, o.floor, o.last, o.once) for o in hello.offers),
    }
    return HELLO + msgpack.packb(body, use_bin_type=True)  # type: ignore[no-any-return]


def read_hello(frame: bytes) -> Hello:
    """The HELLO in ``frame``; raises ``Malformed``."""
    if frame[:3] != HELLO:
        raise Malformed("magic", f"starts with {frame[:3]!r}, not with {HELLO!r}")
    if len(frame) > MAX_HELLO:
        raise Malformed("size", f"a HELLO of {len(frame)} bytes, at most {MAX_HELLO}")
    body = _map(frame[3:])
    version = _whole(body, "v")
    if version != 1:
        raise Malformed("version", f"a HELLO of version {version}, understood is 1")
    spool = body.get("spool")
    if type(spool) is not dict:
        raise Malformed("body", "HELLO.spool: expected a map")
    return Hello(
        source=_name(body.get("source")),
        boot=_text(body, "boot"),
        started=_whole(body, "started"),
        sent=_whole(body, "sent"),
        nonce=_whole(body, "nonce"),
        generation=_whole(body, "generation"),
        offers=_offers(body.get("epochs")),
        spool=SpoolReport(
            _whole(spool, "bytes"), _whole(spool, "messages"), _whole(spool, "dropped"), _truth(spool, "memory")
        ),
        more=_truth(body, "more"),
    )


def _map(body: bytes) -> dict[str, Any]:
    try:
        value = msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_str_len=256,
            max_bin_len=MAX_OFFERS * _OFFER.size,
            max_array_len=0,
            max_map_len=32,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise Malformed("body", f"HELLO: no msgpack: {error or type(error).__name__}") from None
    if type(value) is not dict:
        raise Malformed("body", "HELLO: expected a map")
    return value


def _whole(body: dict[str, Any], name: str) -> int:
    value = body.get(name)
    if type(value) is not int or not 0 <= value < 2**64:
        raise Malformed("body", f"HELLO.{name}: expected an unsigned 64-bit number")
    return value


def _truth(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if type(value) is not bool:
        raise Malformed("body", f"HELLO.{name}: expected true or false")
    return value


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if type(value) is not str or not value.isprintable() or len(value) > 128:
        raise Malformed("body", f"HELLO.{name}: expected up to 128 printable characters")
    return value


def _name(value: object) -> str:
    if type(value) is not str or not is_name(value):
        raise Malformed("name", f"HELLO.source: {str(value)[:40]!r} is no name of ours")
    return value


def _offers(packed: object) -> tuple[Offer, ...]:
    if type(packed) is not bytes or len(packed) % _OFFER.size:
        raise Malformed("body", "HELLO.epochs: expected 32 bytes for each epoch")
    offers = tuple(Offer(*fields) for fields in _OFFER.iter_unpack(packed))
    if len({offer.epoch for offer in offers}) != len(offers):
        raise Malformed("body", "HELLO.epochs: an epoch stands there twice")
    if any(offer.floor > offer.last for offer in offers):
        raise Malformed("body", "HELLO.epochs: a floor above the last number")
    return offers

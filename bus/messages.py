"""Every message that exists, declared once. Pure.

A message says something about a *subject* (a host or a service) at an instant; both stand in the record's
header (``bus.wire``), so that nobody has to decode a body to pass it on. The classes here are the bodies.

Growth: a new field has a default, unknown fields are ignored, a new meaning gets a new name. ``KINDS`` maps a
kind's name to its code on the wire; codes are never used twice.
"""

from __future__ import annotations

import math
import re
import struct
from _blake2 import blake2b  # hashlib has it too, but loads OpenSSL: 4 MB that each agent would carry
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import msgpack

from bus.fields import Unfit, build, plain

MAX_BODY = 262_144
MAX_METRICS = 8_192
NAME = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._:-]{1,128}\Z")
METRIC = re.compile(r"[A-Za-z0-9_]{1,64}(\[[^\[\]\x00-\x1f\x7f]{1,160}\])?\.[A-Za-z0-9_.]{1,64}\Z")
HUB = "guardia."
"""Names that start so are the hub's own rooms: admitted only over the hub's file system."""
IMPORT = HUB + "import"
"""The producer that tells the past of other hosts (``guardia import``): it is stored, and nobody is judged by it."""
DRILL = HUB + "drill"
"""The host that an alarm's drill is about (``guardia drill alert``): an agent on the hub that lives for seconds."""


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether ``text`` may name a host, a service or a producer: clients put it into URLs unescaped."""
    return NAME.match(text) is not None


def is_metric(text: str) -> bool:
    """Whether ``text`` is ``group.field`` or ``group[instance].field``."""
    return METRIC.match(text) is not None


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of a sample's numbers, in their order; sent before it, and again at least each hour of its use."""

    names: tuple[str, ...]

    @property
    def id(self) -> int:
        """64 bits of BLAKE2b over the names joined by newlines; the same list has the same id everywhere."""
        return layout_id(self.names)


@lru_cache(maxsize=64)  # each may have thousands of names, and is held by this
def layout_id(names: tuple[str, ...]) -> int:
    """The id of the layout with these names."""
    return int.from_bytes(blake2b("\n".join(names).encode(), digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Sample:
    """One wide reading: a number for each name of the layout, None where there was no reading."""

    layout: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What seldom changes about a host; sent on start, on change and now and then."""

    host_name: str | None = None
    os_name: str | None = None
    os_version: str | None = None
    kernel: str | None = None
    arch: str = ""
    cpu_model: str | None = None
    cpu_count: int = 0
    memory_total: int = 0
    boot_time: float | None = None
    interval: float | None = None
    version: str = ""
    python: str = ""


@dataclass(frozen=True, slots=True)
class Process:
    """One row of the process table; ``cpu_percent`` is of one core, ``memory_bytes`` is resident."""

    pid: int
    name: str
    user: str
    cpu_percent: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Processes:
    """The processes that used most CPU or memory since the last such message."""

    rows: tuple[Process, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check of a service, after its retries. ``status``: up, degraded, down or unknown."""

    STATUSES: ClassVar[frozenset[str]] = frozenset({"up", "degraded", "down", "unknown"})
    status: str
    url: str = ""
    check: str = "http"
    response_ms: float | None = None
    http_status: int | None = None
    tls_days: int | None = None
    error: str | None = None
    place: str = ""
    attempt: int = 1
    state: str = ""
    """The service's state by all its checks: up, degraded, down or unknown; empty: as this check found it."""
    phases: dict[str, float] | None = None
    """Milliseconds by phase, as ``connect_ms``; rules see ``phase.connect_ms``."""
    metrics: dict[str, float] | None = None
    """Further readings, as ``loss_percent``; rules see ``check.loss_percent``."""


def seen_from(source: str, check: Check) -> str:
    """From which place; empty: the hub. Whoever is not of the hub speaks for its own place alone, whatever it says."""
    return check.place if source.startswith(HUB) else source


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A job says that it ran: ``status`` is up, or down with what went wrong in ``text``. The subject is a service."""

    STATUSES: ClassVar[frozenset[str]] = frozenset({"up", "down"})
    status: str = "up"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """A transition of an alarm, or what the configuration made of one that fires, with the reason.

    ``state``: pending, firing, clearing or quiet.
    """

    rule: str
    state: str
    severity: str = "warning"
    incident: str = ""
    transition: int = 0
    value: float | None = None
    threshold: float | None = None
    started_at: int | None = None
    reason: str = ""
    labels: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The outcome of one attempt to tell somebody about an alarm."""

    incident: str
    channel: str
    outcome: str
    attempt: int = 1
    transition: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Notices that match are held back until ``until`` (ns); it has an owner and an end, always."""

    id: str
    owner: str
    reason: str
    starts: int
    until: int
    matches: tuple[str, ...] = ("*",)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """An entry of the gap ledger: the numbers ``first`` to ``last`` of a stream that nobody can supply."""

    stream: str
    epoch: int
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class StreamTally:
    """What had become of one stream's messages; ``last`` is the highest number that its producer gave."""

    epoch: int
    last: int
    stored: int
    duplicates: int
    rejected: int
    lost: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What had become of a producer's messages, counted from each stream's begin; the store writes it now and then."""

    streams: tuple[StreamTally, ...]


Message = Layout | Sample | Facts | Processes | Check | Heartbeat | Alert | Notice | Silence | Loss | Tally


# -- bodies as bytes ---

_FEW = 2
"""Items of the list that a sample is: of so few, lists within lists take little room."""


def _unpack(body: bytes, most: int) -> Any:
    """What the body holds; no list of it may have more than ``most`` items."""
    try:
        if most > _FEW:
            _skip(body)
        return msgpack.unpackb(
            body,
            raw=False,
            strict_map_key=True,
            max_str_len=16_384,
            max_bin_len=MAX_METRICS * 8,
            max_array_len=most,
            max_map_len=4096,
            max_ext_len=0,
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise Unfit(f"body: no msgpack: {error or type(error).__name__}") from None


def _skip(body: bytes) -> None:
    """Go through the body and make nothing of it; raises as ``unpackb`` where not all is there that it announces.

    A list takes the room of its items as soon as it says how many there are to be: a thousand lists within each other,
    3 kB that end before the first item, took 64 MB and 50 ms of everybody who opened them.
    """
    size = max(len(body), 1)
    skipping = msgpack.Unpacker(read_size=size, max_buffer_size=size)
    skipping.feed(body)
    skipping.skip()


def _encode_map(message: Any) -> bytes:
    return msgpack.packb(plain(message), use_bin_type=True)  # type: ignore[no-any-return]


def _decode_layout(body: bytes) -> Layout:
    value = _unpack(body, MAX_METRICS)
    names = value.get("names") if type(value) is dict else None
    if type(names) is not list:
        raise Unfit("body.names: missing")
    if not 0 < len(names) <= MAX_METRICS:
        raise Unfit(f"body.names: {len(names)} names, expected 1 to {MAX_METRICS}")
    for name in names:
        if type(name) is not str or not is_metric(name):
            raise Unfit(f"body.names: {str(name)[:80]!r} is no metric's name")
    if len(set(names)) != len(names):
        raise Unfit("body.names: a name stands there twice")
    return Layout(tuple(names))


@lru_cache(maxsize=256)
def doubles(count: int) -> struct.Struct:
    """The packed form of ``count`` values: little-endian doubles."""
    return struct.Struct(f"<{count}d")


def _encode_sample(message: Sample) -> bytes:
    numbers = [math.nan if value is None else value for value in message.values]
    packed = doubles(len(numbers)).pack(*numbers)
    if math.inf in numbers or -math.inf in numbers:
        raise Unfit("values: an infinity is no reading")
    if not 0 < len(numbers) <= MAX_METRICS:
        raise Unfit(f"values: {len(numbers)} numbers, expected 1 to {MAX_METRICS}")
    if not 0 <= message.layout < 2**64:
        raise Unfit("layout: expected an unsigned 64-bit number")
    return _before_values(message.layout, len(packed)) + packed


@lru_cache(maxsize=256)
def _before_values(layout: int, size: int) -> bytes:
    """The bytes of a sample before its packed values; as long as the layout stays, they do."""
    whole: bytes = msgpack.packb((layout, bytes(size)), use_bin_type=True)
    return whole[: len(whole) - size]


def split_sample(body: bytes) -> tuple[int, bytes]:
    """(layout id, packed little-endian doubles) of a sample's body; the doubles are not looked at."""
    value = _unpack(body, _FEW)
    if type(value) is not list or len(value) != 2:
        raise Unfit("body: expected [layout, values]")
    layout, packed = value
    if type(layout) is not int or not 0 <= layout < 2**64:
        raise Unfit("body.layout: expected an unsigned 64-bit number")
    if type(packed) is not bytes or len(packed) % 8 or not packed:
        raise Unfit("body.values: expected packed doubles")
    return layout, packed


def _decode_sample(body: bytes) -> Sample:
    layout, packed = split_sample(body)
    numbers = doubles(len(packed) // 8).unpack(packed)
    if math.isfinite(sum(numbers)):  # as nearly always, and one look at each is enough
        return Sample(layout, numbers)
    if math.inf in numbers or -math.inf in numbers:
        raise Unfit("body.values: an infinity is no reading")
    return Sample(layout, tuple(None if number != number else number for number in numbers))


def _decode_check(body: bytes) -> Check:
    check = build(Check, _unpack(body, MAX_METRICS))
    for name, word in (("status", check.status), ("state", check.state or check.status)):
        if word not in Check.STATUSES:
            raise Unfit(f"body.{name}: {word[:40]!r} is no status")
    return check


def _decode_heartbeat(body: bytes) -> Heartbeat:
    heartbeat = build(Heartbeat, _unpack(body, MAX_METRICS))
    if heartbeat.status not in Heartbeat.STATUSES:
        raise Unfit(f"body.status: {heartbeat.status[:40]!r} is no status")
    return heartbeat


def _decoder(message: type[Any]) -> Callable[[bytes], Any]:
    return lambda body: build(message, _unpack(body, MAX_METRICS))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of message: its name, its code on the wire, its type and its codec."""

    name: str
    code: int
    message: type[Any]
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


def _kinds(kinds: Iterable[Kind]) -> dict[str, Kind]:
    return {kind.name: kind for kind in kinds}


KINDS: dict[str, Kind] = _kinds(
    [
        Kind("layout", 1, Layout, _encode_map, _decode_layout),
        Kind("sample", 2, Sample, _encode_sample, _decode_sample),
        Kind("facts", 3, Facts, _encode_map, _decoder(Facts)),
        Kind("processes", 4, Processes, _encode_map, _decoder(Processes)),
        Kind("check", 5, Check, _encode_map, _decode_check),
        Kind("alert", 6, Alert, _encode_map, _decoder(Alert)),
        Kind("notice", 7, Notice, _encode_map, _decoder(Notice)),
        Kind("silence", 8, Silence, _encode_map, _decoder(Silence)),
        Kind("loss", 9, Loss, _encode_map, _decoder(Loss)),
        Kind("tally", 10, Tally, _encode_map, _decoder(Tally)),
        Kind("heartbeat", 11, Heartbeat, _encode_map, _decode_heartbeat),
    ]
)
BY_CODE: dict[int, Kind] = {kind.code: kind for kind in KINDS.values()}
BY_TYPE: dict[type[Any], Kind] = {kind.message: kind for kind in KINDS.values()}


def encode(message: Message) -> tuple[Kind, bytes]:
    """The kind and the body of ``message``; raises ``Unfit`` for what no reader would accept."""
    kind = BY_TYPE[type(message)]
    try:
        body = kind.encode(message)
    except (ValueError, OverflowError, TypeError) as error:
        # Text that is no Unicode (a process's name may be), numbers of more than 64 bits.
        raise error if isinstance(error, Unfit) else Unfit(f"{kind.name}: {error}") from None
    if len(body) > MAX_BODY:
        raise Unfit(f"{kind.name}: a body of {len(body)} bytes, at most {MAX_BODY}")
    if kind.message is not Sample:
        kind.decode(body)  # refused here, not at the other end; samples were checked, and are many
    return kind, body

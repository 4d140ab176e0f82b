"""Every kind of message survives its body, and hostile bodies are told apart."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import struct
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.fields import Unfit
from bus.messages import (
    BY_CODE,
    BY_TYPE,
    KINDS,
    MAX_BODY,
    MAX_METRICS,
    Check,
    Facts,
    Heartbeat,
    Layout,
    Process,
    Processes,
    Sample,
    StreamTally,
    encode,
    is_metric,
    is_name,
    layout_id,
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(max_size=40)
METRICS = st.lists(st.from_regex(r"[a-z]{1,8}(\[[a-z0-9/ ]{1,8}\])?\.[a-z_]{1,8}", fullmatch=True), unique=True)


def of(annotation: str) -> st.SearchStrategy[Any]:
    """Values of a field."""
    found: st.SearchStrategy[Any]
    bare = annotation.removesuffix(" | None")
    match bare:
        case "str":
            found = TEXT
        case "int":
            found = WHOLE
        case "float":
            found = NUMBERS
        case "bool":
            found = st.booleans()
        case "tuple[str, ...]":
            found = st.lists(TEXT, max_size=4).map(tuple)
        case "dict[str, str]":
            found = st.dictionaries(TEXT, TEXT, max_size=4)
        case "dict[str, float]":
            found = st.dictionaries(TEXT, NUMBERS, max_size=4)
        case "tuple[StreamTally, ...]":
            found = st.lists(st.builds(StreamTally, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE, WHOLE), max_size=3).map(tuple)
        case "tuple[Process, ...]":
            row = st.builds(Process, WHOLE, TEXT, TEXT, NUMBERS, WHOLE)
            found = st.lists(row, max_size=4).map(tuple)
        case _:
            raise AssertionError(f"no values are known for {annotation}")
    return found if bare == annotation else st.none() | found


def message_of(kind: str) -> st.SearchStrategy[Any]:
    """Messages of a kind."""
    if kind == "layout":
        return METRICS.filter(bool).map(lambda names: Layout(tuple(names)))
    if kind == "sample":
        values = st.lists(st.none() | NUMBERS, min_size=1, max_size=100).map(tuple)
        return st.builds(Sample, st.integers(0, 2**64 - 1), values)
    message = KINDS[kind].message
    fields = {field.name: of(str(field.type)) for field in dataclasses.fields(message)}
    if message in (Check, Heartbeat):
        fields["status"] = st.sampled_from(sorted(message.STATUSES))
    if message is Check:
        fields["state"] = st.sampled_from(["", *sorted(Check.STATUSES)])
    return st.builds(message, **fields)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_comes_back_from_its_body_as_it_was(kind: str) -> None:
    @given(message_of(kind))
    def comes_back(message: Any) -> None:
        found, body = encode(message)
        assert found is KINDS[kind]
        assert found.decode(body) == message

    comes_back()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_whatever_bytes_come_a_body_is_refused_or_read(kind: str) -> None:
    @given(
        st.one_of(
            st.binary(max_size=200),
            st.recursive(
                st.none() | WHOLE | TEXT | st.booleans(),
                lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
            ).map(msgpack.packb),
        )
    )
    def refused_or_read(body: bytes) -> None:
        try:
            message = KINDS[kind].decode(body)
        except Unfit:
            return
        assert type(message) is KINDS[kind].message

    refused_or_read()


def test_an_unknown_field_is_ignored_so_that_newer_producers_are_understood() -> None:
    body = msgpack.packb({"status": "up", "invented_later": [1, 2]})
    assert KINDS["check"].decode(body) == Check("up")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("check", msgpack.packb({"status": "fine"})),
        ("check", msgpack.packb({})),
        ("check", msgpack.packb({"status": "up", "response_ms": float("nan")})),
        ("check", msgpack.packb({"status": "up", "attempt": True})),
        ("check", msgpack.packb({"status": "up", "url": "x" * 5000})),
        ("facts", msgpack.packb([1])),
        ("facts", msgpack.packb({"arch": None})),
        ("facts", b"\x81\xa4arch"),
        ("facts", msgpack.packb({"later": msgpack.Timestamp(1)})),
        ("facts", msgpack.packb({"later": msgpack.ExtType(5, bytes(300))})),
        ("facts", b"\x91" * 5000),
        ("layout", msgpack.packb({"names": []})),
        ("layout", msgpack.packb({"names": ["cpu.percent", "cpu.percent"]})),
        ("layout", msgpack.packb({"names": ["no metric"]})),
        ("layout", msgpack.packb({"names": [f"load[{n}].x" for n in range(MAX_METRICS + 1)]})),
        ("sample", msgpack.packb([1, b"1234567"])),
        ("sample", msgpack.packb([1, b""])),
        ("sample", msgpack.packb([-1, b"12345678"])),
        ("sample", msgpack.packb([1.0, b"12345678"])),
        ("sample", msgpack.packb([1, "12345678"])),
    ],
)
def test_a_hostile_body_is_refused_with_a_reason(kind: str, body: bytes) -> None:
    with pytest.raises(Unfit, match=r"\w"):
        KINDS[kind].decode(body)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("items", [MAX_METRICS, 2])
def test_lists_within_lists_that_are_only_announced_take_no_room(kind: str, items: int) -> None:
    body = (b"\xdc" + items.to_bytes(2, "big")) * 1000
    tracemalloc.start()
    with pytest.raises(Unfit, match="no msgpack"):
        KINDS[kind].decode(body)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 500_000, "a thousand lists of 8,192 items take 64 MB"


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinity_is_no_reading(value: float) -> None:
    with pytest.raises(Unfit, match="infinity"):
        encode(Sample(1, (1.0, value)))
    with pytest.raises(Unfit, match="infinity"):
        KINDS["sample"].decode(msgpack.packb([1, struct.pack("<d", value)]))


@pytest.mark.parametrize(
    "message",
    [
        Facts(kernel="caf\udce9"),
        Facts(kernel="x" * 5000),
        Facts(cpu_count=2**65),
        Facts(boot_time=math.inf),
        Check("fine"),
        Processes(tuple(Process(1, "n", "u", 0.0, 1) for _ in range(5000))),
        Layout(()),
        Layout(("no metric",)),
        Layout(("cpu.percent", "cpu.percent")),
        Layout(tuple(f"load[{n}].x" for n in range(MAX_METRICS + 1))),
        Sample(-1, (1.0,)),
        Sample(2**64, (1.0,)),
        Sample(1, ()),
        Sample(1, (1.0,) * (MAX_METRICS + 1)),
    ],
    ids=lambda message: repr(message)[:30],
)
def test_what_no_reader_would_accept_is_not_told(message: Any) -> None:
    # Told all the same it would be refused at the other end, where nobody can mend it.
    with pytest.raises(Unfit, match=r"\w"):
        encode(message)


def test_a_body_over_the_limit_is_not_made() -> None:
    rows = tuple(Process(1, "n" * 4000, "u", 0.0, 1) for _ in range(70))
    with pytest.raises(Unfit, match=str(MAX_BODY)):
        encode(Processes(rows))


def test_a_layouts_id_is_of_its_names_and_their_order() -> None:
    assert Layout(("cpu.percent", "load.1m")).id == layout_id(("cpu.percent", "load.1m"))
    assert layout_id(("cpu.percent", "load.1m")) != layout_id(("load.1m", "cpu.percent"))
    assert layout_id(("cpu.percent",)) == int.from_bytes(hashlib.blake2b(b"cpu.percent", digest_size=8).digest(), "big")


def test_codes_are_used_once_and_types_belong_to_one_kind() -> None:
    assert len(BY_CODE) == len(BY_TYPE) == len(KINDS)
    assert {name: kind.code for name, kind in KINDS.items()} == {
        "layout": 1,
        "sample": 2,
        "facts": 3,
        "processes": 4,
        "check": 5,
        "alert": 6,
        "notice": 7,
        "silence": 8,
        "loss": 9,
        "tally": 10,
        "heartbeat": 11,
    }


@pytest.mark.parametrize("name", ["web-1", "a", "db.example:5432", "x" * 128, "guardia.api-1"])
def test_names_that_fit_into_a_url(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", "x" * 129, "web 1", "web/1", "wéb", "web\n", "web-1\0", "[web]", "a?b", "%41", ".", ".."]
)
def test_names_that_do_not(name: str) -> None:
    assert not is_name(name)


@pytest.mark.parametrize(
    "name", ["cpu.percent", "disk[/].total", "temperature[coretemp/Package id 0].celsius", "a.b.c"]
)
def test_metrics(name: str) -> None:
    assert is_metric(name)


@pytest.mark.parametrize(
    "name", ["cpu", ".percent", "cpu.", "disk[].total", "disk[a[b]].x", "disk[a\n].x", "c pu.x", "cpu.x\n"]
)
def test_no_metrics(name: str) -> None:
    assert not is_metric(name)


def test_facts_are_optional_one_by_one() -> None:
    assert KINDS["facts"].decode(msgpack.packb({})) == Facts()

"""Records and frames: round trips, and every way in which bytes can be wrong."""

from __future__ import annotations

import dataclasses
import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.fields import Unfit
from bus.messages import KINDS, MAX_BODY, Check, Sample, is_name
from bus.wire import (
    HEADER,
    MAGIC,
    MAX_FRAME,
    PLAIN,
    PLAIN_SAMPLE,
    RESEND_AT,
    Malformed,
    Record,
    pack,
    read,
    record,
    stamped,
    topic,
    unstamped,
    verify,
    walk,
)

NAMES = st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True).filter(is_name)
U64 = st.integers(0, 2**64 - 1)
RECORDS = st.builds(
    Record,
    kind=st.sampled_from(sorted(KINDS)),
    source=NAMES,
    subject=NAMES,
    at=st.integers(-(2**63), 2**63 - 1),
    epoch=U64,
    number=U64,
    body=st.binary(max_size=300),
    base=U64,
    generation=U64,
    sent=st.integers(-(2**63), 2**63 - 1),
)
ONE = record(Sample(7, (1.0, None)), source="web-1", at=5, epoch=9, number=3, sent=8)
PACKED = pack(ONE)


@given(st.lists(RECORDS, min_size=1, max_size=5))
def test_records_come_back_from_a_frame_as_they_were(records: list[Record]) -> None:
    assert read(b"".join(pack(one) for one in records)) == records


@given(RECORDS, U64, U64, st.integers(-(2**63), 2**63 - 1))
def test_a_record_sent_again_differs_in_base_generation_and_sending_time_alone(
    one: Record, base: int, generation: int, sent: int
) -> None:
    packed = pack(one)
    again = pack(dataclasses.replace(one, base=base, generation=generation, sent=sent))

    assert (again[:RESEND_AT], again[HEADER.size :]) == (packed[:RESEND_AT], packed[HEADER.size :])
    assert verify(packed[:RESEND_AT] + again[RESEND_AT:], 0, len(packed))


@given(st.integers(0, len(PACKED) * 8 - 1))
def test_every_flipped_bit_of_what_is_covered_is_noticed(place: int) -> None:
    if 40 * 8 <= place < 64 * 8:
        return  # base, generation and sent are not covered
    flipped = bytearray(PACKED)
    flipped[place // 8] ^= 1 << place % 8
    with pytest.raises(Malformed):
        read(bytes(flipped))


@pytest.mark.parametrize("size", range(1, len(PACKED)))
def test_a_record_cut_short_anywhere_is_truncated(size: int) -> None:
    with pytest.raises(Malformed) as fault:
        read(PACKED[:size])
    assert fault.value.reason == "truncated"


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=100).map(lambda tail: b"G1" + tail)))
def test_whatever_bytes_come_reading_ends_in_records_or_malformed(frame: bytes) -> None:
    reasons: list[str] = []
    for attempt in (read, lambda frame: list(walk(frame)), unstamped):
        try:
            attempt(frame)
        except Malformed as fault:
            reasons.append(fault.reason)
    assert all(reason.isalpha() for reason in reasons)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: b"X1" + data[2:], "magic"),
        (lambda data: data[:3] + b"\x01" + data[4:], "version"),
        (lambda data: data[:6] + b"\x00\x01" + data[8:], "version"),
        (lambda data: data[:8] + (MAX_BODY + 1).to_bytes(4, "big") + data[12:], "size"),
        (lambda data: data + b"G", "truncated"),
    ],
)
def test_a_fault_has_its_own_word(change: object, reason: str) -> None:
    with pytest.raises(Malformed) as fault:
        read(change(PACKED))  # type: ignore[operator]
    assert fault.value.reason == reason


@given(st.integers(0, 255), st.binary(min_size=8, max_size=8))
def test_a_plain_sample_is_one_that_walking_finds_no_fault_with(length: int, form: bytes) -> None:
    good = struct.pack(">2sBBBBH", MAGIC, KINDS["sample"].code, 0, length, 0, 0)
    for first in (good, form):
        body = PLAIN_SAMPLE.get(first)
        assert (body is None) == (first != good or not length)
        if body is not None:
            data = first + struct.pack(">IQQqI", 3, 1, 2, -5, 9) + bytes(24 + body - HEADER.size + 3)
            ((_, end, fields),) = walk(data)
            assert end == body + 3 == len(data)
            assert PLAIN.unpack_from(data)[1:] == (*fields[6:10], fields[10])


def test_an_unknown_kind_is_told_apart_from_damage() -> None:
    data = bytearray(PACKED)
    data[2] = 200
    data[36:40] = struct.pack(">I", crc32(bytes(data[64:]), crc32(bytes(data[:36]))))
    with pytest.raises(Malformed) as fault:
        read(bytes(data))
    assert fault.value.reason == "kind"


def test_a_body_of_another_shape_is_malformed_when_it_is_looked_at() -> None:
    one = Record("check", "prober", "shop", 1, 1, 1, b"\x01")
    assert read(pack(one)) == [one]
    with pytest.raises(Malformed) as fault:
        one.message()
    assert fault.value.reason == "body"


@pytest.mark.parametrize("name", ["", "web 1", "x" * 129, "wéb"])
def test_a_name_that_clients_could_not_use_is_not_packed(name: str) -> None:
    with pytest.raises(Unfit):
        pack(Record("check", name or " ", "shop", 1, 1, 1, b""))


@pytest.mark.parametrize("field", ["at", "epoch", "number", "base", "generation", "sent"])
@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_number_of_more_than_64_bits_is_not_packed(field: str, value: int) -> None:
    with pytest.raises(Unfit, match="does not fit the header"):
        pack(dataclasses.replace(ONE, **{field: value}))  # type: ignore[arg-type]


def test_the_header_is_as_drawn() -> None:
    assert HEADER.size == 64
    assert len(PACKED) == 64 + len("web-1") + len(ONE.body)
    assert PACKED[:3] == b"G1\x02"
    assert int.from_bytes(PACKED[12:20], "big") == 9
    assert int.from_bytes(PACKED[20:28], "big") == 3
    assert int.from_bytes(PACKED[28:36], "big") == 5
    assert int.from_bytes(PACKED[56:64], "big") == 8
    assert HEADER.size + 2 * 128 + MAX_BODY < MAX_FRAME


def test_a_subject_that_is_the_source_is_not_written_twice() -> None:
    own = record(Check("up"), source="shop", at=1, epoch=1, number=1)
    other = record(Check("up"), source="prober", subject="shop", at=1, epoch=1, number=1)
    assert pack(own).count(b"shop") == 1
    assert read(pack(other))[0].subject == "shop"
    assert read(pack(own))[0].subject == "shop"


@given(st.sampled_from(sorted(KINDS)), U64, U64, st.integers(-(2**63), 2**63 - 1))
def test_a_bus_frame_tells_its_stamp(kind: str, incarnation: int, counter: int, received: int) -> None:
    frame = stamped(kind, incarnation, counter, received, [PACKED, PACKED])
    stamp, start = unstamped(frame)

    assert (stamp.kind, stamp.incarnation, stamp.counter, stamp.moment) == (kind, incarnation, counter, received)
    assert 0 <= received - stamp.received < 1_000_000
    assert stamp.received % 1_000_000 == 0
    assert frame.startswith(topic(kind))
    assert read(frame, start) == [ONE, ONE]


def test_topics_are_no_prefixes_of_each_other() -> None:
    topics = [topic(kind) for kind in KINDS]
    assert not [(a, b) for a in topics for b in topics if a != b and a.startswith(b)]

"""HELLO and RECEIPT as bytes and back; other bytes are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.control import (
    BUNDLE,
    MAX_HELLO,
    MAX_OFFERS,
    Flags,
    Hello,
    Mark,
    Offer,
    Receipt,
    Reject,
    SpoolReport,
    bundled,
    outspoken,
    pack_hello,
    pack_receipt,
    read_hello,
    read_receipt,
    receipt_source,
    unbundled,
)
from bus.wire import Malformed

HELLO = Hello("web-1", "boot-1", 1, 2, 3, 4, (Offer(7, 1, 9, 2), Offer(8, 0, 0, 0)), SpoolReport(100, 9, 1), True)
RECEIPT = Receipt(
    "web-1",
    5,
    6,
    -7,
    (Mark(7, 3), Mark(8, 3, until=9, refused=True)),
    44,
    Flags.DISK_FULL,
    10,
    (Reject(7, 2, "poison"),),
)


def test_a_hello_reads_back_as_it_was() -> None:
    assert read_hello(pack_hello(HELLO)) == HELLO


def test_a_receipt_reads_back_as_it_was_and_tells_its_addressee_at_a_glance() -> None:
    frame = pack_receipt(RECEIPT)

    assert read_receipt(frame) == RECEIPT
    assert receipt_source(frame) == "web-1"


def test_the_bytes_of_a_receipt_are_those_of_the_drawing() -> None:
    frame = pack_receipt(Receipt("web-1", 5, 6, 7, (Mark(8, 9),)))

    assert frame.hex(" ", 8) == bytes.fromhex(
        "473152 00 0000000000000005 0000000000000006 0000000000000007 0000000000000000"
        "00000000 0001 0000 05 7765622d31 0000000000000008 0000000000000009 0000000000000000 00"
    ).hex(" ", 8)


def test_the_largest_hello_fits_its_limit() -> None:
    most = 2**64 - 1
    offers = tuple(Offer(epoch, most, most, most) for epoch in range(MAX_OFFERS))
    largest = replace(HELLO, source="w" * 128, boot="b" * 128, offers=offers)

    assert len(pack_hello(largest)) <= MAX_HELLO


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(HELLO, source="web 1"), "name"),
        (replace(HELLO, boot="b" * 129), "body"),
        (replace(HELLO, boot="\x1b[31m"), "body"),
        (replace(HELLO, offers=(Offer(7, 0, 0, 0), Offer(7, 0, 0, 0))), "body"),
        (replace(HELLO, offers=(Offer(7, 2, 1, 0),)), "body"),
    ],
)
def test_a_hello_that_cannot_be_true_is_refused(wrong: Hello, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_hello(pack_hello(wrong))
    assert refused.value.reason == reason


@given(st.binary(max_size=200))
def test_random_bytes_are_refused_and_nothing_worse(junk: bytes) -> None:
    for frame in (junk, b"G1H" + junk, b"G1R" + junk):
        for reader in (read_hello, read_receipt, receipt_source):
            try:
                reader(frame)
            except Malformed:
                continue


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_gives_another_frame_or_is_refused(place: int, value: int) -> None:
    for frame, reader in ((pack_hello(HELLO), read_hello), (pack_receipt(RECEIPT), read_receipt)):
        changed = bytearray(frame)
        changed[place % len(frame)] = value
        try:
            found = reader(bytes(changed))
        except Malformed:
            continue
        assert (found == reader(frame)) is (changed == frame)


def test_every_cut_of_a_frame_is_refused() -> None:
    for frame, reader in ((pack_hello(HELLO), read_hello), (pack_receipt(RECEIPT), read_receipt)):
        for end in range(len(frame)):
            with pytest.raises(Malformed):
                reader(frame[:end])


def test_receipts_go_to_the_collector_back_to_back_and_come_apart_again() -> None:
    packed = [pack_receipt(RECEIPT._replace(source=f"web-{place}")) for place in range(500)]
    frames = list(bundled(packed))

    assert 1 < len(frames) < 20
    assert all(len(frame) <= BUNDLE for frame, _ in frames)
    assert sum(count for _, count in frames) == len(packed)
    apart = [one for frame, _ in frames for one in unbundled(frame)]
    assert apart == [(f"web-{place}", receipt) for place, receipt in enumerate(packed)]
    assert list(bundled([])) == []


def test_of_receipts_that_tell_ever_more_of_one_epoch_the_last_one_is_enough() -> None:
    told = [Receipt("web-1", 5, 6, at, (Mark(8, at),), credit=at) for at in range(1, 5)]

    assert outspoken(told) == told[-1:]
    assert outspoken([]) == []


@pytest.mark.parametrize(
    "more",
    [
        {"answer": 44},
        {"rejects": (Reject(8, 1, "poison"),)},
        {"flags": Flags.DISK_FULL},
        {"incarnation": 7},
        {"generation": 6},
        {"source": "web-2"},
        {"marks": (Mark(9, 1),)},
        {"marks": (Mark(8, 3),)},
        {"marks": (Mark(8, 1), Mark(9, 1))},
        {"marks": (Mark(8, 1, until=2),)},
        {"marks": (Mark(8, 1, refused=True),)},
    ],
)
def test_a_receipt_that_says_anything_else_is_heard(more: dict[str, Any]) -> None:
    after = Receipt("web-1", 5, 6, 2, (Mark(8, 2),))
    one = Receipt("web-1", 5, 6, 1, (Mark(8, 1),))._replace(**more)

    assert outspoken([one, after]) == [one, after]


def test_what_comes_after_a_whole_receipt_is_refused_and_the_whole_one_is_taken() -> None:
    packed = pack_receipt(RECEIPT)
    for end in range(1, len(packed)):
        came = unbundled(packed + packed[:end])
        assert next(came) == (RECEIPT.source, packed)
        with pytest.raises(Malformed):
            next(came)

"""Rows become columns and come back: whatever is in a record but how it was sent, each message once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bus.messages import KINDS, Layout, Sample
from bus.wire import HEADER, RESEND_AT, Record, pack
from store.blocks.gather import gathered, joined, records, taken
from store.blocks.parts import Part
from store.keys import dated
from store.rows import Opened, Row, folded
from store.sealing import part_of, parts_of
from tests.store.given import LAYOUT, NOON, SECOND, check, sample

OTHER = Layout(("cpu.percent", "load.1m", "swap.used"))


def rows_of(found: list[Record], received: list[int]) -> list[Row]:
    return [(dated(one.at), at, pack(one)) for one, at in zip(found, received, strict=True)]


def message(row: Row) -> tuple[int, int, bytes, bytes]:
    """What has to come back: all but base, generation and when it was sent."""
    return row[0], row[1], row[2][:RESEND_AT], row[2][HEADER.size :]


def through_columns(found: list[Record], received: list[int]) -> list[Row]:
    code = KINDS[found[0].kind].code
    rows: list[Row] = []
    for origin, one in gathered((at, pack(record), []) for record, at in zip(found, received, strict=True)).items():
        place, data = part_of("web-1", origin, one)
        part = Part(lambda offset, length, data=data: data[offset : offset + length], place.columns)  # type: ignore[misc]
        rows += records(origin, part.told(), code)
    return sorted(rows, key=lambda row: row[:2])


NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**6).map(lambda n: n / 10)
SAMPLES = st.builds(
    lambda second, values, epoch, number, other: Record(
        **{
            **{name: getattr(sample(1), name) for name in ("kind", "source", "subject")},
            "at": NOON + second * SECOND // 3,
            "epoch": epoch,
            "number": number,
            "body": KINDS["sample"].encode(Sample((OTHER if other else LAYOUT).id, values[: 3 if other else 2])),
        }
    ),
    st.integers(-(10**6), 10**6),
    st.tuples(NUMBER, NUMBER, NUMBER),
    st.integers(0, 2**64 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
)


@given(st.lists(SAMPLES, min_size=1, max_size=20), st.randoms())
def test_samples_come_back_as_they_were_told(found: list[Record], random: object) -> None:
    found = [*found, *found[::3]]
    received = [NOON + place * SECOND for place in range(len(found))]
    expected = folded(rows_of(found, received))
    assert list(map(message, through_columns(found, received))) == sorted(map(message, expected), key=lambda m: m[:2])


def test_other_records_come_back_with_their_bodies() -> None:
    found = [check(3, "down"), check(1), check(2), check(2, "down"), check(1)]
    received = [NOON + n for n in (9, 2, 3, 4, 5)]
    assert list(map(message, through_columns(found, received))) == list(map(message, folded(rows_of(found, received))))


def test_a_sample_that_others_encoded_in_their_own_way_is_kept_as_it_came() -> None:
    ours = sample(1)
    layout, values = LAYOUT.id, ours.body[-16:]
    # An array of 16-bit length, which msgpack allows.
    theirs = replace(sample(2), body=b"\xdc\x00\x02\xcf" + layout.to_bytes(8, "big") + b"\xc5\x00\x10" + values)
    found = through_columns([ours, theirs], [NOON, NOON])
    assert [row[2][HEADER.size :] for row in found] == [pack(ours)[HEADER.size :], pack(theirs)[HEADER.size :]]


def test_rows_of_several_places_are_joined_each_once_and_cut_by_time() -> None:
    ((_, first),) = gathered([(NOON, b"".join(pack(sample(n)) for n in (1, 2, 3)), [])]).items()
    ((_, second),) = gathered([(NOON + 5, b"".join(pack(sample(n)) for n in (3, 5, 4)), [])]).items()
    both = joined([first, second])
    assert ((both.at - NOON) // SECOND).tolist() == [1, 2, 3, 4, 5]
    assert both.received.tolist() == [NOON] * 3 + [NOON + 5] * 2
    assert len(taken(both, NOON + 2 * SECOND, NOON + 4 * SECOND)) == 3


@given(st.lists(st.lists(SAMPLES, min_size=1, max_size=8), min_size=1, max_size=6))
def test_parts_are_the_same_bytes_together_as_alone(hosts: list[list[Record]]) -> None:
    told = [
        (f"web-{number}", origin, rows)
        for number, found in enumerate([*hosts, *hosts[:2]])
        for origin, rows in gathered([(NOON, b"".join(map(pack, found)), [])]).items()
    ]
    told += [("shop", origin, rows) for origin, rows in gathered([(NOON, pack(check(1)) + pack(check(2)), [])]).items()]
    assert parts_of(told) == [part_of(*one) for one in told]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9),
            st.lists(SAMPLES, min_size=1, max_size=6),
            st.sets(st.integers(1, 5)),
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_each_record_keeps_the_time_at_which_it_was_received(
    some: list[tuple[int, list[Record], set[int]]], alike: bool
) -> None:
    groups: list[Opened] = []
    plain: list[Opened] = []
    for turn, (first, said, changes) in enumerate(some):
        body = some[0][1][0].body
        every = [replace(one, body=body) for one in said] if alike else said
        times = [(number, NOON + 1000 * turn + number) for number in sorted(changes) if number < len(every)]
        groups.append((NOON + first, b"".join(map(pack, every)), times))
        received = NOON + first
        for number, one in enumerate(every):
            received = dict(times).get(number, received)
            plain.append((received, pack(one), []))
    found, expected = gathered(groups), gathered(plain)
    assert {origin: one.received.tolist() for origin, one in found.items()} == {
        origin: one.received.tolist() for origin, one in expected.items()
    }

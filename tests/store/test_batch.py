"""What is gathered between two commits: groups by series and minute, the newest of each series, wrong clocks."""

from __future__ import annotations

import struct
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import KINDS, Layout, Sample
from bus.timing import MINUTE
from bus.wire import Malformed, pack, stamped, unstamped
from store.batch import Batch, Group, Newest, is_newer
from store.dates import AHEAD, is_near
from store.keys import EARLIEST, FAR
from store.rows import group as rows_group
from store.rows import spread
from tests.store.given import DAY, HOUR, NOON, SECOND, batch, check, layout, sample
from tests.store.given import told as telling

SAMPLE, CHECK = KINDS["sample"].code, KINDS["check"].code


def test_an_empty_batch_is_nothing_to_commit() -> None:
    assert not Batch()
    assert batch([layout()])
    assert batch([sample(1)])


def test_records_stand_in_the_group_of_their_minute_and_the_partition_of_their_hour() -> None:
    made = batch([sample(1), sample(2), sample(61), sample(3601), sample(3, host="db-1"), check(1)])

    hour = NOON - NOON % HOUR
    assert set(made.groups) == {(SAMPLE, hour), (SAMPLE, hour + HOUR), (CHECK, NOON - NOON % DAY)}
    assert {key: group.count for key, group in made.groups[SAMPLE, hour].items()} == {
        (b"web-1", NOON // MINUTE): 2,
        (b"web-1", NOON // MINUTE + 1): 1,
        (b"db-1", NOON // MINUTE): 1,
    }
    assert list(made.groups[CHECK, NOON - NOON % DAY]) == [(b"shop", NOON // MINUTE + 1)]


def test_layouts_are_kept_apart_and_counted() -> None:
    made = batch([layout(), sample(1)])
    assert made.layouts == [pack(layout())]
    assert (made.records, made.bytes) == (2, len(pack(layout())) + len(pack(sample(1))))


@given(st.lists(st.tuples(st.integers(0, 7300), st.sampled_from(["web-1", "db-1"])), max_size=30))
def test_no_record_is_lost_whatever_order_they_come_in(told: list[tuple[int, str]]) -> None:
    records = [pack(sample(second, host=host)) for second, host in told]
    made = batch((sample(second, host=host) for second, host in told), received=NOON + 3 * HOUR)

    kept = [record for groups in made.groups.values() for group in groups.values() for _, record in group.dated()]
    assert sorted(kept) == sorted(records)
    for (_, start), groups in made.groups.items():
        for (subject, minute), group in groups.items():
            for _, record in group.dated():
                at = int.from_bytes(record[28:36], "big")
                assert start <= at < start + HOUR
                assert at // MINUTE == minute
                assert subject in record
    newest = {host: max(second for second, other in told if other == host) for _, host in told}
    assert {key[1].decode(): (one.at - NOON) // SECOND for key, one in made.latest().items()} == newest


@pytest.mark.parametrize("at", [-5, 0, EARLIEST - 1, NOON + AHEAD + 1, FAR + DAY, 2**63 - 1])
def test_a_record_from_a_wrong_clock_is_counted_and_kept(at: int) -> None:
    made = batch([sample(1, at=at)], received=NOON)
    assert made.misdated == 1
    ((subject, minute),) = [key for groups in made.groups.values() for key in groups]
    assert subject == b"web-1"
    assert EARLIEST // MINUTE <= minute <= FAR // MINUTE


@pytest.mark.parametrize("at", [EARLIEST, NOON - 400 * DAY, NOON, NOON + AHEAD])
def test_a_record_that_is_late_or_a_little_early_is_not_misdated(at: int) -> None:
    assert batch([sample(1, at=at)], received=NOON).misdated == 0


def test_newer_is_what_was_measured_later_but_the_future_does_not_stay() -> None:
    assert is_newer(NOON + 1, NOON, NOON)
    assert is_newer(NOON, NOON, NOON)
    assert not is_newer(NOON - 1, NOON, NOON)
    assert is_newer(NOON, NOON + AHEAD + 1, NOON)
    assert not is_newer(NOON, NOON + AHEAD, NOON)


TOLD = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 1, 1, 2]),
        st.one_of(st.integers(0, 100), st.sampled_from([3599, 3600, 10_000, -(10**9)])),
        st.sampled_from(["sample", "sample", "check", "layout"]),
        st.sampled_from(["web-1", "db-1"]),
        st.integers(NOON, NOON + 3),
    ),
    max_size=30,
)


@given(TOLD)
def test_what_follows_is_gathered_as_if_it_were_added_and_the_rest_is_left(
    told: list[tuple[int, int, str, str, int]],
) -> None:
    """``epoch`` 0 is told once, 1 follows, 2 does not; what is dated far away is left, too."""
    gathered, added, left, expected = Batch(), Batch(), [], []
    for number, (epoch, second, kind, host, received) in enumerate(told, 1):
        made = {"sample": sample(second, host=host), "check": check(second % 100), "layout": layout(host)}[kind]
        packed = pack(replace(made, epoch=epoch, number=number))
        for begin, end, fields in gathered.gather(
            b"--" + packed, 2, received, lambda _, epoch, first, last, now: epoch == 1
        ):
            assert (begin, end, fields[8]) == (2, 2 + len(packed), number)
            left.append(number)
        if epoch == 2 or not is_near(made.at, received):
            expected.append(number)
        else:
            added.add(packed, 0, received)

    assert left == expected
    assert everything(gathered) == everything(added)


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["web-1", "web-1", "db-1"]),
        st.sampled_from([1, 1, 1, 0, 2]),
        st.sampled_from([0, 0, 0, 0, 1, -1]),
        st.sampled_from([1, 1, 20, 61, -1, 3600, -(10**9)]),
        st.integers(1, 3),
    ),
    max_size=40,
)


@given(st.lists(st.tuples(RUNS, st.integers(NOON, NOON + 2)), max_size=4))
def test_samples_of_a_source_that_stand_together_are_taken_as_each_by_itself(
    frames: list[tuple[list[tuple[str, int, int, int, int]], int]],
) -> None:
    """Of each: source, epoch, what is wrong with its number, seconds after the one before, how many values it has."""
    gathered, added = Batch(), Batch()
    numbers: dict[tuple[str, int], int] = {}
    marks: dict[tuple[bytes, int], int] = {}
    second = 0
    for told, received in frames:
        packed, left, expected = [], [], []
        for host, epoch, wrong, pause, values in told:
            second = max(second + pause, -(10**9))
            number = numbers[host, epoch] = max(1, numbers.get((host, epoch), 0) + 1 + wrong)
            body = KINDS["sample"].encode(Sample(7, (float(second),) * values))
            packed.append(pack(replace(sample(second, host=host), epoch=epoch, number=number, body=body)))
        plain = dict(marks)

        def follow(known: dict[tuple[bytes, int], int], source: bytes, epoch: int, first: int, last: int) -> bool:
            if epoch == 2 or first != known.get((source, epoch), 0) + 1:
                return False
            known[source, epoch] = last
            return True

        for begin, end, _ in gathered.gather(
            b"".join(packed),
            0,
            received,
            lambda source, epoch, first, last, now: follow(marks, source, epoch, first, last),
        ):
            left.append(b"".join(packed)[begin:end])
        for one in packed:
            for source, epoch, number, at in [(one[64 : 64 + one[4]], *struct.unpack_from(">QQq", one, 12))]:
                if is_near(at, received) and (not epoch or follow(plain, source, epoch, number, number)):
                    added.add(one, 0, received)
                else:
                    expected.append(one)
        assert left == expected
        assert marks == plain
    assert everything(gathered) == everything(added)
    for groups in gathered.groups.values():
        for group in groups.values():
            assert group.count == len(list(group.dated()))
            rows = spread(rows_group(group.received, group.pieces, group.changes))
            assert [(received, record) for _, received, record in rows] == list(group.dated())


def everything(made: Batch) -> object:
    groups = {
        (place, key): (list(group.dated()), group.changes, group.newest(), group.first)
        for place, groups in made.groups.items()
        for key, group in groups.items()
    }
    return groups, made.layouts, made.records, made.bytes, made.misdated, made.latest()


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 2)), min_size=1))
def test_a_group_knows_its_newest_and_when_each_was_received(told: list[tuple[int, int]]) -> None:
    group = Group(NOON // MINUTE)
    packed = [pack(sample(second, cpu=float(place))) for place, (second, _) in enumerate(told)]
    for record, (second, received) in zip(packed, told, strict=True):
        group.take(NOON + second * SECOND, received, record)

    at, place = max((second, place) for place, (second, _) in enumerate(told))
    assert group.newest() == Newest(NOON + at * SECOND, told[place][1], packed[place])
    assert group.first == NOON + min(second for second, _ in told) * SECOND
    rows = spread(rows_group(group.received, group.pieces, group.changes))
    assert [(received, record) for _, received, record in rows] == list(group.dated())


def test_a_frame_that_ends_early_leaves_what_came_before_in_the_batch() -> None:
    frame = stamped("sample", 1, 1, NOON, [pack(sample(1)), pack(sample(2))[:-1]])
    made = Batch()
    with pytest.raises(Malformed):
        made.add(frame, unstamped(frame)[1], NOON)
    assert made.records == 1
    made.add(pack(sample(3)), 0, NOON)
    with pytest.raises(Malformed):
        list(made.gather(frame, unstamped(frame)[1], NOON, lambda *_: True))
    assert made.records == 3


@pytest.mark.parametrize("metrics", [1, 60])
@pytest.mark.parametrize("step", [SECOND, 10 * SECOND, MINUTE])
def test_a_batch_takes_no_more_memory_than_it_says(metrics: int, step: int) -> None:
    """Of small records far apart, as an import tells them, what is around them is five times as much."""
    form, frames = Layout(tuple(f"disk.{place}" for place in range(metrics))), list[bytes]()
    for number in range(200):
        for host in range(10):
            values = tuple(float(number) for _ in form.names)
            one = telling(Sample(form.id, values), number + 1, host=f"web-{host}", at=NOON + number * step)
            frames.append(stamped("sample", 1, len(frames) + 1, NOON + len(frames) * 1_000_000, [pack(one)]))
    tracemalloc.start()
    try:
        before, made = tracemalloc.get_traced_memory()[0], Batch()
        for frame in frames:
            stamp, start = unstamped(frame)
            made.add(frame, start, stamp.received)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert made.records == 2000
    assert made.bytes < taken < 1.1 * made.memory < 2.2 * taken

"""What every backend does alike: the contract that the writer and the reader rely on."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import IMPORT, Sample
from bus.wire import pack, read, stamped, unstamped
from store.backends import BACKENDS, ELSEWHERE, Backend, opened
from store.batch import Batch
from store.keys import dated
from tests.store.conftest import Fresh
from tests.store.given import (
    DAY,
    HOUR,
    LAYOUT,
    MINUTE,
    NOON,
    SECOND,
    batch,
    check,
    facts,
    layout,
    numbers,
    sample,
    told,
)

LATE = NOON + HOUR


def test_an_empty_store_answers_everything_with_nothing(backend: Backend) -> None:
    assert backend.subjects("sample") == []
    assert backend.latest("sample", None) == []
    assert backend.rows("sample", "web-1", 0, LATE) == []
    assert backend.newest_rows("sample", "web-1", 0, LATE, 5) == []
    assert backend.layouts((LAYOUT.id,)) == {}
    assert backend.retain({"sample": DAY}, LATE) == 0


def test_what_was_committed_is_read_as_it_came(backend: Backend) -> None:
    record = sample(3)
    backend.commit(batch([record], received=NOON + 4 * SECOND), NOON + 5 * SECOND)

    assert backend.rows("sample", "web-1", 0, LATE) == [(NOON + 3 * SECOND, NOON + 4 * SECOND, pack(record))]


def test_each_record_keeps_when_it_was_received_though_one_commit_holds_many(backend: Backend) -> None:
    # Rules tried on the past have to find what they found live, to the instant.
    records = [sample(number) for number in (1, 2, 3, 4)]
    received = [NOON + 5 * SECOND, NOON + 5 * SECOND, NOON + 6 * SECOND, NOON + 6 * SECOND + 1]
    made = Batch()
    for one, at in zip(records, received, strict=True):
        frame = stamped(one.kind, 1, 1, at, [pack(one)])
        made.add(frame, unstamped(frame)[1], at)
    backend.commit(made, NOON + 7 * SECOND)

    assert [row[1] for row in backend.rows("sample", "web-1", 0, LATE)] == received
    assert backend.latest("sample", ("web-1",))[0].received == received[-1]


def test_both_ends_of_a_range_belong_to_it(backend: Backend) -> None:
    backend.commit(batch(sample(n) for n in range(1, 200)), LATE)

    rows = backend.rows("sample", "web-1", NOON + 50 * SECOND, NOON + 150 * SECOND)

    assert numbers(rows) == list(range(50, 151))


def test_rows_come_by_time_whatever_the_order_they_came_in(backend: Backend) -> None:
    for number in (70, 5, 130, 60, 1):
        backend.commit(batch([sample(number)]), LATE)

    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1, 5, 60, 70, 130]


def test_a_range_crosses_minutes_hours_and_days(backend: Backend) -> None:
    times = [NOON - DAY, NOON - HOUR, NOON - MINUTE, NOON, NOON + HOUR, NOON + DAY]
    for number, at in enumerate(times, 1):
        backend.commit(batch([sample(number, at=at)], received=at), at)

    assert [row[0] for row in backend.rows("sample", "web-1", times[0], times[-1])] == times
    assert [row[0] for row in backend.rows("sample", "web-1", times[1], times[-2])] == times[1:-1]


def test_hosts_do_not_see_each_others_rows(backend: Backend) -> None:
    backend.commit(batch([sample(1, host="web-1"), sample(2, host="web-10"), sample(3, host="web")]), LATE)

    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1]
    assert numbers(backend.rows("sample", "web", 0, LATE)) == [3]


def test_kinds_of_one_subject_are_apart(backend: Backend) -> None:
    backend.commit(batch([sample(1), facts(2, "6.1")]), LATE)

    assert len(backend.rows("sample", "web-1", 0, LATE)) == 1
    assert len(backend.rows("facts", "web-1", 0, LATE)) == 1


def test_a_message_that_comes_twice_is_there_once(backend: Backend) -> None:
    backend.commit(batch([sample(1), sample(1), sample(2)]), LATE)
    backend.commit(batch([sample(2), sample(1)]), LATE)

    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1, 2]


def test_two_different_messages_of_one_instant_both_stay(backend: Backend) -> None:
    backend.commit(batch([check(1, "up"), check(1, "down")]), LATE)

    statuses = [read(row[2])[0].message().status for row in backend.rows("check", "shop", 0, LATE)]

    assert sorted(statuses) == ["down", "up"]


@pytest.mark.parametrize("limit", [1, 2, 59, 61, 500, 10_000])
def test_the_newest_rows_are_the_end_of_all_rows(backend: Backend, limit: int) -> None:
    backend.commit(batch(sample(n) for n in range(1, 400)), LATE)
    backend.commit(batch([sample(500, at=NOON - 3 * HOUR)]), LATE)

    everything = backend.rows("sample", "web-1", 0, LATE)

    assert backend.newest_rows("sample", "web-1", 0, LATE, limit) == everything[-limit:]


def test_no_newest_row_is_none(backend: Backend) -> None:
    backend.commit(batch([sample(1)]), LATE)
    assert backend.newest_rows("sample", "web-1", 0, LATE, 0) == []


def test_latest_is_the_newest_by_its_own_time_not_by_receipt(backend: Backend) -> None:
    backend.commit(batch([sample(9)]), NOON + 10 * SECOND)
    backend.commit(batch([sample(4)]), NOON + 12 * SECOND)

    backend.refresh()

    assert [(one.subject, one.last_at) for one in backend.subjects("sample")] == [("web-1", NOON + 9 * SECOND)]
    assert backend.latest("facts", None) == []


def test_a_subject_of_whom_the_newest_is_another_monitors_past_is_known_as_that(backend: Backend) -> None:
    def imported() -> list[tuple[str, bool]]:
        backend.refresh()
        return [(one.subject, one.imported) for one in backend.subjects("sample")]

    past = Sample(LAYOUT.id, (1.0, 2.0))
    rows = [told(past, n, host=IMPORT, subject=name, at=NOON + n * SECOND) for n, name in ((1, "db-1"), (2, "web-1"))]
    backend.commit(batch([layout(), *rows]), LATE)
    assert imported() == [("db-1", True), ("web-1", True)]
    backend.commit(batch([sample(200)]), LATE + SECOND)
    assert imported() == [("db-1", True), ("web-1", False)]


def test_a_subject_is_known_since_its_oldest_record_whenever_that_came(backend: Backend) -> None:
    def first() -> list[int]:
        backend.refresh()
        return [(one.first_at - NOON) // SECOND for one in backend.subjects("sample")]

    backend.commit(batch([layout(), sample(130), sample(70), sample(75)]), LATE)
    assert first() == [70]
    backend.commit(batch([sample(72), sample(200)]), LATE + SECOND)
    assert first() == [70]
    backend.commit(batch([sample(62), sample(61), sample(63)]), LATE + 2 * SECOND)
    assert first() == [61]
    backend.commit(batch([sample(3)]), LATE + 3 * SECOND)
    assert first() == [3]


def test_latest_of_some_subjects_comes_by_name(backend: Backend) -> None:
    backend.commit(batch([facts(1, "6.1", host=host) for host in ("web-2", "db-1", "web-1")]), LATE)

    def sources(subjects: tuple[str, ...] | None) -> list[str]:
        return [read(stored.record)[0].source for stored in backend.latest("facts", subjects)]

    assert sources(None) == ["db-1", "web-1", "web-2"]
    assert sources(("web-2", "nobody", "db-1")) == ["db-1", "web-2"]


def test_a_sample_from_the_future_does_not_stay_the_newest_for_ever(backend: Backend) -> None:
    backend.commit(batch([sample(1, at=NOON + 400 * DAY)], received=NOON), NOON)
    backend.commit(batch([sample(2)], received=NOON + 3 * SECOND), NOON + 5 * SECOND)
    backend.refresh()

    assert [one.last_at for one in backend.subjects("sample")] == [NOON + 2 * SECOND]


def test_layouts_are_known_by_their_id(backend: Backend) -> None:
    backend.commit(batch([layout()]), LATE)
    assert backend.layouts((LAYOUT.id, 12345)) == {LAYOUT.id: LAYOUT.names}


def test_retention_drops_what_is_old_of_that_kind_and_counts_it(backend: Backend) -> None:
    old = [sample(n, at=NOON - 3 * DAY + n * SECOND) for n in range(1, 11)]
    backend.commit(batch([*old, sample(20), check(1, at=NOON - 3 * DAY)], received=NOON), NOON)

    dropped = backend.retain({"sample": DAY, "check": 30 * DAY}, NOON)

    assert dropped == 10
    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [20]
    assert len(backend.rows("check", "shop", 0, LATE)) == 1
    deleted = backend.statistics()["deleted"]
    assert isinstance(deleted, dict)
    assert {kind: count for kind, count in deleted.items() if count} == {"sample": 10}


def test_statistics_count_what_was_stored(backend: Backend) -> None:
    backend.commit(batch([layout(), *(sample(n) for n in range(1, 6)), check(1)]), LATE)
    found = backend.statistics()

    assert found["records"] == {"sample": 5, "check": 1}
    assert found["commits"] == 1
    assert found["last_commit"] == LATE
    assert isinstance(found["bytes"], int)
    assert found["bytes"] > 0


def test_closing_twice_is_no_fault(fresh: Fresh, tmp_path: Path) -> None:
    made = fresh(tmp_path / "store")
    made.close()
    made.close()


@pytest.mark.parametrize("at", [-5 * SECOND, 0, NOON + 400 * DAY, 2**63 - 1])
def test_a_record_from_a_wrong_clock_is_kept_once_where_reason_ends_at_most(backend: Backend, at: int) -> None:
    backend.commit(batch([sample(1, at=at), sample(2)], received=NOON), NOON)
    backend.commit(batch([sample(1, at=at)], received=NOON + SECOND), NOON)

    everything = backend.rows("sample", "web-1", -(2**63), 2**63 - 1)

    assert [row[0] for row in everything] == sorted([dated(at), NOON + 2 * SECOND])
    assert backend.newest_rows("sample", "web-1", -(2**63), 2**63 - 1, 10) == everything


def test_kinds_and_subjects_that_nobody_knows_have_nothing(backend: Backend) -> None:
    backend.commit(batch([sample(1)]), LATE)
    for kind, subject in (("nonsense", "web-1"), ("sample", "x" * 4000), ("sample", ""), ("layout", "web-1")):
        assert backend.rows(kind, subject, 0, LATE) == []
        assert backend.newest_rows(kind, subject, 0, LATE, 5) == []
        assert backend.latest(kind, (subject,)) == []
    assert backend.subjects("nonsense") == []
    assert backend.latest("nonsense", None) == []
    assert backend.layouts((-1, 2**64, LAYOUT.id)) == {}


def test_a_range_that_ends_before_it_begins_holds_nothing(backend: Backend) -> None:
    backend.commit(batch([sample(1)]), LATE)
    assert backend.rows("sample", "web-1", LATE, NOON) == []
    assert backend.newest_rows("sample", "web-1", LATE, NOON, 5) == []
    assert backend.newest_rows("sample", "web-1", NOON, LATE, -1) == []


def test_retention_of_nothing_old_drops_nothing(backend: Backend) -> None:
    backend.commit(batch([sample(1), check(1)]), LATE)
    assert backend.retain({"sample": DAY, "check": DAY}, LATE) == 0
    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1]
    assert backend.statistics()["last_cleanup"] == LATE


def test_what_was_dropped_may_come_again(backend: Backend) -> None:
    old = sample(1, at=NOON - 3 * DAY)
    backend.commit(batch([old], received=NOON - 3 * DAY), NOON)
    backend.retain({"sample": DAY}, NOON)
    assert backend.rows("sample", "web-1", 0, LATE) == []
    backend.commit(batch([old]), NOON)
    assert len(backend.rows("sample", "web-1", 0, LATE)) == 1


STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(-7300, 7300), st.sampled_from(["web-1", "db-1"])), max_size=8),
        st.sampled_from(["go on", "open again", "retain"]),
    ),
    max_size=5,
)
RANGES = st.tuples(st.integers(-7400, 7400), st.integers(-7400, 7400), st.integers(0, 20))


@given(STEPS, RANGES)
def test_all_backends_answer_as_a_plain_list_would(
    history: list[tuple[list[tuple[int, str]], str]], window: tuple[int, int, int]
) -> None:
    begin, end, limit = window
    start, stop = NOON + begin * SECOND, NOON + end * SECOND
    later = NOON + 3 * HOUR
    plain: dict[str, set[int]] = {"web-1": set(), "db-1": set()}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as open_ones:
        backends = {name: opened(name, Path(folder) / name, write=True) for name in set(BACKENDS) - ELSEWHERE}

        @open_ones.callback
        def close_all() -> None:
            for backend in backends.values():
                backend.close()

        for told, then in history:
            for host in plain:
                plain[host] |= {NOON + second * SECOND for second, of in told if of == host}
            records = [sample(8000 + second, host=host, at=NOON + second * SECOND) for second, host in told]
            for backend in backends.values():
                backend.commit(batch(records, received=later), later)
            if then == "retain":
                for backend in backends.values():
                    backend.retain({"sample": 3 * HOUR}, later)
                hour = NOON - NOON % HOUR
                plain = {host: {at for at in times if at >= hour} for host, times in plain.items()}
            if then == "open again":
                backends["lmdb"].close()
                backends["lmdb"] = opened("lmdb", Path(folder) / "lmdb", write=True)
        for name, backend in backends.items():
            for host, times in plain.items():
                wanted = sorted(at for at in times if start <= at <= stop)
                assert [row[0] for row in backend.rows("sample", host, start, stop)] == wanted, name
                newest = backend.newest_rows("sample", host, start, stop, limit)
                assert [row[0] for row in newest] == (wanted[-limit:] if limit else []), name
            assert {one.subject for one in backend.subjects("sample")} >= {host for host in plain if plain[host]}, name

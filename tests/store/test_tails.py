"""What is read of the running hour, a little at a time, is what all of it read anew says."""

from __future__ import annotations

import gc
import os
import tempfile
import tracemalloc
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.questions import SeriesText, pack_question
from store.answers import Answers
from store.backends import StoreBroken, regrouping
from store.backends.lmdb import LmdbBackend
from store.backends.tails import Tail, Tails
from store.columns import Steps
from tests.store.given import HOUR, MINUTE, NOON, SECOND, batch, layout, sample, told

HOSTS = [f"web-{place}" for place in range(9)]
LATE = NOON + 2 * HOUR
OTHER = Layout(("load.1m", "cpu.percent"))
DEEDS = st.one_of(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 150)), min_size=1, max_size=8),
    st.sampled_from(["idle", "rows", "fails", "other"]),
)
ASKED = st.tuples(
    st.integers(0, 8),
    st.integers(-1, 150),
    st.integers(0, 60),
    st.sampled_from([("cpu.percent",), ("*",), ("memory.used", "load.*"), ("none",)]),
)


@pytest.mark.usefixtures("eager")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(DEEDS, st.lists(ASKED, max_size=3)), max_size=20))
def test_answers_are_those_of_all_rows_read_anew(
    turns: list[tuple[list[tuple[int, int]] | str, list[tuple[int, int, int, tuple[str, ...]]]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.backends.tails.FEW", 1)
        backend = LmdbBackend(Path(folder) / "store", write=True)
        backend.commit(batch([layout(), told(OTHER, 1)]), LATE)
        answers, asked, commits = Answers(backend), set[tuple[int, int, int, tuple[str, ...]]](), 0
        for deed, more in turns:
            if isinstance(deed, list):
                commits += 1
                records = [sample(second, host=HOSTS[host], cpu=second / 7) for host, second in deed]
                backend.commit(batch(records, received=LATE + commits), LATE)
            elif deed == "other":
                backend.commit(batch([told(Sample(OTHER.id, (1.0, 0.1)), 5, at=NOON + 9, host=HOSTS[0])]), LATE)
            elif deed == "rows":
                regrouping.MANY = 1000 if regrouping.MANY == 1 else 1
            elif deed == "idle":
                backend.refresh()
                backend.refresh()
            else:
                _fails(backend)
            asked.update(more)
            try:
                for question in sorted(asked):
                    _compared(backend, answers, *question)
            except BaseException:
                backend.close()
                raise
        backend.close()


def _fails(backend: LmdbBackend) -> None:
    """A commit that does not come to its end: its rows are there, and are no one's yet."""
    write = backend._commit_state

    def broken(*_: object) -> None:
        raise lmdb.Error("no")

    backend._commit_state = broken  # type: ignore[method-assign,assignment]
    with pytest.raises(StoreBroken):
        backend.commit(batch([sample(33, host=host) for host in HOSTS[:3]], received=LATE), LATE)
    backend._commit_state = write  # type: ignore[method-assign]


class Blind(Tails):
    """Has each row looked at, as if none were of one form."""

    def read(self, path: Path, number: int, globs: Sequence[str], start: int, end: int) -> Tail | None:
        return None


def _compared(
    backend: LmdbBackend, answers: Answers, host: int, begin: int, long: int, metrics: tuple[str, ...]
) -> None:
    start, end = NOON + begin * SECOND + 5, NOON + (begin + long) * SECOND + 5
    question = pack_question(
        SeriesText(HOSTS[host], metrics, start, end, step=7 * SECOND, aggregates=("mean", "last", "count"))
    )
    past = backend._past
    tails, past._tails = past._tails, Blind(backend.partitions, backend.layouts)
    answered, past._answered = past._answered, OrderedDict()
    expected = Answers(backend).to(question)
    past._tails, past._answered = tails, answered
    assert answers.to(question) == expected
    assert answers.to(question) == expected


def test_what_did_not_change_is_the_same_and_what_came_is_seen(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout(), *(sample(second) for second in range(90))]), LATE)
    grid = Steps(NOON, SECOND, 200)
    os.utime(tmp_path / "rows" / "sample", (1, 1))  # what changed just now is listed again and again

    def ask() -> object:
        return backend.pieces("web-1", ["*"], grid, NOON, NOON + 200 * SECOND)

    first = ask()
    assert ask() is first
    backend.commit(batch([sample(3, host="db-1")]), LATE)
    assert ask() is first
    backend.commit(batch([sample(95)]), LATE)
    second = ask()
    assert second is not first
    assert ask() is second
    backend.close()


def test_groups_of_a_minute_are_joined_and_what_comes_later_is_seen(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout()]), LATE)
    for second in range(200):
        if second != 30:
            backend.commit(batch([sample(second)], received=LATE + second), LATE)
    (path,) = backend.partitions.between("sample")
    read, number = Tails(backend.partitions, backend.layouts), backend._series_number("sample", "web-1")
    assert number is not None

    def seconds(begin: int = 0) -> list[float]:
        tail = read.read(path, number, ["cpu.*"], NOON + begin * SECOND, NOON + 10 * MINUTE)
        assert tail is not None
        assert len(tail.groups) < 20
        columns = tail.columns()
        assert columns is not None
        found: list[float] = columns.values["cpu.percent"].tolist()
        return found

    expected = [float(second) for second in range(200) if second != 30]
    assert seconds() == expected
    assert seconds(70) == expected[69:]
    backend.commit(batch([sample(30)], received=LATE + 300), LATE)  # late, into a minute that is joined
    backend.commit(batch([sample(200)], received=LATE + 301), LATE)
    expected = [float(second) for second in range(201)]
    assert seconds() == expected
    for second in range(201, 260):
        backend.commit(batch([sample(second)], received=LATE + 100 + second), LATE)
        expected.append(float(second))
        assert seconds() == expected
    backend.commit(batch([sample(31)], received=LATE + 400), LATE)
    tail = read.read(path, number, ["cpu.*"], NOON, NOON + 10 * MINUTE)
    assert tail is not None
    assert tail.columns() is None  # told twice: each row is looked at
    backend.close()


def test_nothing_is_joined_beside_what_is_fresh_and_will_have_an_earlier_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.backends.tails.FEW", 1)
    monkeypatch.setattr(regrouping, "EACH", 1)
    monkeypatch.setattr(regrouping, "TOGETHER", 100)
    backend = LmdbBackend(tmp_path, write=True)
    hosts = [f"db-{place}" for place in range(64)]
    backend.commit(batch([layout(), sample(0), *(sample(0, host=host) for host in hosts)]), LATE)
    (path,) = backend.partitions.between("sample")
    read, number = Tails(backend.partitions, backend.layouts), backend._series_number("sample", "web-1")
    assert number is not None
    for second in range(1, 12):
        # Each commit of rows regroups one stripe, that with most commits: another host's, but for the last times.
        monkeypatch.setattr(regrouping, "MANY", 1)
        for turn in range(3 if second < 8 else 0):
            backend.commit(batch([sample(second * 3 + turn, host="db-63")], received=LATE + second), LATE)
        monkeypatch.setattr(regrouping, "MANY", 1 if second == 4 else 1000)
        backend.commit(batch([sample(second)], received=LATE + second), LATE)
        tail = read.read(path, number, ["cpu.*"], NOON, NOON + MINUTE)
        assert tail is not None
        columns = tail.columns()
        assert columns is not None
        assert columns.values["cpu.percent"].tolist() == list(range(second + 1))
    backend.close()


def test_memory_is_bounded_and_what_had_to_go_is_read_again(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    hosts = [f"db-{place}" for place in range(30)]
    backend.commit(batch([layout(), *(sample(second, host=host) for host in hosts for second in range(120))]), LATE)
    (path,) = backend.partitions.between("sample")
    tails = Tails(backend.partitions, backend.layouts, most=40_000)
    for _ in range(2):
        for host in hosts:
            number = backend._series_number("sample", host)
            assert number is not None
            tail = tails.read(path, number, ["cpu.*"], NOON, NOON + 2 * MINUTE)
            assert tail is not None
            columns = tail.columns()
            assert columns is not None
            assert columns.values["cpu.percent"].tolist() == list(range(120))
            assert tails.bytes <= 40_000
    backend.close()


@pytest.mark.parametrize("metrics", [1, 60])
def test_what_is_kept_takes_no_more_memory_than_is_counted(tmp_path: Path, metrics: int) -> None:
    """Groups of a row of many metrics are where counting is hard: of a host that tells once a second all are so."""
    backend, wide = LmdbBackend(tmp_path, write=True), Layout(tuple(f"disk.{place}" for place in range(metrics)))
    backend.commit(batch([told(wide, 1)]), NOON)
    for second in range(300):
        at = NOON + second * SECOND
        one = told(Sample(wide.id, tuple(float(second) for _ in wide.names)), second + 2, at=at)
        backend.commit(batch([one], received=at), at)
    (path,) = backend.partitions.between("sample")
    tails, number = Tails(backend.partitions, backend.layouts), backend._series_number("sample", "web-1")
    assert number is not None
    # What the first read of a process loads, and what others left to be collected, is not of this one.
    assert Tails(backend.partitions, backend.layouts).read(path, number, ["disk.*"], NOON, NOON + 5 * MINUTE)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tail = tails.read(path, number, ["disk.*"], NOON, NOON + 5 * MINUTE)
        assert tail is not None
        assert sum(len(group.times) for group in tail.groups) == 300
        del tail
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.5 * tails.bytes < taken < 1.25 * tails.bytes
    backend.close()


def test_a_look_that_would_find_the_same_is_not_repeated(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout(), *(sample(second) for second in range(90))]), LATE)
    (path,) = backend.partitions.between("sample")
    tails, number = Tails(backend.partitions, backend.layouts), backend._series_number("sample", "web-1")
    assert number is not None

    def look(minutes: int = 3) -> Tail:
        tail = tails.read(path, number, ["cpu.*"], NOON, NOON + minutes * MINUTE)
        assert tail is not None
        return tail

    first = look()
    assert look().groups is first.groups
    backend.commit(batch([sample(3, host="db-1")], received=LATE + 1), LATE)
    assert look().sign == first.sign
    assert look(30).groups is look().groups  # other minutes, under the same keys
    assert look(0).sign != first.sign
    backend.commit(batch([sample(7, cpu=2.5), sample(91)], received=LATE + 2), LATE)
    found = look()
    assert found.sign != first.sign
    assert found.columns() is None  # told twice: each row is looked at
    backend.close()

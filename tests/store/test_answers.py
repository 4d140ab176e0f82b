"""Questions to answers, over every backend; and no question ends who answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.questions import (
    AGGREGATES,
    MAX_POINTS,
    MAX_RECORDS,
    Gaps,
    Latest,
    Layouts,
    Question,
    Range,
    Records,
    Series,
    SeriesAnswer,
    SeriesText,
    SeriesTextAnswer,
    Statistics,
    StoreStatistics,
    Subjects,
    TooMuch,
    Unanswered,
    pack_question,
    read_answer,
)
from bus.sockets import Answer, Ask
from bus.vitals import Vitals
from bus.wire import pack, read, record
from store.answers import MOST_ANSWERS, Answers, answer
from store.backends import Backend, opened
from store.backends.memory import MemoryBackend
from store.columns import Steps
from store.keys import FAR
from store.pieces import Piece
from store.reader import counter
from tests.store.conftest import Fresh
from tests.store.given import HOUR, LAYOUT, MINUTE, NOON, SECOND, batch, check, layout, sample

WHEN = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.integers(NOON - HOUR, NOON + HOUR), st.sampled_from([0, FAR, 2**63, 2**64 - 1])
)
TEXT = st.sampled_from(["sample", "check", "layout", "nonsense", "", "web-1", "shop", "é", "x" * 4000, "\0", "*"])
QUESTIONS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Subjects, TEXT),
    st.builds(Latest, TEXT, st.none() | st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(Range, TEXT, TEXT, WHEN, WHEN, WHEN, WHEN),
    st.builds(Layouts, st.lists(WHEN, max_size=3).map(tuple)),
    st.builds(Series, st.just("web-1") | TEXT, st.lists(TEXT, max_size=3).map(tuple), WHEN, WHEN, WHEN),
    st.just(Statistics()),
    st.builds(Gaps, st.none() | TEXT, st.none() | WHEN),
)


@pytest.fixture
def backend(fresh: Fresh, tmp_path: Path) -> Iterator[Backend]:
    made = fresh(tmp_path / "store")
    made.commit(batch([layout(), *(sample(n) for n in range(1, 121)), check(1), check(2, "down")]), NOON + HOUR)
    yield made
    made.close()


def asked(backend: Backend, question: Question) -> Any:
    """The answer as whoever asked gets it."""
    return read_answer(question, Answers(backend).to(pack_question(question)))


def test_each_question_has_its_answer(backend: Backend) -> None:
    assert [one.subject for one in asked(backend, Subjects("sample")).subjects] == ["web-1"]
    assert [one.record for one in asked(backend, Latest("check")).records] == [pack(check(2, "down"))]
    assert asked(backend, Layouts((LAYOUT.id,))).layouts == {LAYOUT.id: LAYOUT.names}
    statistics = asked(backend, Statistics())
    assert isinstance(statistics, StoreStatistics)
    assert statistics.records == {"sample": 120, "check": 2}


def test_a_range_gives_the_newest_of_it_oldest_first(backend: Backend) -> None:
    found = asked(backend, Range("sample", "web-1", NOON, NOON + MINUTE, limit=3))
    assert [read(one.record)[0].at for one in found.records] == [NOON + n * SECOND for n in (58, 59, 60)]


def test_a_range_without_end_is_cut_at_what_an_answer_may_hold(backend: Backend) -> None:
    assert len(asked(backend, Range("sample", "web-1", 0, 2**63, limit=2**63)).records) == 120
    assert MAX_RECORDS < 2**63


def test_of_one_instant_newer_records_may_be_passed_over_and_of_a_time_none(backend: Backend) -> None:
    at = NOON - HOUR
    backend.commit(batch([sample(number, at=at) for number in range(201, 206)]), NOON + HOUR)
    five = asked(backend, Range("sample", "web-1", at, at)).records
    assert len(five) == 5
    assert asked(backend, Range("sample", "web-1", at, at, limit=2, skip=2)).records == five[1:3]
    for skip in (5, 7, 2**63):
        assert asked(backend, Range("sample", "web-1", at, at, skip=skip)).records == ()
    assert asked(backend, Range("sample", "web-1", at - 1, at, limit=2, skip=2)).records == five[3:]


def test_a_series_has_columns_of_the_metrics_that_were_asked_for(backend: Backend) -> None:
    found = asked(backend, Series("web-1", ("cpu.*",), NOON, NOON + 2 * MINUTE, points=3))
    assert isinstance(found, SeriesAnswer)
    assert (found.times, found.step) == ((NOON, NOON + MINUTE, NOON + 2 * MINUTE), MINUTE)
    (column,) = found.columns
    assert (column.metric, column.count) == ("cpu.percent", (59, 60, 1))
    assert (column.min, column.max, column.last) == ((1.0, 60.0, 120.0), (59.0, 119.0, 120.0), (59.0, 119.0, 120.0))
    assert column.mean == (30.0, 89.5, 120.0)
    assert found.coverage == pytest.approx(1.0, abs=0.01)
    half = asked(backend, Series("web-1", ("cpu.*",), NOON, NOON + 4 * MINUTE))
    assert half.coverage == pytest.approx(0.5, abs=0.01)


def test_a_series_comes_in_steps_of_a_length_and_with_the_aggregates_that_were_asked_for(backend: Backend) -> None:
    found = asked(backend, Series("web-1", ("cpu.*",), NOON, NOON + 2 * MINUTE, step=MINUTE, aggregates=("max",)))
    assert (found.times, found.step) == ((NOON, NOON + MINUTE, NOON + 2 * MINUTE), MINUTE)
    (column,) = found.columns
    assert (column.max, column.min, column.mean, column.last, column.count) == ((59.0, 119.0, 120.0), (), (), (), ())


def test_a_series_as_text_says_what_its_numbers_say(backend: Backend) -> None:
    asked_for = ("web-1", ("cpu.*",), NOON - MINUTE, NOON + 2 * MINUTE, 4)
    told = asked(backend, SeriesText(*asked_for))
    numbers = asked(backend, Series(*asked_for))
    assert isinstance(told, SeriesTextAnswer)
    assert (told.step, told.tier, told.coverage) == (numbers.step, numbers.tier, numbers.coverage)
    assert (told.metrics, told.points) == (1, len(numbers.times))
    (column,) = numbers.columns
    shape = json.loads(told.text)
    assert shape == {
        "times": [time // 1_000_000 for time in numbers.times],
        "series": [
            {"metric": "cpu.percent", "unit": "percent"} | {name: list(getattr(column, name)) for name in AGGREGATES}
        ],
    }
    assert list(shape["series"][0]) == ["metric", "unit", *AGGREGATES]
    assert shape["series"][0]["mean"][0] is None
    assert all(type(one) is int for one in shape["series"][0]["count"])

    nothing = asked(backend, SeriesText("nobody", ("*",), NOON, NOON + HOUR))
    assert (nothing.metrics, nothing.points, nothing.text) == (0, 0, b'{"times":[],"series":[]}')


def test_steps_that_would_be_too_many_are_made_longer(backend: Backend) -> None:
    found = asked(backend, Series("web-1", ("cpu.*",), NOON, NOON + 2 * MINUTE, step=1))
    assert len(found.times) <= MAX_POINTS
    assert sum(found.columns[0].count) == 120


@pytest.mark.parametrize(("start", "end", "step"), [(NOON, NOON - 50, 1), (NOON, NOON + HOUR, 2**63)])
def test_a_range_that_ends_before_it_begins_and_a_step_of_centuries_are_answered(
    backend: Backend, start: int, end: int, step: int
) -> None:
    found = asked(backend, Series("web-1", ("cpu.*",), start, end, step=step))
    assert sum(sum(column.count) for column in found.columns) == (120 if end > start else 0)
    assert found.step > 0


def test_an_answer_that_would_be_too_large_is_refused_in_a_sentence(backend: Backend) -> None:
    wide = Layout(tuple(f"queue[{n}].waiting" for n in range(120)))
    told = [record(Sample(wide.id, (1.0,) * 120), source="web-1", subject=None, at=NOON, epoch=1, number=1, sent=NOON)]
    backend.commit(batch([record(wide, source="web-1", subject=None, at=NOON, epoch=1, number=2, sent=NOON)]), NOON)
    backend.commit(batch(told), NOON)
    question = Series("web-1", ("queue*",), NOON - HOUR, NOON + HOUR, step=SECOND)

    with pytest.raises(TooMuch, match=r"^120 metrics match, which makes 5,184,720 numbers in 7201"):
        read_answer(question, Answers(backend).to(pack_question(question)))

    few: SeriesAnswer = answer(backend, replace(question, aggregates=("mean",)))
    assert len(few.columns) == 120


@pytest.mark.parametrize("subject", ["nobody", "shop", ""])
def test_a_series_of_a_host_that_measured_nothing_is_empty(backend: Backend, subject: str) -> None:
    found = asked(backend, Series(subject, ("*",), NOON, NOON + HOUR))
    assert (found.times, found.columns, found.coverage) == ((), (), 0.0)


def test_no_question_ends_who_answers(backend: Backend) -> None:
    @given(QUESTIONS)
    def answers(question: Question) -> None:
        assert type(asked(backend, question)) is type(answer(backend, question))

    @given(st.binary(max_size=60) | st.dictionaries(TEXT, TEXT | WHEN).map(msgpack.packb))
    def answers_or_refuses(data: bytes) -> None:
        assert Answers(backend).to(data)

    answers()
    answers_or_refuses()


def test_an_answer_is_kept_until_it_is_another_and_those_that_were_asked_for_last_are() -> None:
    class Remembers(MemoryBackend):
        """Finds the same until something is committed."""

        found: dict[Steps, list[Piece]]

        def pieces(self, subject: str, globs: Any, grid: Steps, start: int, end: int) -> list[Piece]:
            return self.found.setdefault(grid, super().pieces(subject, globs, grid, start, end))

        def commit(self, *args: Any) -> None:
            self.found = {}
            super().commit(*args)

    backend = Remembers(None, write=True)
    backend.commit(batch([layout(), sample(1)]), NOON)
    answers = Answers(backend, most=6000)
    grids = range(1, MOST_ANSWERS + 2)
    question, *others = (pack_question(SeriesText("web-1", ("cpu.*",), NOON, NOON + MINUTE, points=n)) for n in grids)
    for n in range(2, 60):
        told = answers.to(question)
        assert answers.to(question) is told
        backend.commit(batch([sample(n)]), NOON)
        assert answers.to(question) != told

    answers, few = Answers(backend), Answers(backend, most=7 * len(told))
    told, first = answers.to(question), answers.to(others[0])
    for other in others[1:]:
        answers.to(other)
        assert answers.to(question) is told
    assert answers.to(others[0]) is not first
    assert few.to(question) is not few.to(question), "more than an eighth of what may be kept"


def test_files_that_cannot_be_read_are_told_to_whoever_asks(tmp_path: Path) -> None:
    backend = opened("lmdb", tmp_path, write=True)
    backend.commit(batch([layout(), sample(1)]), NOON)
    backend.close()
    for question in (
        Subjects("sample"),
        Latest("sample"),
        Range("sample", "web-1", 0, FAR),
        Layouts((1,)),
        Statistics(),
    ):
        with pytest.raises(Unanswered, match="state"):
            asked(backend, question)


# -- the counter ---


def test_the_counter_answers_many_at_once_counts_rubbish_and_survives_who_left(backend: Backend) -> None:
    context: zmq.Context[Any] = zmq.Context()
    try:
        socket, vitals = Answer(context), Vitals(0.0)
        address = socket.bind("tcp://127.0.0.1:*")
        serve = counter(socket, backend, vitals)
        ask, gone = Ask(context), Ask(context)
        for one in (ask, gone):
            one.connect(address)
            assert one.raw.poll(30_000, zmq.POLLOUT)
        question = pack_question(Range("sample", "web-1", NOON, NOON + HOUR))
        gone.raw.send_multipart([b"7", question])
        ask.raw.send(b"one part alone")
        ask.raw.send_multipart([b"1", b"no question"])
        for number in range(50):
            ask.raw.send_multipart([b"%d" % number, question])
        assert gone.raw.poll(0) == 0
        gone.close()

        answers: list[list[bytes]] = []
        while len(answers) < 51:
            if socket.raw.poll(100):
                serve()
            while ask.raw.poll(20):
                answers.append(ask.raw.recv_multipart())
        while vitals.total("reader.questions") < 52:
            assert socket.raw.poll(30_000)
            serve()

        with pytest.raises(Unanswered, match="not understood"):
            read_answer(Statistics(), answers[0][1])
        assert [number for number, _ in answers[1:]] == [b"%d" % number for number in range(50)]
        found = read_answer(Range("sample", "web-1", NOON, NOON + HOUR), answers[-1][1])
        assert isinstance(found, Records)
        assert len(found.records) == 120
        assert vitals.total("reader.malformed") == 1
    finally:
        context.destroy(linger=0)

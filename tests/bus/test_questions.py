"""Questions and answers survive their way, and what is no question is refused, never fatal."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import judging
from bus.fields import Unfit
from bus.messages import Silence
from bus.questions import (
    AGGREGATES,
    Accounted,
    Column,
    GapEntry,
    Gaps,
    GapsAnswer,
    Latest,
    LayoutNames,
    Layouts,
    Question,
    Range,
    Records,
    Series,
    SeriesAnswer,
    SeriesText,
    SeriesTextAnswer,
    Statistics,
    Stored,
    StoreStatistics,
    Subject,
    SubjectList,
    Subjects,
    Unanswered,
    pack_answer,
    pack_question,
    pack_refusal,
    read_answer,
    read_question,
)

TEXT = st.text(max_size=20)
WHEN = st.integers(-(2**63), 2**64 - 1)
QUESTIONS: st.SearchStrategy[Any] = st.one_of(
    st.builds(Subjects, TEXT),
    st.builds(Latest, TEXT, st.none() | st.lists(TEXT, max_size=3).map(tuple)),
    st.builds(Range, TEXT, TEXT, WHEN, WHEN, WHEN),
    st.builds(Layouts, st.lists(WHEN, max_size=3).map(tuple)),
    st.builds(
        Series,
        TEXT,
        st.lists(TEXT, max_size=3).map(tuple),
        WHEN,
        WHEN,
        WHEN,
        st.none() | WHEN,
        st.lists(st.sampled_from(AGGREGATES), max_size=5).map(tuple),
    ),
    st.just(Statistics()),
    st.builds(Gaps, st.none() | TEXT, st.none() | WHEN),
)
ANSWERED: list[tuple[Question, Any]] = [
    (Subjects("sample"), SubjectList((Subject("web-1", 1, 2, 3), Subject("old-1", 1, 2, 3, True)))),
    (Latest("sample"), Records((Stored(5, b"G1..."),))),
    (Range("sample", "web-1", 0, 9), Records(())),
    (Layouts((7,)), LayoutNames({7: ("cpu.percent", "load.1m")})),
    (
        Series("web-1", ("*",), 0, 9),
        SeriesAnswer(
            (0, 5), 5, "rows", 0.5, (Column("load.1m", (1.0, None), (1.0, None), (1.0, None), (1.0, None), (2, 0)),)
        ),
    ),
    (SeriesText("web-1", ("*",), 0, 9), SeriesTextAnswer(5, "rows", 0.5, 1, 2, b'{"times":[0,0],"series":[]}')),
    (
        Gaps("web-1", 5),
        GapsAnswer((Accounted("web-1", 5, 9, 10, 7, 2, 1, 2, 0, {"dropped": 2}, (GapEntry(6, 7, 4, 5, "dropped"),)),)),
    ),
    (Statistics(), StoreStatistics({"sample": 4}, {"sample": 1}, 3, 4096, 2, None, 77, 9)),
]


@given(QUESTIONS)
def test_a_question_arrives_as_it_was_asked(question: Question) -> None:
    assert read_question(pack_question(question)) == question


@pytest.mark.parametrize(("question", "answer"), ANSWERED, ids=lambda one: type(one).__name__)
def test_an_answer_arrives_as_it_was_given(question: Question, answer: Any) -> None:
    assert read_answer(question, pack_answer(answer)) == answer


def test_a_refusal_is_raised_with_its_words() -> None:
    with pytest.raises(Unanswered, match="the disk fails"):
        read_answer(Statistics(), pack_refusal("the disk fails"))


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.integers(-(2**63), 2**64 - 1) | TEXT,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.just("ask"), inner, max_size=3),
        ).map(msgpack.packb),
        st.builds(
            lambda ask, rest: msgpack.packb({**rest, "ask": ask}),
            st.sampled_from(["Subjects", "Latest", "Range", "Layouts", "Series", "Statistics", "Question"]),
            st.dictionaries(st.sampled_from(["kind", "subject", "subjects", "start", "ids", "metrics"]), WHEN | TEXT),
        ),
    )
)
def test_whatever_bytes_come_they_are_a_question_or_refused(data: bytes) -> None:
    try:
        question = read_question(data)
    except Unfit:
        return
    assert read_question(pack_question(question)) == question


@pytest.mark.parametrize(
    "data",
    [
        b"",
        msgpack.packb([]),
        msgpack.packb({"ask": "Everything"}),
        msgpack.packb({"ask": ["Range"]}),
        msgpack.packb({"ask": "Range", "kind": "sample"}),
        msgpack.packb({"ask": "Subjects", "kind": 5}),
        b"\x81\x91\x01\x01",  # a map whose key is a list
        b"\x91" * 5000,
    ],
)
def test_what_is_no_question_is_refused(data: bytes) -> None:
    with pytest.raises(Unfit, match=r"\w"):
        read_question(data)


def test_silences_and_rules_may_be_more_than_there_are_items_in_what_strangers_tell() -> None:
    silence = Silence("4f2a", "anna", "a new disk", 0, 10**18, ("web-1",))
    rule = judging.RuleShown("disk-full", "host", "disk[*].percent > 95", "", "critical", 60.0, 0.0, own=False)
    for question, answer in (
        (judging.Silences(past=True), judging.SilenceList((silence,) * 10_000)),
        (judging.Rules(), judging.RuleList((rule,) * 10_000)),
    ):
        assert judging.read_answer(question, judging.pack_answer(answer)) == answer

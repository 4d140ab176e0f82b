"""What is asked of a store that is silent, and when it is asked again."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import zmq

from alerter.asking import AGAIN_SECONDS
from alerter.catching import MARGIN, Catching
from alerter.rules import Rule
from bus.loop import Loop
from bus.messages import Check
from bus.questions import (
    Latest,
    Layouts,
    Question,
    Range,
    Records,
    Stored,
    Subject,
    SubjectList,
    Subjects,
    pack_answer,
    pack_refusal,
    read_question,
)
from bus.wire import pack, record
from tests.alerter.given import World, at, rule

ALL = [Subjects("sample"), Subjects("check"), Subjects("loss"), Latest("facts")]
"""What is asked at first for what was missed."""
LOOK = [Subjects("sample")]
"""What is asked to see whether the store answers."""


class Told(Loop):
    """A loop whose time is told, which watches nothing."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now)

    def on_readable(self, socket: object, handler: object) -> None:
        """What is readable is drained by the test."""


class Silence:
    """A catching up, its time, and a store that hears while it is ``there`` and says nothing of itself."""

    def __init__(self, *rules: Rule) -> None:
        self.raw, self.there, self.tries, self.ended = self, True, 0, 0
        self.asked: list[Question] = []
        self.said: list[list[bytes]] = []
        self._unanswered: list[tuple[bytes, Question]] = []
        self.loop, self.world = Told(), World(*rules)
        log = logging.getLogger("test")
        ask: Any = self
        self.catching = Catching(ask, self.loop, self.world.judge, log, lambda: at(self.loop.now), patience=10.0)

    def send_multipart(self, parts: list[bytes], flags: int) -> None:
        self.tries += 1
        if not self.there:
            raise zmq.Again
        self.asked.append(read_question(parts[1]))
        self._unanswered.append((parts[0], self.asked[-1]))

    def recv_multipart(self, flags: int) -> list[bytes]:
        if not self.said:
            raise zmq.Again
        return self.said.pop(0)

    def starts(self, since: float = -60, there: frozenset[str] = frozenset()) -> list[Question]:
        self.catching.start(at(since), self._ends, there)
        return self._new()

    def again(self) -> list[Question]:
        self.catching.again(self._ends)
        return self._new()

    def passes(self, seconds: float) -> list[Question]:
        self.loop.now = seconds
        self.loop.pass_once(0.0)
        return self._new()

    def looks(self, seconds: float) -> list[Question]:
        self.passes(seconds)
        self.catching.look()
        return self._new()

    def answers(self, *hosts: tuple[str, float], most: int = 99, rows: tuple[Stored, ...] = ()) -> list[Question]:
        """Answer ``most`` questions: these hosts were received last at such a second, these rows lie in each range."""
        found = SubjectList(tuple(Subject(name, at(-99), at(last), at(last), False) for name, last in hosts))
        for number, question in self._answered(most):
            answer: Any = Records(rows if isinstance(question, Range) else ())
            if isinstance(question, Subjects):
                answer = found if question.kind == "sample" else SubjectList(())
            self.said.append([number, pack_answer(answer)])
        self.catching.drain()
        return self._new()

    def refuses(self) -> None:
        self.said += [[number, pack_refusal("no room")] for number, _ in self._answered(1)]
        self.catching.drain()

    def _answered(self, most: int) -> list[tuple[bytes, Question]]:
        found, self._unanswered = self._unanswered[:most], self._unanswered[most:]
        return found

    def _new(self) -> list[Question]:
        found, self.asked = self.asked, []
        return found

    def _ends(self) -> None:
        self.ended += 1


def in_vain(since: float = -60, there: frozenset[str] = frozenset()) -> Silence:
    """It was asked at 0 s, and given up at 10 s."""
    one = Silence()
    one.starts(since, there)
    one.passes(10)
    assert one.ended == 1
    return one


def test_silence_ends_patience_and_no_answer_to_what_was_asked_before_makes_it_longer() -> None:
    one = Silence()
    assert one.starts() == ALL
    one.passes(5)
    one.answers()
    assert one.ended == 1
    one.passes(8)
    one.starts()
    one.said += [[one._unanswered[0][0]], [b"nobody's", pack_answer(Records(()))]]
    one.catching.drain()
    one.passes(17.9)
    assert one.catching.busy
    one.passes(18)
    assert (one.ended, one.catching.busy) == (2, False)


def test_silence_ends_patience_with_pasts_too() -> None:
    one = Silence(rule("avg(cpu.percent, 1m) > 80"))
    one.world.says(-1, cpu=1)
    one.starts()
    one.answers()
    one.catching.past(one._ends)
    one.passes(9.9)
    assert (one.ended, one.catching.busy) == (1, True)
    one.passes(10)
    assert (one.ended, one.catching.busy) == (2, False)
    assert one.looks(10) == [], "only what was missed is asked for again"


def test_patience_begins_anew_while_answers_come() -> None:
    one = Silence()
    one.starts()
    for second in (9, 19):
        one.passes(second)
        one.answers(most=1)
        one.passes(second + 1)
    one.passes(29.9)
    assert one.ended == 0
    one.passes(30)
    assert one.ended == 1
    assert one.looks(30) == LOOK


def test_nobody_looks_while_it_is_asked_or_where_nothing_is_lacking() -> None:
    one = Silence()
    one.starts()
    assert one.looks(1) == []
    one.answers()
    assert one.looks(2) == one.looks(100) == []
    two = in_vain()
    two.starts()
    assert two.looks(11) == []


def test_a_silent_store_is_looked_at_more_and_more_rarely() -> None:
    one, second = in_vain(), 10.0
    assert one.looks(second) == LOOK
    for pause in (10, 20, 40, 60, 60):
        assert one.looks(second) == one.looks(second + pause - 0.1) == []
        second += pause
        assert one.looks(second) == LOOK
        assert len(one.catching._asking._open) == 1, "questions that nobody answers do not pile up"
    assert not one.catching.answers


def test_it_looks_on_where_the_store_refuses_and_no_more_once_it_answers() -> None:
    one = in_vain()
    one.looks(10)
    one.refuses()
    assert not one.catching.answers
    assert one.looks(19.9) == []
    assert one.looks(20) == LOOK
    one.answers()
    assert one.catching.answers
    assert one.looks(200) == []


def test_a_look_is_under_way_until_the_next_one_whatever_names_are_asked_for_meanwhile() -> None:
    one = in_vain()
    assert one.looks(10) == one.looks(20) == LOOK
    one.catching.layouts((7,))
    one.passes(30)  # when it is known that nobody told the names
    one.answers(most=len(ALL) + 2 * len(LOOK))
    assert one.catching.answers


@pytest.mark.parametrize(("first", "then"), [(-60, -30), (-30, -60)])
def test_it_is_asked_again_from_the_earliest_on_that_was_asked_in_vain_and_once(first: int, then: int) -> None:
    one = in_vain(first)
    one.starts(then)
    one.passes(20)
    assert one.looks(20) == LOOK
    one.answers()
    assert one.again() == ALL
    assert one.catching.busy
    assert not one.catching.answers
    (missed,) = one.answers(("web-1", -1))
    assert isinstance(missed, Range)
    assert missed.start + MARGIN == at(-60)
    one.answers()
    assert one.ended == 3
    assert one.looks(200) == []

    one.starts()
    one.passes(210)
    assert one.looks(210) == LOOK
    assert one.looks(219.9) == []
    assert one.looks(220) == LOOK, "patience is what it was at first"


def test_what_is_asked_again_in_vain_stays_lacking_and_the_pause_grows_on() -> None:
    one = in_vain()
    one.looks(10)
    one.answers()
    one.again()
    assert one.looks(19.9) == []
    assert one.looks(20) == LOOK
    assert one.looks(39.9) == []
    assert one.looks(40) == LOOK
    one.answers()
    one.passes(75)
    one.again()
    one.passes(80)  # when it would be looked again, had nobody answered
    (missed,) = one.answers(("web-1", -1))
    assert isinstance(missed, Range)
    assert missed.start + MARGIN == at(-60)


def test_again_asks_of_those_who_told_nothing_since_and_of_the_moment_that_was_judged_in_part() -> None:
    one = in_vain(-60, frozenset({"judged"}))
    one.starts(-60)
    one.passes(20)
    one.world.says(-60, "web-1", cpu=1)
    one.world.says(-59, "web-2", cpu=1)
    hosts = [("web-1", -60), ("web-2", -59), ("web-3", -60), ("web-4", -61)]

    def asked(questions: list[Question]) -> list[str]:
        return [question.subject for question in questions if isinstance(question, Range)]

    one.again()
    assert asked(one.answers(*hosts)) == ["web-1", "web-3"]
    one.answers()
    one.starts(-60)
    assert asked(one.answers(*hosts)) == ["web-2"]


@pytest.mark.parametrize("refused", [False, True])
def test_of_half_an_answer_is_taken_what_came_and_the_rest_is_lacking(refused: bool) -> None:
    one = Silence()
    one.starts()
    told = record(Check("up"), source="web-1", subject="web-1", at=at(-1), epoch=9, number=1, sent=at(-1))
    one.answers(("web-1", -1), most=3)
    if refused:
        one.refuses()
    else:
        one._unanswered.pop(0)
    one.answers(rows=(Stored(at(-1), pack(told)),))
    if not refused:
        assert one.catching.busy
        one.passes(10)
        one.passes(20)
    one.catching.past(one._ends)
    assert (one.ended, one.catching.caught) == (2, 1)
    assert one.looks(20) == LOOK
    one.answers()
    one.again()
    one.answers(("web-1", -1))
    one.answers(rows=(Stored(at(-1), pack(told)),))
    assert [received for received, _ in one.catching.taken(at(0))] == [at(-1)], "what is read twice is judged once"


def test_whom_nobody_hears_tries_again_soon_in_the_same_order_until_patience_ends() -> None:
    one = Silence()
    one.there = False
    one.starts()
    one.catching.layouts((7,))
    before = one.tries
    one.passes(AGAIN_SECONDS / 2)
    assert one.tries == before
    one.passes(AGAIN_SECONDS)
    assert one.tries == before + 1
    one.there = True
    assert one.passes(2 * AGAIN_SECONDS) == [*ALL, Layouts((7,))]

    two = Silence()
    two.there = False
    two.starts()
    two.passes(10)
    assert two.ended == 1
    two.there = True
    assert two.passes(11) == []
    assert two.looks(11) == LOOK

"""Of several receivers those who did not take it for now are tried again, alone and beside everything else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.channels.common import Carries
from alerter.incidents import Incident
from alerter.letters import YES, Item, Letter, Told
from alerter.outbox import NEWER, Delivered, Lane, Later, Outcome, Partly, Policy, settle, told_after, turn
from alerter.routes import Notify
from alerter.speaker import MOST_LOOKED_AT_ALONE
from alerter.why import deliveries
from tests.alerter.rooms import Friend, Room, Rooms
from tests.alerter.shapes import NOON, SECOND, burning, item, letter, over, service_down

GREY = "451: greylisted"
PATIENT = Notify(group_seconds=0.0, failover_seconds=0.0)


@dataclass(frozen=True, kw_only=True)
class Circle(Friend):
    """A channel of two people, of whom one does not take anything for now, so often."""

    refuses: list[str] = field(default_factory=list)
    """What bob's server says to the next attempts; empty: it takes it."""
    got: list[tuple[str, str, str]] = field(default_factory=list)
    """Who got what of whom."""

    @property
    def receivers(self) -> tuple[str, ...]:
        return ("anna", "bob")

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        whole = super().send(letter, carrier)
        if not isinstance(whole, Delivered):
            return whole
        to = [one for one in self.receivers if one in letter.left or not letter.left]
        no = self.refuses.pop(0) if "bob" in to and self.refuses else ""
        taken = [one for one in to if one != "bob" or not no]
        self.got.extend((one, item.about, item.incident.subject) for one in taken for item in letter.items)
        if not no:
            return whole
        if no.startswith("5"):
            return Partly((), taken=" ".join(taken), refused=f"bob: {no}")
        return Partly(("bob",), no, taken=" ".join(taken))


def words(room: Room, incident: Incident) -> list[str]:
    """What why shows of one channel."""
    return [one.text for one in deliveries(room.told(incident)["ops"])]


def test_only_who_did_not_take_it_is_told_again_and_it_is_said_of_each(rooms: Rooms) -> None:
    ops = Circle(refuses=[GREY, GREY])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    assert words(room, burning()) == [
        "ops: alarm delivered: anna",
        f"ops: alarm failed 1 time, is tried again: bob: {GREY}",
    ]
    room.ahead += 600
    room.until(lambda: len(room.notices) == 3)
    room.ahead += 600
    room.quiet()
    assert ops.got == [("anna", "alarm", "web-1"), ("bob", "alarm", "web-1")]
    assert words(room, burning()) == ["ops: alarm delivered: anna", "ops: alarm delivered at attempt 3: bob: ok"]
    assert [(one.outcome, one.detail) for one in room.notices] == [
        ("delivered", "anna"),
        ("later", f"bob: {GREY}"),
        ("later", f"bob: {GREY}"),
        ("delivered", "bob: ok"),
    ]


def test_who_is_left_is_left_in_the_next_life_too(rooms: Rooms) -> None:
    ops = Circle(refuses=[GREY])
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    next_one = rooms({"ops": replace(ops)})
    next_one.quiet()
    assert ops.got == [("anna", "alarm", "web-1"), ("bob", "alarm", "web-1")]


def test_who_is_left_keeps_nobody_from_what_else_there_is_to_tell(rooms: Rooms) -> None:
    ops = Circle(refuses=[GREY, GREY, GREY])
    room = rooms({"ops": ops}, Notify(group_seconds=60.0))
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    room.ahead += 0.6
    room.until(lambda: len(room.notices) == 3)
    room.judged(service_down())
    room.ahead += 60
    room.until(lambda: ("anna", "alarm", "shop") in ops.got)
    room.ahead += 600
    room.quiet()
    assert sorted(ops.got) == sorted((who, "alarm", what) for who in ("anna", "bob") for what in ("web-1", "shop"))


@pytest.mark.parametrize("group", [True, False])
def test_nobody_waits_for_the_end_until_all_have_heard_of_the_alarm(rooms: Rooms, group: bool) -> None:
    ops = Circle(refuses=[GREY, GREY], group=group)
    room = rooms({"ops": ops})
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    room.judged(over(burning()))
    room.until(lambda: len(room.notices) == 4)
    assert ops.got == [("anna", "alarm", "web-1"), ("anna", "recovery", "web-1")]
    room.ahead += 600
    room.quiet()
    assert ops.got[2:] == [("bob", "recovery", "web-1")]
    assert words(room, burning())[1] == f"ops: alarm not needed any more: bob: {NEWER}"


def test_who_is_refused_for_good_is_told_as_such_and_the_fallback_of_neither(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    ops, spare = Circle(refuses=[GREY, "550: nobody"], fallback="spare"), Friend()
    room = rooms({"ops": ops, "spare": spare}, replace(PATIENT, channels=("ops",)))
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    room.ahead += 600
    room.quiet()
    assert words(room, burning()) == ["ops: alarm delivered: anna", "ops: alarm given up: bob: 550: nobody"]
    assert "ops refuses: bob: 550: nobody (alarm of cpu-busy on web-1)" in caplog.text
    assert (room.speaker.counts["given_up"], spare.heard) == (1, [])
    room.judged(over(burning()))
    room.quiet()
    assert ops.got[1:] == [("anna", "recovery", "web-1"), ("bob", "recovery", "web-1")]


def test_who_did_not_take_it_within_a_day_is_given_up_and_named(rooms: Rooms, caplog: pytest.LogCaptureFixture) -> None:
    ops, spare = Circle(refuses=[GREY], fallback="spare"), Friend()
    room = rooms({"ops": ops, "spare": spare}, replace(PATIENT, channels=("ops",)))
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    room.now += 86_401 * SECOND
    room.ahead += 600
    room.quiet()
    assert words(room, burning())[1] == "ops: alarm given up: bob: it could not be told in time"
    assert "ops (bob) was not told of web-1 in time" in caplog.text
    assert spare.heard == []


def test_a_server_that_is_away_for_who_is_left_is_tried_again_for_those_alone(rooms: Rooms) -> None:
    away: list[Outcome | Exception] = [Delivered("ok"), Later(None, "connection refused"), Later(None, "lost", True)]
    ops, spare = Circle(refuses=[GREY], outcomes=away, fallback="spare"), Friend()
    room = rooms({"ops": ops, "spare": spare}, replace(PATIENT, channels=("ops",)))
    room.judged(burning())
    for seen in (2, 3, 4):
        room.until(lambda many=seen: len(room.notices) == many)  # type: ignore[misc]
        room.ahead += 600
    room.quiet()
    assert ops.got == [("anna", "alarm", "web-1"), ("bob", "alarm", "web-1")]
    assert room.notices[2].detail == "bob: connection refused"
    assert spare.heard == []


def test_more_that_some_have_than_is_looked_at_at_once_keeps_nobody_from_what_is_new(rooms: Rooms) -> None:
    ops = Circle(refuses=[GREY] * (MOST_LOOKED_AT_ALONE + 1), group=False)
    room = rooms({"ops": ops})
    many = [burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(MOST_LOOKED_AT_ALONE + 1)]
    for one in many:
        room.judged(one)
        room.until(lambda one=one: ("anna", "alarm", one.subject) in ops.got)  # type: ignore[misc]
    room.judged(service_down())
    room.until(lambda: ("anna", "alarm", "shop") in ops.got)
    room.ahead += 600
    room.quiet()
    assert sorted(ops.got) == sorted(set(ops.got))
    assert len(ops.got) == 2 * (len(many) + 1)


def test_what_waits_for_some_counts_among_what_waits(rooms: Rooms) -> None:
    room = rooms({"ops": Circle(refuses=[GREY])})
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    room.now += 90 * SECOND
    found = room.speaker.vitals()
    assert (found["outbox.waiting"], found["outbox.oldest_seconds"]) == (1.0, 90.0)


def test_a_channel_that_is_another_by_now_does_not_tell_all_for_who_is_left(rooms: Rooms) -> None:
    room = rooms({"ops": Circle(refuses=[GREY])})
    room.judged(burning())
    room.until(lambda: len(room.notices) == 2)
    other, spare = Friend(fallback="spare"), Friend()
    room = rooms({"ops": other, "spare": spare})
    room.quiet()
    assert (other.heard, spare.heard) == ([], [])
    assert words(room, burning())[1] == "ops: alarm given up: bob: told here no longer"


def test_who_is_left_alone_has_waits_that_double_and_the_channel_none() -> None:
    lane, policy = Lane(failures=3, rests_until=9.0, failing_since=1.0), Policy()
    greyed = Partly(("bob",), GREY, "anna")
    first = settle(letter(item()), greyed, lane, policy, 10.0, 1.0)
    (row,) = told_after(letter(item()), greyed, {}, NOON)
    assert (lane.failures, lane.rests_until, lane.failing_since, lane.spoken) == (0, 0.0, None, [10.0])
    assert (first.wait, row.reached, first.done, first.handed) == (1.0, YES, (), ())
    again = first.kept[0]
    assert (again.left, again.letter, again.attempts) == (("bob",), "", 1)
    second = settle(Letter("k", (again,), ("bob",)), Partly(("bob",), GREY), lane, policy, 11.0, 1.0)
    assert (second.wait, lane.spoken) == (2.0, [10.0])
    assert turn(second.kept, {}, lane, policy, 12.0, NOON).seconds == pytest.approx(1.0)
    assert turn(second.kept, {}, Lane(spoken=[12.0]), policy, 12.0, NOON).letter, "what begins does not gather"
    assert turn([*second.kept, item(service_down())], {}, Lane(resting=lane.resting), policy, 12.0, NOON).letter


ANSWERS = st.sampled_from(["", "", GREY, "550: nobody", "away", "lost"])


@given(st.lists(st.integers(1, 3), max_size=12), st.lists(ANSWERS, max_size=40), st.booleans())
def test_nobody_hears_anything_twice_and_everybody_how_it_stands(
    comes: list[int], says: list[str], groups: bool
) -> None:
    lane, told, now, policy = Lane(groups=groups), dict[str, Told](), 0.0, Policy()
    burns: dict[int, Incident] = {}
    items: list[Item] = []
    last: dict[str, str] = {}
    heard: dict[str, list[str]] = {"anna": [], "bob": []}
    lost: set[str] = set()
    script = iter(says)
    for order in range(1, 400):
        if order <= len(comes):
            number = comes[order - 1]
            begun = burns.pop(number, None)
            incident = over(begun) if begun else burning(id=f"{order:016x}", subject=f"web-{number}")
            if begun is None:
                burns[number] = incident
            items.append(item(incident, order=order))
            last[incident.id] = items[-1].key
        found = turn(items, told, lane, policy, now, NOON)
        gone = {one.key for one, _ in found.withdrawn}
        items = [one for one in items if one.key not in gone]
        if found.letter is None:
            now += found.seconds or 1.0
            continue
        what = found.letter
        to = [one for one in heard if one in what.left or not what.left]
        answer = next(script, "")
        outcome: Outcome = Delivered()
        if answer in ("away", "lost"):
            outcome, to = Later(None, answer, maybe=answer == "lost"), to if answer == "lost" else []
        elif answer and "bob" in to:
            to = [one for one in to if one != "bob"]
            outcome = Partly(("bob",), answer, " ".join(to)) if answer == GREY else Partly((), "", " ".join(to), answer)
        for who in to:
            heard[who] += [one.key for one in what.items]
        if answer == "lost" or answer == "550: nobody":
            lost |= {one.key for one in what.items}
        done = settle(what, outcome, lane, policy, now, 0.5)
        told |= {one.incident: one for one in told_after(what, outcome, told, NOON)}
        ended = {one.key for one in done.done}
        stay = {one.key: one for one in done.kept}
        items = [stay.get(one.key, one) for one in items if one.key not in ended]
    assert not items, "everything comes to an end"
    for keys in heard.values():
        sure = [key for key in keys if key not in lost]
        assert len(sure) == len(set(sure))
    assert set(last.values()) <= {*heard["anna"]}
    assert set(last.values()) <= {*heard["bob"], *lost}

"""What is graver is told first, though the rest is told too."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from alerter.letters import Item, Letter, Told, as_row, order_of
from alerter.memory import Transaction
from alerter.outbox import MOST_PASSED, Delivered, Lane, Later, Outcome, Policy, settle, told_after, turn
from alerter.speaker import MOST_LOOKED_AT, MOST_LOOKED_AT_ALONE
from tests.alerter.rooms import Friend, Rooms
from tests.alerter.shapes import NOON, burning, item, over

POLICY = Policy(group_seconds=0.0)


def about(number: int, severity: str = "warning", **changes: Any) -> Item:
    incident = burning(id=f"{number:016x}", subject=f"web-{number}", severity=severity)
    return item(incident, order=order_of(number, severity), **changes)


def told_in_turn(
    items: Sequence[Item], lane: Lane, outcomes: Sequence[Outcome] = (), most: int = 1000
) -> list[list[str]]:
    """Of whom each letter tells, where attempts come to these ``outcomes`` and are delivered after that."""
    now, script, found, told = 0.0, iter(outcomes), list[list[str]](), dict[str, Told]()
    while items and len(found) < most:
        next_turn = turn(sorted(items, key=lambda one: one.order), told, lane, POLICY, now, NOON)
        if next_turn.letter is None:
            assert next_turn.seconds, "what waits has a time"
            now += next_turn.seconds
            continue
        found.append([one.incident.subject for one in next_turn.letter.items])
        outcome = next(script, Delivered())
        done = settle(next_turn.letter, outcome, lane, POLICY, now, 0.5)
        told |= {one.incident: one for one in told_after(next_turn.letter, outcome, told, NOON)}
        stay = {one.key: one for one in done.kept}
        ended = {one.key for one in done.done}
        items = [stay.get(one.key, one) for one in items if one.key not in ended]
    return found


def test_the_gravest_goes_first_and_of_as_grave_ones_the_oldest() -> None:
    items = [about(1, "info"), about(2), about(3), about(4, "critical"), about(5, "critical")]
    first = told_in_turn(items, Lane(groups=False), most=4)
    assert first == [["web-4"], ["web-5"], ["web-2"], ["web-1"]]


def test_of_each_four_letters_one_is_of_what_waits_for_longest() -> None:
    grave = [about(10 + number, "critical") for number in range(9)]
    told = told_in_turn([about(1), about(2), *grave], Lane(groups=False))
    assert [place for place, one in enumerate(told) if one in (["web-1"], ["web-2"])] == [MOST_PASSED, 7]


def test_a_letter_of_several_has_the_gravest_things_and_after_them_the_oldest() -> None:
    many = [about(number) for number in range(1, 151)]
    first, second = told_in_turn([*many, about(200, "critical")], Lane())
    assert first[:3] == ["web-200", "web-1", "web-2"]
    assert second == [f"web-{number}" for number in range(100, 151)]


def test_in_turn_a_letter_of_several_has_the_oldest_things() -> None:
    items = [about(1), *(about(number, "critical") for number in range(2, 700))]
    told = told_in_turn(items, Lane())
    assert "web-1" in told[MOST_PASSED]


def test_what_a_receiver_cannot_digest_holds_up_nobody_however_grave_it_is() -> None:
    poison = [Later(None, "500", maybe=True)]
    many = [about(1, "critical"), *(about(number) for number in range(2, 30))]
    told = told_in_turn(many, Lane(groups=False), poison)
    assert told[:2] == [["web-1"], ["web-2"]]


def test_of_what_was_not_taken_long_ago_nothing_is_kept() -> None:
    lane, items = Lane(groups=False), [about(number) for number in range(3)]
    for place, one in enumerate(items):
        settle(Letter(one.key, (one,)), Later(None, "500"), lane, POLICY, 1000.0 * place, 0.5)
    assert list(lane.behind) == [items[-1].key]


def test_what_waits_at_a_receivers_wish_is_the_first_that_it_is_told_then() -> None:
    many = [about(1, "critical"), *(about(number) for number in range(2, 30))]
    told = told_in_turn(many, Lane(groups=False), [Later(60.0, "429")])
    assert told[:3] == [["web-1"], ["web-1"], ["web-2"]]


def test_no_end_is_told_before_its_alarm() -> None:
    alarm, other = about(3, "critical"), about(1)
    end = item(over(alarm.incident), order=order_of(4, "critical"))
    assert told_in_turn([other, alarm, end], Lane(groups=False)) == [["web-3"], ["web-3"], ["web-1"]]
    assert told_in_turn([other, alarm, end], Lane()) == [["web-3", "web-3", "web-1"]]


def test_a_letter_that_may_have_arrived_is_the_same_in_whose_turn_ever_it_is() -> None:
    items = [about(1), about(2, "critical")]
    lane = Lane(passed=MOST_PASSED)
    letter = turn(items, {}, lane, POLICY, 0.0, NOON).letter
    assert letter is not None
    kept = settle(letter, Later(None, "late", maybe=True), lane, POLICY, 0.0, 0.5).kept
    again = turn(sorted(kept, key=lambda one: one.order), {}, lane, POLICY, 9.0, NOON).letter
    assert again is not None
    assert (again.key, [one.key for one in again.items]) == (letter.key, [one.key for one in letter.items])


@pytest.mark.parametrize("groups", [True, False])
def test_a_critical_alarm_does_not_wait_behind_all_that_is_less_grave(rooms: Rooms, groups: bool) -> None:
    ops = Friend(group=groups, outcomes=[Later(60.0, "429")])
    room = rooms({"ops": ops})
    most = MOST_LOOKED_AT if groups else MOST_LOOKED_AT_ALONE
    room.judged(*(burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(most + 20)))
    room.until(lambda: bool(room.notices))
    room.judged(burning(id="c0ffee", subject="db-1", severity="critical"))
    room.ahead += 60
    room.until(lambda: bool(ops.heard))
    assert ops.texts()[0] == ("alarm", "db-1")
    assert room.speaker.vitals()["outbox.oldest_seconds"] == 0.0
    room.quiet()
    assert len(set(ops.texts())) == len(ops.texts()) == most + 21


def test_what_an_earlier_version_left_is_told_in_its_order(rooms: Rooms) -> None:
    old = [replace(about(number), order=number) for number in (1, 2)]
    ops = Friend(group=False)
    room = rooms({"ops": ops})
    with room.memory.transaction() as transaction:
        for one in old:
            transaction.put("outbox", one.row, as_row(one))
        transaction.put("state", "outbox.order", 2)
    room.judged(burning(id="c0ffee", subject="db-1"))
    room.quiet()
    assert [subject for _, subject in ops.texts()] == ["web-1", "web-2", "db-1"]


def test_the_queue_of_a_channel_that_may_not_speak_yet_is_not_read_for_each_thing_that_is_decided(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops = Friend(group=False, outcomes=[Later(600.0, "429")])
    room = rooms({"ops": ops})
    room.judged(about(0).incident)
    room.until(lambda: bool(room.notices))
    began, read, items = time.monotonic(), list[str](), Transaction.items

    def counted(self: Transaction, table: str, prefix: str = "", *more: Any, **named: Any) -> Any:
        read.extend([prefix] * (prefix == "ops/0"))
        return items(self, table, prefix, *more, **named)

    monkeypatch.setattr(Transaction, "items", counted)
    for number in range(1, 40):
        room.judged(about(number).incident)
        room.loop.pass_once(0.0)
    assert len(read) <= 2 + (time.monotonic() - began)
    room.ahead += 600
    room.quiet()
    assert len(ops.texts()) == 40

"""Which letter goes next, and what follows from an attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.incidents import SEVERITIES, incident_id
from alerter.letters import MAYBE, YES, Item, Letter, Told, order_of
from alerter.outbox import Delivered, Lane, Later, Never, Outcome, Policy, Settled, Turn, settle, told_after, turn
from tests.alerter.shapes import NOON, SECOND, burning, item, letter, over

POLICY = Policy()


def about(number: int, order: int, **changes: Any) -> Item:
    incident = burning(id=incident_id("cpu-busy", f"web-{number}", "", NOON), subject=f"web-{number}")
    return item(incident, order=order, **changes)


def grave(number: int, order: int) -> Item:
    """As grave as follows from its number."""
    severity = SEVERITIES[number % 3]
    found = about(number, order_of(order, severity))
    return replace(found, incident=replace(found.incident, severity=severity))


def settled(one: Letter, outcome: Outcome, lane: Lane, now: float = 0.0) -> Settled:
    return settle(one, outcome, lane, POLICY, now, 1.0)


def rows(one: Letter, outcome: Outcome) -> tuple[Told, ...]:
    told = {entry.incident.id: Told(entry.incident.id, "ops") for entry in one.items}
    return told_after(one, outcome, told, NOON)


def next_letter(items: Sequence[Item], lane: Lane | None = None, now: float = 0.0) -> Letter:
    found = turn(items, {}, lane or Lane(), POLICY, now, NOON).letter
    assert found is not None
    return found


def test_the_first_letter_goes_at_once_under_its_own_key() -> None:
    one = about(1, 1)
    assert next_letter([one]) == Letter(one.key, (one,))
    assert one.key == f"{one.incident.id}.1.ops"


def test_what_comes_together_goes_together_unless_the_channel_wants_each_alone() -> None:
    items = [about(1, 1), about(2, 2), about(3, 3)]
    assert next_letter(items).items == tuple(items)
    assert next_letter(items, Lane(groups=False)).items == (items[0],)


def test_what_comes_soon_after_a_letter_gathers_for_the_next() -> None:
    lane = Lane(spoken=[100.0])
    found = turn([about(1, 1)], {}, lane, POLICY, 104.0, NOON)
    assert found.letter is None
    assert found.seconds == pytest.approx(6.0)
    assert turn([about(1, 1)], {}, lane, POLICY, 110.0, NOON).letter is not None
    assert next_letter([about(1, 1)], Lane(groups=False, spoken=[100.0]), 104.0)
    assert next_letter([replace(about(1, 1), letter="k1")], lane, 104.0).key == "k1"


def test_in_a_storm_there_is_one_letter_a_minute() -> None:
    lane = Lane(spoken=[100.0 + second for second in range(POLICY.storm_count)])
    found = turn([about(1, 1), about(2, 2)], {}, lane, POLICY, 130.0, NOON)
    assert found.seconds == pytest.approx(119.0 + 60.0 - 130.0)


def test_what_went_out_more_than_a_minute_ago_makes_no_storm() -> None:
    lane = Lane(spoken=[*range(POLICY.storm_count), 100.0])
    assert turn([about(1, 1)], {}, lane, POLICY, 104.0, NOON).seconds == pytest.approx(6.0)
    assert len(lane.spoken) == 1


def test_a_letter_has_a_hundred_items_at_most() -> None:
    assert len(next_letter([about(number, number) for number in range(150)]).items) == 100


@pytest.mark.parametrize(("failures", "wait"), [(0, 1.0), (1, 2.0), (4, 16.0), (8, 256.0), (9, 300.0), (40, 300.0)])
def test_the_wait_doubles_from_a_second_to_five_minutes(failures: int, wait: float) -> None:
    lane = Lane(failures=failures)
    assert settled(letter(about(1, 1)), Later(None, "503"), lane).wait == wait
    assert turn([about(1, 1)], {}, lane, POLICY, 0.0, NOON).seconds == wait


def test_a_receiver_that_asks_for_patience_gets_it_within_reason() -> None:
    assert settled(letter(about(1, 1)), Later(30.0, "429"), Lane()).wait == 30.0
    assert settled(letter(about(1, 1)), Later(1e9, "429"), Lane()).wait == 3600.0


def test_a_receiver_that_is_ill_and_asks_for_no_patience_is_not_asked_without_pause() -> None:
    assert settled(letter(about(1, 1)), Later(0.0, "503"), Lane(failures=4)).wait == 16.0


def test_a_success_ends_the_waiting() -> None:
    lane = Lane(failures=5, rests_until=99.0, failing_since=1.0)
    done = settled(letter(about(1, 1)), Delivered("200"), lane, 50.0)
    assert (lane.failures, lane.rests_until, lane.failing_since) == (0, 0.0, None)
    assert lane.spoken == [50.0]
    assert done.done
    assert rows(letter(about(1, 1)), Delivered("200"))[0].reached == YES


def test_a_refusal_ends_the_waiting_too() -> None:
    lane = Lane(failures=5, rests_until=99.0, failing_since=1.0)
    assert settled(letter(about(1, 1)), Never("404"), lane, 50.0).done
    assert (lane.failures, lane.rests_until, lane.failing_since) == (0, 0.0, None)


def test_of_an_alarm_and_its_recovery_in_one_letter_both_are_noted() -> None:
    both = letter(replace(about(1, 1), attempts=2), item(over(about(1, 1).incident), order=2))
    (row,) = rows(both, Delivered("200"))
    assert [(one.about, one.attempts) for one in row.said] == [("alarm", 3), ("recovery", 1)]


def test_what_may_have_arrived_keeps_its_letter_and_what_did_not_finds_better_company() -> None:
    one = about(1, 1)
    maybe = settled(letter(one), Later(None, "no answer", maybe=True), Lane()).kept[0]
    surely = settled(letter(one), Later(None, "connection refused"), Lane()).kept[0]

    assert rows(letter(one), Later(None, "no answer", maybe=True))[0].reached == MAYBE
    assert maybe.letter == one.key
    assert surely.letter == ""
    assert next_letter([surely, about(2, 2)]).items == (surely, about(2, 2))


def test_what_may_have_arrived_once_keeps_its_letter_though_it_surely_did_not_the_next_time() -> None:
    both = letter(about(1, 1), about(2, 2))
    maybe = settled(both, Later(None, "no answer", maybe=True), Lane())
    again = settled(replace(both, items=maybe.kept), Later(None, "connection refused"), Lane())
    assert next_letter([*again.kept, about(3, 3)]).items == (about(3, 3),)
    assert next_letter(again.kept) == replace(both, items=again.kept)


def test_a_letter_that_is_refused_again_and_again_blocks_no_other() -> None:
    poisoned = replace(about(1, 1), letter="k1", attempts=7)
    assert next_letter([poisoned, about(2, 2)]).items == (about(2, 2),)


def test_of_one_incident_nothing_overtakes() -> None:
    alarm = replace(about(1, 1), letter="k1", attempts=3)
    recovery = item(over(alarm.incident), order=2)
    assert next_letter([alarm, recovery]).items == (alarm,)
    assert next_letter([alarm, recovery], Lane(groups=False)).items == (alarm,)


def test_a_recovery_of_an_alarm_that_never_arrived_is_withdrawn() -> None:
    recovery = item(over(burning()), order=2)
    found = turn([recovery], {}, Lane(), POLICY, 0.0, NOON)
    assert found.letter is None
    assert found.withdrawn == ((recovery, "the alarm itself never arrived there"),)

    seen = item(about="acknowledged", order=1)
    assert [one for one, _ in turn([seen, recovery], {}, Lane(), POLICY, 0.0, NOON).withdrawn] == [seen, recovery]
    assert turn([replace(recovery, letter="k1")], {}, Lane(), POLICY, 0.0, NOON).withdrawn == ()
    reached = {recovery.incident.id: Told(recovery.incident.id, "ops", transition=1, reached=YES)}
    assert turn([recovery], reached, Lane(), POLICY, 0.0, NOON).letter is not None


def test_a_reminder_behind_its_own_alarm_is_withdrawn() -> None:
    alarm = item(order=1)
    reminder = item(about="reminder", order=2)
    assert turn([alarm, reminder], {}, Lane(), POLICY, 0.0, NOON).withdrawn[0][0] == reminder


def test_after_a_day_it_is_given_up() -> None:
    assert turn([about(1, 1)], {}, Lane(failures=9), POLICY, 0.0, NOON + 86_399 * SECOND).expired == ()
    found = turn([about(1, 1)], {}, Lane(failures=9), POLICY, 0.0, NOON + 86_401 * SECOND)
    assert found.expired == (about(1, 1),)
    assert found.letter is None


def test_nothing_is_given_up_untried() -> None:
    found = turn([about(1, 1)], {}, Lane(), POLICY, 0.0, NOON + 86_401 * SECOND)
    assert found.expired == ()
    assert found.letter is not None
    assert found.letter.items == (about(1, 1),)


def test_what_is_refused_goes_to_the_fallback_and_what_fails_for_long_too_but_once() -> None:
    one = about(1, 1)
    assert settled(letter(one), Never("404"), Lane()).handed == (one,)

    lane = Lane(failing_since=1000.0)
    first = settled(letter(one), Later(None, "refused"), lane, 1299.0)
    assert first.handed == ()
    second = settled(letter(first.kept[0]), Later(None, "refused"), lane, 1301.0)
    assert len(second.handed) == 1
    third = settled(letter(second.kept[0]), Later(None, "refused"), lane, 1400.0)
    assert (third.handed, third.kept[0].handed) == ((), True)


def test_while_a_receiver_asks_for_an_hour_the_fallback_is_told_after_its_five_minutes() -> None:
    lane = Lane()
    waiting = settled(letter(about(1, 1)), Later(1e9, "429"), lane, 0.0).kept[0]

    assert turn([waiting], {}, lane, POLICY, 10.0, NOON, [waiting]) == Turn(seconds=290.0)
    assert turn([waiting], {}, lane, POLICY, 300.0, NOON, [waiting]) == Turn(seconds=3300.0, handed=(waiting,))
    told = replace(waiting, handed=True)
    new = about(2, 2)
    assert turn([told, new], {}, lane, POLICY, 400.0, NOON, [new]) == Turn(seconds=3200.0, handed=(new,))
    assert turn([told, replace(new, handed=True)], {}, lane, POLICY, 400.0, NOON) == Turn(seconds=3200.0)


def test_a_refused_recovery_is_not_told_to_those_who_know_of_no_alarm() -> None:
    assert settled(letter(item(over(burning()))), Never("404"), Lane()).handed == ()


OUTCOMES = st.sampled_from([Delivered(), Later(None, "refused"), Later(None, "late", maybe=True), Never("404")])


@given(
    st.lists(st.integers(1, 4), max_size=20),
    st.lists(OUTCOMES, max_size=60),
    st.booleans(),
)
def test_every_letter_ends_and_no_recovery_comes_before_or_without_its_alarm(
    comes: list[int], outcomes: list[Outcome], groups: bool
) -> None:
    lane, told, now = Lane(groups=groups), dict[str, Told](), 0.0
    items: list[Item] = []
    open_: dict[int, Item] = {}
    arrived: list[Item] = []
    bodies: dict[str, tuple[str, ...]] = {}
    generation = 0
    for order, number in enumerate(comes, 1):
        if number in open_:
            begun = open_.pop(number)
            items.append(item(over(begun.incident), order=order_of(order, begun.incident.severity)))
        else:
            generation += 1
            open_[number] = grave(100 * generation + number, order)
            items.append(open_[number])
    script = iter(outcomes)
    for _ in range(400):
        found = turn(sorted(items, key=lambda one: one.order), told, lane, POLICY, now, NOON)
        gone = {one.key for one, _ in found.withdrawn}
        items = [one for one in items if one.key not in gone]
        if found.letter is None:
            if not items:
                break
            assert found.seconds is not None, "what waits has a time"
            now += found.seconds
            continue
        known = tuple(one.key for one in found.letter.items)
        assert bodies.setdefault(found.letter.key, known) == known, "one key is one content"
        outcome = next(script, Delivered())
        done = settle(found.letter, outcome, lane, POLICY, now, 0.5)
        told |= {one.incident: one for one in told_after(found.letter, outcome, told, NOON)}
        finished = {one.key for one in done.done}
        stay = {one.key: one for one in done.kept}
        items = [stay.get(one.key, one) for one in items if one.key not in finished]
        if isinstance(outcome, Delivered) or (isinstance(outcome, Later) and outcome.maybe):
            arrived += found.letter.items
    assert not items, "every letter ends"
    heard: set[str] = set()
    for one in arrived:
        assert one.about != "recovery" or one.incident.id in heard
        heard.add(one.incident.id)

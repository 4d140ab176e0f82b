"""The fallback of a channel: told what the channel refused, or did not take in time."""

from __future__ import annotations

from typing import Any

import pytest

from alerter import speaker
from alerter.memory import Transaction
from alerter.outbox import Later, Never
from alerter.routes import Notify
from alerter.speaker import MOST_LOOKED_AT_ALONE
from bus.messages import DRILL
from tests.alerter.rooms import Friend, Rooms
from tests.alerter.shapes import SECOND, burning, over


def test_what_is_refused_goes_to_the_fallback_and_the_recovery_only_there(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Never("404")]), Friend()
    room = rooms({"ops": ops, "spare": spare})
    room.judged(burning())
    room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == []
    assert spare.texts() == [("alarm", "web-1"), ("recovery", "web-1")]
    assert [(one.outcome, one.detail) for one in room.told(burning())["ops"].said] == [
        ("never", "404"),
        ("withdrawn", "the alarm itself never arrived there"),
    ]


def test_an_alarm_already_over_when_it_is_refused_reaches_the_fallback_with_its_recovery(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Never("410")]), Friend()
    room = rooms({"ops": ops, "spare": spare}, Notify(group_seconds=0.0))
    room.judged(burning())
    room.judged(over(burning()))
    room.quiet()
    heard = [*ops.texts(), *spare.texts()]
    assert heard == [("alarm", "web-1"), ("recovery", "web-1")]
    assert ops.texts() == []


def test_a_channel_that_takes_nothing_for_long_has_its_fallback_told(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Later(0.01, "connection refused")] * 3), Friend()
    room = rooms({"ops": ops, "spare": spare}, Notify(group_seconds=0.0, failover_seconds=0.0))
    room.judged(burning())
    room.quiet()
    room.judged(over(burning()))
    room.quiet()
    assert ops.texts() == spare.texts() == [("alarm", "web-1"), ("recovery", "web-1")]


def test_a_channel_that_asks_for_an_hours_patience_has_its_fallback_told_in_time(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Later(3600.0, "429")]), Friend()
    room = rooms({"spare": spare, "ops": ops}, Notify(channels=("ops",), group_seconds=0.0, failover_seconds=0.3))
    room.judged(burning())
    room.until(lambda: bool(spare.texts()))
    assert (ops.texts(), spare.texts()) == ([], [("alarm", "web-1")])


def test_a_drill_that_could_not_be_told_in_a_day_is_told_to_no_fallback(rooms: Rooms) -> None:
    ops, spare = Friend(fallback="spare", outcomes=[Later(600.0, "connection refused")]), Friend()
    room = rooms({"ops": ops, "spare": spare})
    room.judged(burning(subject=DRILL, kind="hub", channels=("ops",)), burning(id="c0ffee0000000009"))
    room.until(lambda: bool(room.notices))
    room.now += 86_401 * SECOND
    room.ahead += 600
    room.quiet()
    assert (ops.texts(), spare.texts()) == ([], [("alarm", "web-1")])


@pytest.mark.parametrize("groups", [True, False])
def test_of_a_storm_that_a_channel_does_not_take_its_fallback_hears_all_and_the_queue_is_read_once_for_that(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, groups: bool
) -> None:
    ops, spare = Friend(group=groups, fallback="spare", outcomes=[Later(3600.0, "429")]), Friend(severity="warning")
    room = rooms({"ops": ops, "spare": spare})
    storm = [burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(3 * MOST_LOOKED_AT_ALONE)]
    room.judged(*storm)
    room.until(lambda: bool(room.notices))
    room.judged(over(storm[-1]))
    read, items = list[str](), Transaction.items

    def counted(self: Transaction, table: str, prefix: str = "", *more: Any, **named: Any) -> Any:
        read.extend([prefix] * (table == "outbox"))
        return items(self, table, prefix, *more, **named)

    monkeypatch.setattr(Transaction, "items", counted)
    room.ahead += 301
    room.until(lambda: len(spare.texts()) == len(storm) + 1)
    assert {subject for _, subject in spare.texts()} == {one.subject for one in storm}
    assert spare.texts()[-1] == ("recovery", storm[-1].subject)
    assert len(read) < len(storm)


@pytest.mark.parametrize("groups", [True, False])
@pytest.mark.parametrize("outcome", [Later(3600.0, "429"), Later(None, "connection refused")])
def test_of_more_than_is_looked_at_at_once_the_fallback_hears_all_alarms_and_their_ends(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch, groups: bool, outcome: Later
) -> None:
    monkeypatch.setattr(speaker, "MOST_LOOKED_AT", 5)
    ops, spare = Friend(group=groups, fallback="spare", outcomes=[outcome] * 99), Friend(severity="warning")
    room = rooms({"ops": ops, "spare": spare}, Notify(channels=("ops",), group_seconds=0.0))
    storm = [burning(id=f"{number:016x}", subject=f"web-{number}") for number in range(17)]
    room.judged(*storm)
    room.until(lambda: bool(room.notices))
    room.judged(*map(over, storm[:16]))
    room.ahead += 301
    room.until(lambda: len(spare.texts()) >= 17 + 16)
    last = burning(id="f" * 16, subject="db-1")
    room.judged(last)
    room.until(lambda: len(spare.texts()) >= 17 + 16 + 1)
    told = [("alarm", one.subject) for one in (*storm, last)] + [("recovery", one.subject) for one in storm[:16]]
    assert sorted(spare.texts()) == sorted(told)

"""What burns while its rule, or what it is of, becomes another in the configuration: it is as grave as it is now."""

from __future__ import annotations

from typing import Any

from alerter.committer import Committer
from alerter.memory import Memory
from alerter.outbox import Later
from alerter.rules import Rule
from bus.judging import Alarms, Incident, Incidents
from bus.tables import Host
from tests.alerter.case import Case
from tests.alerter.given import World, at, committer, rule
from tests.alerter.rooms import Friend, Room, Rooms

WEB = Host(name="web-1", labels={"role": "shop"})


def busy(**given: Any) -> Rule:
    return rule("cpu.percent > 90", name="busy", **given)


class Told:
    """Two channels, of which the pager hears of grave alarms only, and what fires at noon."""

    def __init__(self, rooms: Rooms, ops: Friend | None = None) -> None:
        self.ops, self.pager = ops or Friend(), Friend(severity="critical")
        self.room: Room = rooms({"ops": self.ops, "pager": self.pager})
        self.world, self.committer = self.begins(busy())
        self.world.says(0, cpu=95)
        self.settles(0)
        if ops is None:
            self.heard("ops", ("alarm", "web-1"))

    def begins(self, *rules: Rule) -> tuple[World, Committer]:
        world = World(*rules, began=0)
        settling, _, _ = committer(world, self.room.memory, self.room.speaker)
        return world, settling

    def becomes(self, seconds: float, *rules: Rule, hosts: tuple[Host, ...] = ()) -> None:
        self.world.judge.use(rules, hosts, (), at(seconds))
        self.settles(seconds)

    def settles(self, seconds: float) -> None:
        self.room.now = at(seconds)
        self.committer.settle(at(seconds), all_open=True)

    def heard(self, name: str, *texts: tuple[str, str]) -> None:
        channel: Friend = getattr(self, name)
        self.room.until(lambda: self.room.waiting() == 0)
        assert channel.texts() == list(texts)

    def kept(self) -> Incident:
        with self.room.memory.reading() as view:
            (row,) = (value for _, value in view.items("incidents"))
        (found,) = self.world.judge.decider.open.values()
        assert (row["severity"], row["labels"], row["advice"]) == (found.severity, found.labels, found.advice)
        return found


def test_what_becomes_graver_while_it_fires_reaches_those_who_hear_of_grave_ones(rooms: Rooms) -> None:
    told = Told(rooms)
    before = told.kept()
    told.becomes(60, busy(severity="critical", advice="end the job"), hosts=(WEB,))
    told.heard("pager", ("alarm", "web-1"))
    told.heard("ops", ("alarm", "web-1"))
    after = told.kept()
    assert (after.id, after.transition, after.started_at) == (before.id, before.transition, before.started_at)
    assert (after.severity, after.advice, after.labels) == ("critical", "end the job", {"role": "shop"})
    told.world.says(70, cpu=10)
    told.settles(70)
    told.heard("pager", ("alarm", "web-1"), ("recovery", "web-1"))
    told.heard("ops", ("alarm", "web-1"), ("recovery", "web-1"))


def test_what_becomes_less_grave_ends_for_all_who_were_told(rooms: Rooms) -> None:
    told = Told(rooms)
    told.becomes(60, busy(severity="critical"))
    told.becomes(70, busy(severity="info"))
    assert told.kept().severity == "info"
    told.world.says(80, cpu=10)
    told.settles(80)
    told.heard("pager", ("alarm", "web-1"), ("recovery", "web-1"))
    assert told.pager.heard[-1].items[-1].incident.severity == "info"


def test_what_is_pointed_at_another_channel_is_told_there_at_once(rooms: Rooms) -> None:
    told = Told(rooms)
    told.becomes(60, busy(severity="critical", channels=("pager",)))
    told.heard("pager", ("alarm", "web-1"))
    told.world.says(70, cpu=10)
    told.settles(70)
    told.heard("ops", ("alarm", "web-1"), ("recovery", "web-1"))


def test_what_the_configuration_became_while_the_alerter_was_off_holds_from_its_start(rooms: Rooms) -> None:
    told = Told(rooms)
    told.world, told.committer = told.begins(busy(severity="critical"))
    told.committer.restore(at(30))
    told.settles(30)
    told.heard("pager", ("alarm", "web-1"))
    told.heard("ops", ("alarm", "web-1"))
    assert told.kept().severity == "critical"


def test_what_its_channel_did_not_take_goes_out_as_it_is_by_the_rule_of_now(rooms: Rooms) -> None:
    told = Told(rooms, Friend(outcomes=[Later(3600.0, "it rests")]))
    told.room.until(lambda: len(told.room.notices) == 1)
    told.becomes(60, busy(severity="critical", advice="end the job"), hosts=(WEB,))
    told.room.ahead += 3601
    told.heard("ops", ("alarm", "web-1"))
    (item,) = told.ops.heard[0].items
    assert (item.incident.severity, item.incident.advice) == ("critical", "end the job")
    assert (item.incident.labels, item.incident.state, item.incident.value) == ({"role": "shop"}, "firing", 95.0)


def test_what_may_have_arrived_is_told_once_more_as_it_was(rooms: Rooms) -> None:
    told = Told(rooms, Friend(outcomes=[Later(3600.0, "no answer", maybe=True)]))
    told.room.until(lambda: len(told.room.notices) == 1)
    told.becomes(60, busy(severity="critical"))
    told.room.ahead += 3601
    told.heard("ops", ("alarm", "web-1"))
    assert told.ops.heard[0].items[0].incident.severity == "warning"


def test_an_instance_that_is_in_no_reading_has_the_rule_of_now_too(rooms: Rooms) -> None:
    told = Told(rooms)
    told.becomes(1, rule("disk[*].percent > 90", name="full"))
    told.world.says(2, root=95)
    told.settles(2)
    told.world.says(3, home=10)
    told.becomes(4, rule("disk[*].percent > 90", name="full", severity="critical"))
    told.heard("pager", ("alarm", "web-1"))


def test_lists_history_and_why_agree(memory: Memory) -> None:
    case = Case(memory)
    id = case.burns()
    grave = rule("cpu.percent > 90", name="cpu", for_=30.0, clear="cpu.percent < 80", severity="critical")
    case.world.judge.use([grave], [Host(name="web-1", labels={"role": "shop"})], (), at(61))
    case.passes(61)
    (standing,) = case.counter.answer(Alarms()).alarms
    (incident,) = case.counter.answer(Incidents()).incidents
    assert (standing.incident, standing.severity, standing.labels) == (id, "critical", {"role": "shop"})
    assert (incident.id, incident.severity, incident.labels) == (id, "critical", {"role": "shop"})
    steps = [(step.verdict, step.text) for step in case.chain().steps]
    text = "by the configuration as it is now: critical, before warning; labels role=shop, before none"
    assert ("changed", text) in steps
    case.passes(70)
    before, after, now = case.chain(when=60), case.chain(when=65), case.chain()
    assert (after.verdict, after.text, now.verdict) == (before.verdict, before.text, "firing")


def test_the_bus_is_told_of_it_whole_so_that_who_listens_shows_what_is_so(memory: Memory) -> None:
    world = World(busy(), began=0)
    settling, _, teller = committer(world, memory)
    world.says(0, cpu=95)
    settling.settle(at(0))
    world.judge.use([busy(severity="critical")], [WEB], (), at(60))
    settling.settle(at(60))
    (_, before), (subject, after) = teller.told
    assert (subject, after.severity, after.labels, after.state) == ("web-1", "critical", {"role": "shop"}, "firing")
    kept = ("incident", "transition", "started_at", "value", "threshold")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
    assert after.reason == "by the configuration as it is now: critical, before warning; labels role=shop, before none"
    settling.settle(at(61), all_open=True)
    assert len(teller.told) == 2

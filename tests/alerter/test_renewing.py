"""What burns while its rule, or what it is of, becomes another in the configuration: it is as grave as it is now."""

from __future__ import annotations

from typing import Any

from alerter.committer import Committer
from alerter.memory import Memory
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

    def __init__(self, rooms: Rooms) -> None:
        self.ops, self.pager = Friend(), Friend(severity="critical")
        self.room: Room = rooms({"ops": self.ops, "pager": self.pager})
        self.world, self.committer = self.begins(busy())
        self.world.says(0, cpu=95)
        self.settles(0)
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

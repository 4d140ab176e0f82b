"""A rule of today with another condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerter.backtest import changed, replay_of, rules_in
from alerter.config import Alerter, RuleTable
from alerter.history import History
from bus.config import ConfigError, Settings
from bus.messages import Facts
from bus.questions import Latest, Question, Records, Stored, Subject, SubjectList, Subjects
from bus.tables import Bus, Host
from bus.wire import pack, record
from tests.alerter.given import World, at, rule

TODAY = Settings(
    Path("guardia.toml"),
    {
        "alerter": Alerter(),
        "rules": (RuleTable(name="busy", when="cpu.percent > 90", clear="cpu.percent < 80", for_=60.0),),
        "hosts": (),
        "services": (),
        "maintenance": (),
    },
)


def test_a_rule_of_the_operators_own_gets_the_condition_and_loses_its_old_recovery() -> None:
    (rule,) = changed(TODAY, "busy", "cpu.percent > 50", None)["rules"]
    assert (rule.when, rule.clear, rule.for_) == ("cpu.percent > 50", "", 60.0)


def test_a_rule_that_guardia_brings_is_changed_beside_the_others() -> None:
    busy, full = changed(TODAY, "disk-nearly-full", "disk[*].percent > 80", 5.0)["rules"]
    assert (busy.name, full.name, full.when, full.for_) == ("busy", "disk-nearly-full", "disk[*].percent > 80", 5.0)


def test_without_a_condition_it_keeps_its_own() -> None:
    (rule,) = changed(TODAY, "busy", "", 0.0)["rules"]
    assert (rule.when, rule.clear, rule.for_) == ("cpu.percent > 90", "cpu.percent < 80", 0.0)


@pytest.mark.parametrize(("name", "when", "said"), [("bsuy", "", "did you mean busy"), ("busy", "cpu.percent >", "")])
def test_what_cannot_be_tried_is_told(name: str, when: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        changed(TODAY, name, when, None)
    assert said in str(caught.value.faults[0])


def told(question: Question) -> Any:
    """A past of one host that came at noon and told its facts again an hour later."""
    if isinstance(question, Subjects):
        web = Subject("web-1", at(0), at(4000), at(4000))
        return SubjectList((web,) if question.kind == "sample" else ())
    assert question == Latest("facts")
    facts = record(Facts(interval=10.0), source="web-1", subject="web-1", at=at(3600), epoch=7, number=9, sent=at(3600))
    return Records((Stored(at(3600), pack(facts)),))


def test_facts_of_today_do_not_put_the_past_of_a_host_that_came_meanwhile_off_until_then() -> None:
    past = History(told)
    world = World(rule("age > 2m", name="silent"), began=-600.0)
    past.introduce((world.judge,), at(-600))
    world.says(0)
    world.passes(100)
    world.says(101)
    assert world.told() == []
    assert world.judge.subjects["host", "web-1"].interval == 10.0
    world.passes(300)
    assert world.told() == [(222, "fired")]


def test_hosts_that_are_not_asked_about_are_not_expected() -> None:
    today = Settings(TODAY.path, {**TODAY, "hosts": (Host(name="web-1"), Host(name="db-1")), "bus": Bus()})
    found = replay_of(today, today, at(0), "web-*")
    assert [name for kind, name in found.judge.subjects if kind == "host"] == ["web-1"]


def test_a_file_of_timelines_may_be_tried_on_the_past_too(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nname = "busy"\nwhen = "cpu.percent > 90"\n[[timelines]]\nname = "a busy hour"\n')
    (table,) = rules_in(file)["rules"]
    assert table.name == "busy"

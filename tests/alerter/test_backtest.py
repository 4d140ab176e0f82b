"""A rule of today with another condition."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerter.backtest import changed
from alerter.config import Alerter, RuleTable
from bus.config import ConfigError, Settings

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

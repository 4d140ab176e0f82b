"""What ``guardia rules`` prints."""

from __future__ import annotations

from alerter.command import as_text
from alerter.config import RuleTable
from alerter.rules import in_force
from bus.judging import RuleList


def test_a_rule_is_shown_with_whom_it_concerns_and_whom_it_tells() -> None:
    own = RuleTable(
        name="hot", when="cpu.percent > 90", labels={"role": "db", "site": "paris"}, channels=("dba", "ops")
    )
    found = in_force((own, RuleTable(name="host-silent", labels={"role": "web"})), ())
    lines = as_text(RuleList(tuple(rule.shown() for rule in found))).splitlines()

    assert lines[0].split() == ["RULE", "SEVERITY", "FOR", "OF", "CHANNELS", "WHEN", "CLEAR"]
    (hot,) = [line for line in lines if line.startswith("hot ")]
    assert "hosts * role=db site=paris  dba, ops  cpu.percent > 90" in hot
    (silent,) = [line for line in lines if line.startswith("host-silent ")]
    assert "hosts * role=web  " in silent
    (disk,) = [line for line in lines if line.startswith("disk-nearly-full")]
    assert disk.split("  ")[-1].strip() == "disk[*].percent < 87 for 1m"
    assert " 5m " in disk

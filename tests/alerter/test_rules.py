"""Which rules hold: those that Guardia brings, as the operator changed them, and the operator's own."""

from __future__ import annotations

from typing import Any

from alerter.config import RuleTable
from alerter.rules import Rule, in_force
from bus.timing import SECOND


def brought(name: str, **said: Any) -> Rule:
    """A rule that Guardia brings, of which the operator says this."""
    return next(rule for rule in in_force((RuleTable(name=name, **said),)) if rule.name == name)


def test_whom_a_rule_that_guardia_brings_concerns_stays_unless_the_operator_says_whom() -> None:
    same, other = brought("room-unwell", severity="warning"), brought("room-unwell", hosts=("web-*",))
    assert (same.kind, same.subjects) == ("hub", ("guardia.*",))
    assert (other.kind, other.subjects) == ("host", ("web-*",))


def test_what_the_operator_does_not_name_stays_and_a_recovery_goes_with_its_condition() -> None:
    graver = brought("disk-nearly-full", severity="critical")
    assert (graver.severity, graver.wait, graver.settle) == ("critical", 300 * SECOND, 60 * SECOND)
    assert graver.clear is not None
    assert brought("disk-nearly-full", when="disk[*].percent > 80").clear is None


def test_a_rule_that_is_switched_off_is_not_in_force() -> None:
    own = (RuleTable(name="busy", when="cpu.percent > 90", enabled=False), RuleTable(name="host-silent", enabled=False))
    assert {"busy", "host-silent"}.isdisjoint(rule.name for rule in in_force(own))


def test_a_rule_is_of_the_services_rooms_or_hosts_that_it_names_else_of_all_that_its_condition_is_about() -> None:
    when = "age > 5m"
    tables = (
        RuleTable(name="a", when=when, services=("shop",)),
        RuleTable(name="b", when=when, rooms=("guardia.store-*",)),
        RuleTable(name="c", when=when, hosts=("web-*",)),
        RuleTable(name="d", when="tls.days < 3"),
    )
    assert [(rule.kind, rule.subjects) for rule in in_force(tables, defaults=False)] == [
        ("service", ("shop",)),
        ("hub", ("guardia.store-*",)),
        ("host", ("web-*",)),
        ("service", ("*",)),
    ]

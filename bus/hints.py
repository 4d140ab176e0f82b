"""What is right in a configuration and yet not meant: conditions on readings that no agent tells.

Plugins tell what they like, so that no name is a mistake; but one that is nearly a metric of the agent's is a slip of
the pen, and a rule on it never holds. Rooms are named by text: none is imported.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Iterable

from bus.faults import did_you_mean
from bus.records import Settings

_INSTANCE = re.compile(r"\[[^\]]*\]")
NEAR = 0.8
"""How alike names of a group that no agent has are to be for a slip."""


def hints(settings: Settings) -> list[str]:
    """A sentence for each condition that asks for a reading which was probably meant to be another one."""
    rules = [rule for rule in settings["rules"] if rule.enabled and not rule.rooms]
    if not rules:
        return []
    told, readings = measured(), importlib.import_module("alerter.terms").readings
    found = {
        f"[[rules]] {rule.name}: the agent measures no {name}; {meant}": None
        for rule in rules
        for text in filter(None, (rule.when, rule.clear))
        for name in readings(text)
        if (meant := slip(name, told))
    }
    return list(found)


def measured() -> list[str]:
    """The names of all metrics of the agent, with ``*`` for any instance."""
    drawer = importlib.import_module("agent.metrics")
    return [name for metric in drawer.METRICS for name in drawer.found(metric).fields]


def slip(name: str, told: Iterable[str]) -> str:
    """What ``name`` was probably meant to be; empty where it is told, or may well be a plugin's."""
    plain = {_INSTANCE.sub("[*]", one) for one in told}
    asked = _INSTANCE.sub("[*]", name)
    if asked in plain:
        return ""
    groups = {re.split(r"[\[.]", one)[0] for one in plain}
    if re.split(r"[\[.]", asked)[0] in groups:
        return did_you_mean(asked, plain) or "docs/metrics.md lists its names"
    return did_you_mean(asked, difflib.get_close_matches(asked, plain, cutoff=NEAR))

"""Where rules draw their line in a chart: the limits in their conditions. Pure.

Only comparisons of one metric with a number are lines (``cpu.percent > 90``, ``mean(cpu.percent, 5m) > 90``); a rule
about a quotient or a forecast has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from bus import sizes
from bus.timing import UNITS
from viewer.digest import parts
from viewer.events import RuleTold
from viewer.incidents import Incident

_METRIC = r"[A-Za-z_]\w*(?:\[[^\]\[]*\])?(?:\.\w+)+"
_COMPARED = re.compile(
    rf"(?:\A|(?<!\w)\(|\band\b|\bor\b)\s*(?:(?:mean|min|max|last)\(\s*({_METRIC})\s*,[^()]*\)|({_METRIC}))"
    r"\s*(?:>=?|<=?)\s*(-?\d+(?:\.\d+)?)\s*(%|[A-Za-z]+)?\s*(?=\Z|\)|and\b|or\b)"
)
_NAMED = re.compile(_METRIC)


@dataclass(frozen=True, slots=True)
class Limit:
    """A line in a chart."""

    value: float
    severity: str


@lru_cache(maxsize=512)
def compared(when: str) -> tuple[tuple[str, float], ...]:
    """The metrics that a condition compares with a number, and the numbers."""
    found = []
    for match in _COMPARED.finditer(when):
        inner, bare, number, unit = match.groups()
        # Words after a number are the condition going on, not a unit.
        factor = 1.0 if unit in (None, "%", "and", "or") else sizes.UNITS.get(unit, UNITS.get(unit, 0.0))
        if factor:
            found.append((inner or bare, float(number) * factor))
    return tuple(found)


def limits(rules: Iterable[RuleTold], host: str, metric: str) -> tuple[Limit, ...]:
    """The limits that the rules set for a host's metric, each once, the gravest of those at one value."""
    found: dict[float, str] = {}
    for rule in rules:
        if not any(fnmatchcase(host, glob) for glob in rule.subjects):
            continue
        for glob, value in compared(rule.when):
            if _matches(metric, glob) and found.get(value) != "critical":
                found[value] = rule.severity
    return tuple(Limit(value, severity) for value, severity in sorted(found.items()))


def spans(
    incidents: Iterable[Incident], rules: Iterable[RuleTold], host: str, metrics: Iterable[str]
) -> list[tuple[float, float | None]]:
    """When alarms fired on this host that are about one of these metrics, or about its silence: begin and end."""
    conditions = {rule.name: rule.when for rule in rules}
    groups = {parts(metric)[0] for metric in metrics}
    found = []
    for one in incidents:
        if one.subject != host or one.state == "pending":
            continue
        when = conditions.get(one.rule, "")
        if groups & _groups(when) or _is_silence(when):
            found.append((one.began, one.ended))
    return found


@lru_cache(maxsize=512)
def _groups(when: str) -> frozenset[str]:
    return frozenset(parts(name)[0] for name in _NAMED.findall(when))


@lru_cache(maxsize=512)
def _is_silence(when: str) -> bool:
    return bool(re.search(r"\bage\b(?!\.)", when)) and not _NAMED.search(when)


def _matches(metric: str, glob: str) -> bool:
    return fnmatchcase(metric, glob.replace("[", "[[]"))

"""What is right in a configuration and yet not meant, as conditions on readings that no agent tells.

Plugins tell what they like, so that no name is a mistake; but one that is nearly a metric of the agent's is a slip of
the pen, and a rule on it never holds. So is a parent that is nearly a host's name, since hosts need not be declared.
Rooms are named by text: none is imported; a record of theirs may have ``notes`` of its own.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from itertools import combinations
from pathlib import Path
from typing import Any

from bus.faults import did_you_mean, nearest
from bus.records import Settings
from bus.tables import is_own

_DIGITS = re.compile(r"\d+")
_INSTANCE = re.compile(r"\[[^\]]*\]")
NEAR = 0.8
"""How alike names of a group that no agent has are to be for a slip."""

INSTANCES = {
    "disk": "a mount point",
    "io": "a device",
    "raid": "a device",
    "net": "an interface",
    "bond": "an interface",
    "cpu": "a core",
    "temperature": "a sensor",
    "fan": "a sensor",
    "unit": "a service",
    "container": "a service",
    "metric": "a metric",
    "failing": "a metric",
}
"""What the agent's instances are, by their group: those that never bear the same name."""
ANY = "an instance"


def hints(settings: Settings) -> list[str]:
    """A sentence for each thing that was probably meant to be another one."""
    found = [f"[[rules]] {note}" for note in slips(settings["rules"])] + _parents(settings)
    if settings["api"].cors_origins and not settings["api"].cors:
        found.append("[api] cors_origins: they have no effect without cors = true")
    found += _public(settings)
    ways = importlib.import_module("alerter.routes").routes(settings["notify"], settings["channels"])
    if ways.channels and not ways.default:
        found.append(
            "[notify] channels: empty, and each channel is a fallback or a step of escalate: "
            "where a rule names no channels, nobody is told"
        )
    for name, channel in settings["channels"].items():
        notes: Callable[[], Iterable[str]] = getattr(channel, "notes", tuple)
        found += [f"[channels.{name}] {note}" for note in notes()]
    return found


def unguarded(settings: Settings, folder: Path) -> list[str]:
    """That the api of the hub in ``folder`` would not start: it is to listen to other machines, and has no token."""
    bind = settings["api"].bind
    tokens = importlib.import_module("api.tokens")
    try:
        known = is_own(bind) or tokens.load(tokens.path_of(folder)).tokens
    except tokens.TokensFault:  # it is there, and another user's perhaps
        return []
    remedy = "the api does not start before there is one: guardia token new NAME"
    return [] if known else [f"[api] bind: other machines can reach {bind}, and there is no token; {remedy}"]


def _public(settings: Settings) -> list[str]:
    names = [one.name for one in settings["services"]]
    return [
        f"[status_page] services: {glob} is no service here; {did_you_mean(glob, names)}".rstrip("; ")
        for glob in settings["status_page"].services
        if not any(fnmatchcase(name, glob) for name in names)
    ]


def _parents(settings: Settings) -> list[str]:
    declared = {one.name for table in ("hosts", "services") for one in settings[table]}
    named = [("hosts", one.name, "parent", one.parent) for one in settings["hosts"]]
    named += [("services", one.name, "host", one.host) for one in settings["services"]]
    found: list[str] = []
    known: dict[str, tuple[list[str], str | None]] = {}
    for table, name, key, parent in named:
        bare = re.sub(r"^(host|service)/", "", parent)
        if not bare or bare in declared:
            continue
        if bare not in known:
            # db-3 beside db-1 is another one of them.
            others = [one for one in sorted(declared) if _DIGITS.sub("0", one) != _DIGITS.sub("0", bare)]
            known[bare] = others, nearest(bare, others)
        others, near = known[bare]
        if near == name:  # nobody is meant to be his own parent
            near = nearest(bare, [one for one in others if one != name])
        if near:
            found.append(f"[[{table}]] {name}: {key} {bare} is declared nowhere; did you mean {near}?")
    return found


def slips(tables: Iterable[Any]) -> list[str]:
    """A sentence for each reading in the conditions of ``[[rules]]`` that was probably meant to be another one.

    And one for each condition that asks one instance for what only others have.
    """
    rules = [rule for rule in tables if rule.enabled and not rule.rooms]
    if not rules:
        return []
    told, readings = measured(), importlib.import_module("alerter.terms").readings
    found = {
        f"{rule.name}: the agent measures no {name}; {meant}": None
        for rule in rules
        for text in filter(None, (rule.when, rule.clear))
        for name in readings(text)
        if (meant := slip(name, told))
    }
    return [*found, *apart(rules)]


def apart(rules: Iterable[Any]) -> list[str]:
    """A sentence for each condition that can hold of no instance, as it asks for what none has."""
    found = []
    for rule in rules:
        asked = _asked(rule.when)
        fires = [name for name in asked if _can_hold(rule.when, name)]
        if asked and not fires:
            a, b = next(pair for pair in combinations(asked, 2) if not _meet(*pair))
            other = "another" if _kind(a) == _kind(b) else _kind(b)
            remedy = f"max({a}) or max({b}) is of all of them"
            found.append(f"{rule.name}: when never holds: {a} is of {_kind(a)}, and {b} of {other}; {remedy}")
        found += [
            f"{rule.name}: clear never holds of {_kind(name)}, as {name} is: the alarm never ends"
            for name in fires
            if rule.clear and not _can_hold(rule.clear, name)
        ]
    return found


def _asked(when: str) -> list[str]:
    """What a condition asks of instances, the first reading of each kind of these and glob.

    Those of no known kind, which may be of any, only where there are no others.
    """
    terms, found = importlib.import_module("alerter.terms"), dict[tuple[str, ...], str]()
    for name in terms.instanced(terms.condition(when).tree) if when else ():
        found.setdefault((_kind(name), terms.split(name)[1]), name)
    return [name for name in found.values() if _kind(name) != ANY] or list(found.values())


def _kind(name: str) -> str:
    return INSTANCES.get(name.partition("[")[0], ANY)


def _meet(a: str, b: str) -> bool:
    """Whether one instance can have both readings."""
    terms = importlib.import_module("alerter.terms")
    return len({_kind(a), _kind(b)} - {ANY}) < 2 and terms.overlap(terms.split(a)[1], terms.split(b)[1])


def _can_hold(text: str, name: str) -> bool:
    """Whether the condition can hold of an instance that has this reading."""
    return bool(importlib.import_module("alerter.terms").can_hold(text, lambda other: _meet(name, other)))


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

"""Values as TOML gives them, turned into typed records; every fault is collected, none ends the reading."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bus import sizes, timing
from bus.drawers import Drawer, Mixed
from bus.faults import Fault, Objection, did_you_mean, listed
from bus.places import Place, line_of
from bus.secret import Secret, Unavailable, fetch
from bus.settings import Rule, Setting, essence, expected, inner, is_list, is_map, settings_of, shown

NAMED = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
"""What a table of a drawer may be called: its name stands in keys and commands."""
MOST = 2**63 - 1
"""The largest whole number that TOML promises to every reader."""


class Wrong(Exception):
    """A value that does not fit; the parts of a fault's sentence."""

    def __init__(self, found: str, expected: str, remedy: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.remedy = found, expected, remedy


class Reading:
    """One file being read: where its keys stand and what was wrong so far."""

    def __init__(
        self,
        file: Path,
        lines: Mapping[Place, int],
        environment: Mapping[str, str],
        needs: Collection[str] | None = None,
    ) -> None:
        """``needs``: the tables of which each secret has to be had; None: all."""
        self.faults: list[Fault] = []
        self._needs = needs
        self._numbers: dict[Place, list[int]] = {}
        """Of each list of tables, which of them became records."""
        self.file = file
        self._lines = dict(lines)
        self._environment = environment

    def fault(self, place: Place, found: str, expected: str, remedy: str = "") -> None:
        """Remember that something is wrong at ``place``."""
        line = line_of(place, self._lines)
        self.faults.append(Fault(str(self.file), place_in_words(place), line, found, expected, remedy))

    def table(self, record: type, raw: Any, place: Place) -> Any:
        """The ``record`` that the table ``raw`` describes; None when anything in it was wrong."""
        if not isinstance(raw, Mapping):
            self.fault(place, _told(raw), f"the table {place_in_words(place)}")
            return None
        settings = settings_of(record)
        for name in raw:
            if name not in settings:
                self._unknown(name, settings, place)
        # A setting that nobody knows spoils nothing: what stands beside it is looked at as if it were not there.
        before = len(self.faults)
        values = {one.field: self._setting(one, raw, (*place, name)) for name, one in settings.items()}
        made = None
        if len(self.faults) == before:
            made = record(**values)
            self._object(made, place)
        return made if len(self.faults) == before else None

    def tables(self, record: type, raw: Any, place: Place) -> tuple[Any, ...]:
        """The records that a list of tables describes; the faulty ones are left out."""
        if not isinstance(raw, list):
            self.fault(place, _told(raw), f"the list of tables [{place_in_words(place)}]")
            return ()
        made = [self.table(record, one, (*place, i)) for i, one in enumerate(raw)]
        self._repeated(record, raw, place)
        return self._whole(made, place)

    def mixed(self, mixed: Mixed, raw: Any, place: Place) -> tuple[Any, ...]:
        """The records that a list of tables of several kinds describes; the faulty ones are left out."""
        if not isinstance(raw, list):
            self.fault(place, _told(raw), f"the list of tables [{place_in_words(place)}]")
            return ()
        made = [self._kind(mixed, one, (*place, i)) for i, one in enumerate(raw)]
        self._repeated(mixed.base, raw, place)
        return self._whole(made, place)

    def _whole(self, made: Sequence[Any], place: Place) -> tuple[Any, ...]:
        self._numbers[place] = [number for number, one in enumerate(made) if one is not None]
        return tuple(one for one in made if one is not None)

    def placed(self, place: Place) -> Place:
        """Where in the file a record stands whose number counts only those that could be made."""
        if len(place) < 2 or not isinstance(place[1], int):
            return place
        return (place[0], self._numbers[place[:1]][place[1]], *place[2:])

    def _kind(self, mixed: Mixed, raw: Any, place: Place) -> Any:
        if not isinstance(raw, Mapping):
            return self.table(mixed.base, raw, place)
        rest = {name: raw[name] for name in raw if name != mixed.key}
        kinds, kind = mixed.kinds(), raw.get(mixed.key)
        if kind is None:
            scheme, colon, _ = str(raw.get("url", "")).partition(":")
            if not colon:
                return self.table(mixed.base, rest, place)  # which says what is wrong with its address
            kind = mixed.by_scheme().get(scheme.lower())
            if kind is None:
                schemes = listed(f"{one}:" for one in mixed.by_scheme())
                remedy = did_you_mean(scheme, mixed.by_scheme())
                self.fault((*place, "url"), shown(raw["url"]), f"{schemes} before it, or {mixed.key} = ...", remedy)
        elif not isinstance(kind, str) or kind not in kinds:
            near = did_you_mean(kind, kinds) if isinstance(kind, str) else ""
            self.fault((*place, mixed.key), shown(kind), listed(map(shown, kinds)), near)
        if not isinstance(kind, str) or kind not in kinds:
            # The settings that all kinds have are looked at all the same.
            known = settings_of(mixed.base)
            self.table(mixed.base, {name: rest[name] for name in rest if name in known}, place)
            return None
        return self.table(mixed.record(kind), rest, place)

    def drawer(self, drawer: Drawer, raw: Any, place: Place) -> dict[str, Any]:
        """The records of named tables by their names, each of its own type; the faulty ones are left out."""
        if not isinstance(raw, Mapping):
            self.fault(place, _told(raw), f"tables such as [{place[0]}.NAME]")
            return {}
        made = {name: self._typed(drawer, table, (*place, name)) for name, table in raw.items()}
        return {name: record for name, record in made.items() if record is not None}

    def _typed(self, drawer: Drawer, raw: Any, place: Place) -> Any:
        kinds, kind = drawer.kinds(), raw.get("type") if isinstance(raw, Mapping) else None
        if not re.fullmatch(NAMED, str(place[-1])):
            self.fault(place, f"the name {shown(place[-1])}", "a name of letters, digits, _ and -")
        elif not isinstance(raw, Mapping):
            self.fault(place, _told(raw), f"a table [{'.'.join(map(str, place))}]")
        elif kind is None:
            self.fault(place, "no type", f"type = {listed(map(shown, kinds))}", "add type = ...")
        elif not isinstance(kind, str) or kind not in kinds:
            near = did_you_mean(kind, kinds) if isinstance(kind, str) else ""
            self.fault((*place, "type"), shown(kind), listed(map(shown, kinds)), near)
        else:
            return self.table(drawer.record(kind), {name: raw[name] for name in raw if name != "type"}, place)
        return None

    def _unknown(self, name: str, settings: Mapping[str, Setting], place: Place) -> None:
        near = did_you_mean(name, settings)
        whole = f"a setting of {place_in_words(place)}" if near else f"one of {listed(settings)}"
        self.fault((*place, name), "an unknown setting", whole, near)

    def _setting(self, setting: Setting, raw: Mapping[str, Any], place: Place) -> Any:
        if setting.name not in raw:
            if setting.required:
                self.fault(place, "nothing", expected(setting.annotation, setting.rule), f"add {setting.name} = ...")
                return None
            return setting.fallback()
        return self._value(setting.annotation, setting.rule, raw[setting.name], place)

    def _value(self, annotation: Any, rule: Rule, raw: Any, place: Place) -> Any:
        annotation = essence(annotation)
        if is_list(annotation) and isinstance(raw, list):
            return tuple(self._value(inner(annotation), rule, one, (*place, i)) for i, one in enumerate(raw))
        if is_map(annotation) and isinstance(raw, dict):
            return {name: self._value(inner(annotation), rule, one, (*place, name)) for name, one in raw.items()}
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            return self.table(annotation, raw, place)
        try:
            if annotation is Secret:
                return self._secret(raw, place)
            return scalar(annotation, rule, raw)
        except (Wrong, Unavailable) as wrong:
            self.fault(place, wrong.found, wrong.expected, wrong.remedy)
            return None

    def _secret(self, raw: Any, place: Place) -> Secret:
        # What is no text may be the secret all the same, as 1234: it is not shown either.
        fetched = partial(fetch, raw if isinstance(raw, str) else "", self.file.parent, self._environment)
        try:
            return fetched()
        except Unavailable as lacking:
            if lacking.written or self._needs is None or place[0] in self._needs:
                raise
            return Secret("", lacking, fetched)

    def _object(self, made: Any, place: Place) -> None:
        objections: Callable[[], Iterable[Objection]] | None = getattr(made, "objections", None)
        # What a table has against a secret that is lacking nobody can tell.
        with contextlib.suppress(Unavailable):
            for objection in objections() if objections else ():
                self.fault((*place, objection.key), objection.found, objection.expected, objection.remedy)

    def _repeated(self, record: type, raw: list[Any], place: Place) -> None:
        for name, setting in settings_of(record).items():
            if not setting.rule.unique:
                continue
            seen: dict[str, int] = {}
            for i, one in enumerate(raw):
                value = one.get(name) if isinstance(one, Mapping) else None
                if isinstance(value, str):
                    if value in seen:
                        line = line_of((*place, seen[value], name), self._lines)
                        after = f", after line {line}" if line else ""
                        self.fault((*place, i, name), f"{shown(value)} a second time{after}", f"each {name} once")
                    seen.setdefault(value, i)


def place_in_words(place: Place) -> str:
    """``[store] batch_seconds``, ``[[hosts]] name``, ``[[hosts]] labels.role``, ``[api] origins[2]``."""
    if len(place) == 1:
        return f"[{place[0]}]"
    *table, key = place
    suffix = ""
    if isinstance(key, int) and len(place) > 2:
        suffix = f"[{key}]"
        *table, key = table
    if isinstance(key, int):
        return f"[[{_joined(table)}]]"
    item = max((at for at, part in enumerate(table) if isinstance(part, int)), default=None)
    if item is None:
        return f"[{_joined(table)}] {key}{suffix}"
    return f"[[{_joined(table[:item])}]] {_joined([*table[item:], key])}{suffix}"


def _joined(parts: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in parts if not isinstance(part, int))


def scalar(annotation: Any, rule: Rule, raw: Any) -> Any:
    """``raw`` as ``annotation``, within ``rule``; raises ``Wrong``."""
    value = _converted(annotation, rule, raw)
    fits = type(value) is annotation and _within(rule, value)
    if not fits:
        near = did_you_mean(raw, rule.choices) if isinstance(raw, str) and annotation is str else ""
        raise Wrong(_told(raw, annotation), expected(annotation, rule), near)
    return value


def _converted(annotation: Any, rule: Rule, raw: Any) -> Any:
    if annotation not in (int, float) or isinstance(raw, bool):
        return raw
    value = raw
    if isinstance(raw, str) and rule.unit in ("s", "bytes"):
        try:
            value = timing.seconds(raw) if rule.unit == "s" else sizes.size(raw)
        except ValueError:
            return raw
    if isinstance(value, int) and abs(value) > MOST:
        return math.inf if annotation is float else value
    if isinstance(value, int | float) and math.isfinite(value):
        if annotation is float:
            return float(value)
        if isinstance(raw, str) and value == int(value):
            return int(value)
    return value


def _within(rule: Rule, value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) > MOST:
            return False
        if rule.minimum is not None and value < rule.minimum:
            return False
        if rule.maximum is not None and value > rule.maximum:
            return False
    if isinstance(value, str) and rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        return False
    return not rule.choices or value in rule.choices


def _told(raw: Any, annotation: Any = None) -> str:
    """A value in words that follow ``found``; a text says that it is one where something else was wanted."""
    return f"the text {shown(raw)}" if isinstance(raw, str) and annotation is not str else shown(raw)

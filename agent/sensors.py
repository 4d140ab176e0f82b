"""Sensors of the kernel (its hwmon/sysfs-interface.rst), each under a name that it keeps.

A sensor is called by its chip and its label, or by its number among those of chips that are called alike, where it has
no label or another one has the same. Who has a name keeps it: when a disk is pulled or put in, or a sensor does not
answer for a moment, the others are not called by its number.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from agent.files import listed

_HWMON = re.compile(r"(?:/hwmon)?/hwmon[0-9]+\Z")
"""The end of a chip's path that changes with the order in which drivers are loaded."""


class Sensor(NamedTuple):
    """One sensor; ``key`` stays the same as long as it is where it is, ``value`` is what its file says."""

    key: str
    chip: str
    label: str
    value: int | None


class Names:
    """Which sensor has which name, from the first time that it answered."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._numbers: Counter[str] = Counter()

    def named(self, sensors: Iterable[Sensor]) -> Iterator[tuple[str, int | None]]:
        """(name, value) of each sensor that ever answered."""
        for key, chip, label, value in sensors:
            name = self._names.get(key)
            if name is None:
                if value is None:
                    continue
                self._numbers[chip] += 1
                name = f"{chip}/{label or self._numbers[chip]}"
                if name in self._taken:
                    name = f"{name} {self._numbers[chip]}"
                self._names[key] = name
                self._taken.add(name)
            yield name, value


def hwmon(sys: str, kind: str) -> list[Sensor]:
    """The sensors of a ``kind`` (``temp``, ``fan``) of all chips, by path."""
    found: list[Sensor] = []
    keys: set[str] = set()
    mine = re.compile(rf"({kind}[0-9]+)_\w+")
    root = f"{sys}/class/hwmon"
    for folder in _within(root, "hwmon"):
        # Old drivers have them one folder deeper.
        for place in (f"{folder}/device", folder):
            bases = {match[1] for name in listed(place) if (match := mine.fullmatch(name))}
            chip = _text(f"{place}/name") if bases else None
            if chip is None:
                continue
            device = _HWMON.sub("", os.path.realpath(folder))
            for base in sorted(bases):
                key = f"{device} {chip} {base}"
                if key in keys:  # two chips of one name on one device
                    key = f"{key} {folder}"
                keys.add(key)
                found.append(Sensor(key, chip, _text(f"{place}/{base}_label") or "", _number(f"{place}/{base}_input")))
    return found


def zones(sys: str) -> list[Sensor]:
    """What the machine's firmware knows of its temperatures, by path."""
    return [
        Sensor(folder, kind, "", _number(f"{folder}/temp"))
        for folder in _within(f"{sys}/class/thermal", "thermal_zone")
        if (kind := _text(f"{folder}/type")) is not None
    ]


def _within(folder: str, prefix: str) -> list[str]:
    return [f"{folder}/{name}" for name in listed(folder) if name.startswith(prefix)]


def _text(path: str) -> str | None:
    with suppress(OSError), open(path, "rb") as file:
        return file.read(4096).decode("utf-8", "replace").strip()
    return None


def _number(path: str) -> int | None:
    try:
        return int(_text(path) or "")
    except ValueError:
        return None

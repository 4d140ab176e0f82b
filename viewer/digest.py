"""What the names of metrics say, and the few numbers of a reading that a line of a list shows. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from viewer.events import Values

_VIRTUAL = re.compile(r"(lo|veth.*|docker.*|br-.*|virbr.*|cni.*|flannel.*|cali.*|tap.*|tun.*)\Z", re.DOTALL)
_NAME = re.compile(r"([A-Za-z0-9_]+)\[(.*)\]\.([^\]]+)\Z", re.DOTALL)


@lru_cache(maxsize=16_384)
def parts(name: str) -> tuple[str, str, str]:
    """A metric's group, instance and field; the instance is empty for ``cpu.percent``."""
    match = _NAME.match(name)
    if match:
        return match[1], match[2], match[3]
    group, _, rest = name.partition(".")
    return group, "", rest


class Digest(NamedTuple):
    """What a line in the list of hosts shows beside CPU and memory."""

    disk: tuple[str, float] | None
    """The fullest filesystem and its percentage."""
    heat: tuple[str, float] | None
    """The hottest sensor and its temperature."""
    inward: float | None
    """Bytes per second received over all interfaces that are not virtual."""
    outward: float | None


def is_virtual(interface: str) -> bool:
    """Whether what passes this interface passes another one too, or never leaves the host."""
    return bool(_VIRTUAL.match(interface))


@lru_cache(maxsize=8192)
def _digested(names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Of a reading with these metrics those that its digest is made of: what for, which instance, and the name."""
    found = []
    for name in names:
        group, instance, field_name = parts(name)
        if (group, field_name) in (("disk", "percent"), ("temperature", "celsius")):
            found.append((group, instance, name))
        elif group == "net" and field_name in ("rx_bytes_per_s", "tx_bytes_per_s") and not is_virtual(instance):
            found.append((field_name[:2], instance, name))
    return tuple(found)


def digest(values: Values) -> Digest:
    """The digest of one reading."""
    most: dict[str, tuple[str, float]] = {}
    sums: dict[str, float] = {}
    # Readings of one host have the same names nearly always, and those of many hosts often.
    for kind, instance, name in _digested(tuple(values)):
        value = values[name]
        if value is None:
            continue
        if kind in ("rx", "tx"):
            sums[kind] = sums.get(kind, 0.0) + value
        elif kind not in most or value > most[kind][1]:
            most[kind] = (instance, value)
    return Digest(most.get("disk"), most.get("temperature"), sums.get("rx"), sums.get("tx"))

"""The newest values in the text format of Prometheus. Pure.

A metric ``group[instance].field`` becomes ``guardia_group_field{host="...",instance="..."}``: letters, digits and
underscores stay, everything else in a name turns into ``_``. Rooms of the hub stand under ``guardia_hub_`` with
the label ``program``. ``guardia_messages_*`` have the label ``source``. Of these what only
grows is a counter, all else a gauge. A host whose data is stale has only its ``guardia_up``, and a program that is
silent its ``guardia_hub_up``, since the format knows no age.
"""

from __future__ import annotations

import re
from collections.abc import Container, Generator, Iterable, Iterator, Mapping
from functools import lru_cache

from api.health import MISSED, VITALS_SECONDS, host_health
from api.live import HostNow, Live
from api.present import Present
from bus.timing import SECOND

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NAME = re.compile(r"([^\[.]+)(?:\[(.*)\])?\.(.+)\Z", re.DOTALL)
_ODD = re.compile(r"[^A-Za-z0-9_]")

_COUNTERS = (
    "guardia_messages_sent_total",
    "guardia_messages_stored_total",
    "guardia_messages_duplicate_total",
    "guardia_messages_rejected_total",
)
"""What never goes back; of what was lost some may be found."""

_OF_HOSTS = ("guardia_up", "guardia_last_seen_seconds")

Line = tuple[str, str, float]
"""Family, labels, value."""


def exposition(
    present: Present, messages: Iterable[Line] = (), vitals_seconds: float = VITALS_SECONDS
) -> Generator[None, None, str]:
    """Everything, one family after the other, made host by host: of a thousand it takes a second.

    ``messages`` are (family, producer, value). The hub's programs are heard each ``vitals_seconds``.
    """
    families: dict[str, list[str]] = {}
    messages = list(messages)
    own = list(_programs(present, MISSED * vitals_seconds))
    taken = {*_OF_HOSTS, *(family for family, *_ in (*own, *messages))}
    for name in present.directory.host_names(present.live.hosts):
        _written(families, _host(present, name, taken))
        yield
    _written(families, own)
    for family, source, value in messages:
        families.setdefault(family, []).append(f'{family}{{source="{_escaped(source)}"}} {_number(float(value))}\n')
    parts = []
    for family in sorted(families):
        parts.append(f"# TYPE {family} {'counter' if family.startswith(_COUNTERS) else 'gauge'}\n")
        parts += families[family]
    return "".join(parts)


def _written(families: dict[str, list[str]], lines: Iterable[Line]) -> None:
    for family, labels, value in lines:
        families.setdefault(family, []).append(f"{family}{{{labels}}} {_number(value)}\n")


def _host(present: Present, name: str, taken: Container[str]) -> Iterator[Line]:
    """The lines of a host, of which none may tell what the hub itself does: the families ``taken``."""
    host = present.live.hosts.get(name)
    health, _ = host_health(present.now, host, present.limits)
    label = f'host="{_escaped(name)}"'
    up, seen = _OF_HOSTS
    yield up, label, 1.0 if health == "up" else 0.0
    if host is not None and host.heard:
        yield seen, label, host.heard / 1e9
    if health == "up":
        yield from (line for line in _values(present.live, host, "guardia_", label) if line[0] not in taken)


def _programs(present: Present, silent: float) -> Iterator[Line]:
    """``silent``: after so many seconds without a word a program is not up."""
    for name, room, _ in present.live.programs():
        label, up = f'program="{_escaped(name)}"', present.now - room.heard <= silent * SECOND
        yield "guardia_hub_up", label, float(up)
        if up:
            yield from _values(present.live, room, "guardia_hub_", label)


def _values(live: Live, host: HostNow | None, prefix: str, label: str) -> Iterator[Line]:
    values: Mapping[str, float | None] | None = None
    if host is not None and host.newest is not None:
        values = live.values(host.newest)
    told = set()
    for metric, value in (values or {}).items():
        family, instance = found = family_of(metric)
        # Two names may become one; a scrape that has a line twice is refused whole by some.
        if value is not None and found not in told:
            told.add(found)
            yield prefix + family, f"{label}{instance}", value


@lru_cache(maxsize=20_000)
def family_of(metric: str) -> tuple[str, str]:
    """(name without prefix, further labels) of a metric."""
    match = _NAME.match(metric)
    if match is None:
        return _ODD.sub("_", metric), ""
    group, instance, field = match.groups()
    labels = "" if instance is None else f',instance="{_escaped(instance)}"'
    return _ODD.sub("_", f"{group}_{field}"), labels


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)

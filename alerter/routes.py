"""Who is told: the table ``[notify]``, and the way from an incident to its channels. Pure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerter.circles import circles
from alerter.incidents import SEVERITIES, Incident
from alerter.rules import DEFAULTS
from bus.addresses import is_url, network, unlike_url
from bus.config import Objection, Secret, setting
from bus.drawers import Complaint
from bus.faults import did_you_mean, listed
from bus.timing import SECOND

BROUGHT = tuple(rule.name for rule in DEFAULTS)


@dataclass(frozen=True)
class Step:
    """One step of an escalation."""

    after: float = setting(unit="s", minimum=1, help="So long after the first notice, if nobody acknowledged it.")
    channels: tuple[str, ...] = setting(help="Who is told then, beside those who know.")

    def objections(self) -> Iterator[Objection]:
        """Somebody has to be told."""
        if not self.channels:
            yield Objection("channels", "nobody", "at least one channel")


@dataclass(frozen=True)
class Notify:
    """Who is told of alarms, how often, and what is sent elsewhere."""

    channels: tuple[str, ...] = setting(
        (), help="Who is told when a rule names nobody; empty: every channel that is no fallback and no later step."
    )
    reminder: float = setting(
        4 * 3600.0,
        unit="s",
        minimum=0,
        help="An alarm that keeps firing unacknowledged is told again this often; 0: never.",
    )
    escalate: tuple[Step, ...] = setting(
        (), help='Who else is told later on: [{ after = "15m", channels = ["boss"] }].'
    )
    group_seconds: float = setting(
        10.0, unit="s", minimum=0, maximum=3600, help="What comes within so long of a notice is told together, in one."
    )
    storm_count: int = setting(
        20,
        minimum=2,
        maximum=10_000,
        help="After so many notices within a minute there is one a minute, with all in it.",
    )
    failover_seconds: float = setting(
        300.0, unit="s", minimum=0, help="A channel that takes nothing for so long has its fallback told as well."
    )
    expire_seconds: float = setting(
        86_400.0, unit="s", minimum=60, help="What could not be told within this time is given up, and counted."
    )
    private_networks: tuple[str, ...] = setting(
        (), help='Networks that are not public and may be told all the same: ["10.0.0.0/8", "127.0.0.1"].'
    )
    proxy: Secret | None = setting(None, help="The HTTP proxy that channels go through, as http://USER:WORD@HOST:PORT.")
    authority: str = setting(
        "",
        help="A file of certificates to trust in place of the system's, for receivers with an authority of their own.",
    )
    link: str = setting("", help="Where people see this hub, as https://guardia.example: notices carry a link there.")
    heartbeat_url: Secret | None = setting(
        None, help="An outside address that is called while the hub is well; its service calls you when the calls end."
    )
    heartbeat_seconds: float = setting(60.0, unit="s", minimum=10, maximum=86_400, help="How often it is called.")
    drill_channel: str = setting("", help="The channel that guardia drill alert tells when it runs on a schedule.")
    drill_seconds: float = setting(
        0.0, unit="s", minimum=0, help="How often a drill runs by itself, at least 1h; 0: never."
    )

    def objections(self) -> Iterator[Objection]:
        """Networks have to be such, and a drill has to have somebody to tell."""
        for text in self.private_networks:
            if network(text) is None:
                yield Objection("private_networks", f'"{text}"', "an address or a network such as 10.0.0.0/8")
        if self.link and not is_url(self.link):
            yield Objection("link", f'"{self.link}"', "an address as https://guardia.example")
        for key, form in (("proxy", "http://HOST:PORT"), ("heartbeat_url", "https://watch.example/ping/ID")):
            yield from unlike_url(key, getattr(self, key), form)
        if self.authority and not os.path.isfile(self.authority):
            yield Objection("authority", f"{self.authority}, where no file can be seen", "a file of PEM certificates")
        if 0 < self.drill_seconds < 3600:
            yield Objection("drill_seconds", f"{self.drill_seconds:g} s", "0 or at least 1h")
        if self.drill_seconds and not self.drill_channel:
            yield Objection("drill_channel", "nothing", "a channel that the drill tells")


@dataclass(frozen=True, slots=True)
class Route:
    """What the way to a channel depends on: the least severity that it is told of, and its fallback."""

    severity: str = "info"
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Routes:
    """All ways; times in ns."""

    channels: Mapping[str, Route]
    default: tuple[str, ...]
    reminder: int = 0
    steps: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def of(self, incident: Incident) -> tuple[str, ...]:
        """The channels that are told of an incident first."""
        return self.severe(incident.channels or self.default, incident.severity)

    def all_of(self, incident: Incident) -> tuple[str, ...]:
        """The channels that may be told of an incident: first, at a later step, or in place of one of these."""
        later = [name for _, names in self.steps for name in names]
        found = [*self.of(incident), *self.severe(later, incident.severity)]
        for name in found:
            if (fallback := self.fallback(name)) and fallback not in found:
                found.append(fallback)
        return tuple(found)

    def severe(self, names: Iterable[str], severity: str) -> tuple[str, ...]:
        """Those of the channels that are told of what is so severe."""
        return tuple(
            name
            for name in dict.fromkeys(names)
            if name in self.channels and _rank(severity) >= _rank(self.channels[name].severity)
        )

    def fallback(self, channel: str) -> str:
        """The channel that is told in place of another; empty: none."""
        found = self.channels.get(channel)
        return found.fallback if found and found.fallback in self.channels else ""


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def routes(notify: Notify, channels: Mapping[str, Any]) -> Routes:
    """The ways that the configuration describes; a channel's record has ``severity`` and ``fallback``."""
    later = {name for step in notify.escalate for name in step.channels}
    later |= {channel.fallback for channel in channels.values()}
    return Routes(
        channels={name: Route(channel.severity, channel.fallback) for name, channel in channels.items()},
        default=notify.channels or tuple(name for name in channels if name not in later),
        reminder=int(notify.reminder * SECOND),
        steps=tuple(sorted((int(step.after * SECOND), step.channels) for step in notify.escalate)),
    )


def complaints(records: Mapping[str, Any]) -> Iterator[Complaint]:
    """Channels that are named and not there, rules without a condition, what leads round in a circle."""
    yield from circles(records.get("hosts", ()), records.get("services", ()))
    channels = records.get("channels", {})
    whole = {name: channel for name, channel in channels.items() if channel is not None}
    for name, channel in whole.items():
        yield from _missing(("channels", name), "fallback", (channel.fallback,) if channel.fallback else (), channels)
        seen, at = {name}, channel.fallback
        while at in whole and at not in seen:
            seen.add(at)
            at = whole[at].fallback
        if at == name:
            yield (
                ("channels", name),
                Objection("fallback", f'"{channel.fallback}", which leads back here', "another one"),
            )
    notify = records.get("notify")
    if isinstance(notify, Notify):
        yield from _missing(("notify",), "channels", notify.channels, channels)
        yield from _missing(
            ("notify",), "escalate", [name for step in notify.escalate for name in step.channels], channels
        )
        yield from _missing(
            ("notify",), "drill_channel", (notify.drill_channel,) if notify.drill_channel else (), channels
        )
    for number, rule in enumerate(records.get("rules", ())):
        yield from _missing(("rules", number), "channels", rule.channels, channels)
        if not rule.when and rule.name not in BROUGHT:
            expected = "a condition such as cpu.percent > 90, or a name of those that Guardia brings (guardia rules)"
            yield ("rules", number), Objection("when", "nothing", expected, did_you_mean(rule.name, BROUGHT))
    for number, host in enumerate(records.get("hosts", ())):
        for limit in host.limits.values():
            yield from _missing(("hosts", number), "limits", limit.channels, channels)


def _missing(
    place: tuple[str | int, ...], key: str, names: Sequence[str], channels: Mapping[str, Any]
) -> Iterator[Complaint]:
    for name in names:
        if name not in channels:
            known = f"one of the channels {listed(channels)}" if channels else "a table [channels.NAME] of that name"
            yield (
                place,
                Objection(key, f'the channel "{name}", which is not there', known, did_you_mean(name, channels)),
            )

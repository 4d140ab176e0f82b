"""The tables that belong to no single room: ``[bus]``, ``[watchdog]``, ``[[hosts]]``, ``[[services]]``."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from bus.faults import Objection, listed
from bus.messages import HUB
from bus.secret import Secret
from bus.settings import setting
from bus.timing import SECOND

_ADDRESS = r"tcp://(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([1-9]\d{0,4})"
_ADDRESSES = rf"{_ADDRESS}(\s*,\s*{_ADDRESS})*"
_ADDRESS_FORM = "an address such as tcp://127.0.0.1:5560"
_NAME = r"[A-Za-z0-9._:-]{1,128}"
NAME_FORM = "a name of letters, digits and . _ : - (at most 128 of them)"
NAME_OR_NONE = r"[A-Za-z0-9._:-]{0,128}"
"""Where an empty name means another one."""
MOST_PORT = 65_535
UNNAMED = 7200 * SECOND
"""So long (ns) a service that the configuration does not name, perhaps not yet, may be without a check of the hub's."""


def each(addresses: str) -> tuple[str, ...]:
    """The single addresses of a text that may hold several, with commas between them."""
    return tuple(one.strip() for one in addresses.split(","))


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the zmq ``address``."""
    return not address.startswith("tcp://") or is_own(address.removeprefix("tcp://").rpartition(":")[0])


def is_own(host: str) -> bool:
    """Whether only this machine can reach what listens at ``host``."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def is_wildcard(address: str) -> bool:
    """Whether the zmq ``address`` means every interface of this machine: to listen at, never to connect to."""
    host = address.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == "*"


@dataclass(frozen=True)
class Bus:
    """What all programs share: the public roads, the logs, the beat."""

    door: str = setting(
        "tcp://127.0.0.1:5560",
        pattern=_ADDRESSES,
        form=_ADDRESS_FORM,
        help="Where the collector takes what agents have to say; on another host, the hub's address. "
        "Several, with commas between them: of collectors that share the load.",
    )
    receipts: str = setting(
        "tcp://127.0.0.1:5561",
        pattern=_ADDRESSES,
        form=_ADDRESS_FORM,
        help="Where agents hear what has been stored; as many as doors, in their order.",
    )
    keys: bool = setting(
        False,
        help="Let in only agents that were enrolled, which is needed to listen beyond this machine; "
        "the first guardia enroll does it too.",
    )
    log_level: str = setting(
        "info", choices=("debug", "info", "warning", "error"), help="The least important lines to write."
    )
    log_format: str = setting("logfmt", choices=("logfmt", "json"), help="How a log line is written.")
    log_bytes: int = setting(
        10_000_000, unit="bytes", minimum=100_000, help="A log file of this size is put aside as NAME.log.1."
    )
    log_files: int = setting(5, minimum=1, maximum=100, help="So many log files put aside are kept of each program.")
    spool_bytes: int = setting(
        536_870_912,
        unit="bytes",
        minimum=1_048_576,
        help="What a producer keeps on its disk while the hub is away; then the oldest goes, and is counted.",
    )
    spool_seconds: float = setting(
        7 * 86_400.0, unit="s", minimum=60, help="What could not be delivered within this time is dropped, and counted."
    )
    beat_seconds: float = setting(
        2.0, unit="s", minimum=0.1, maximum=2, help="A program shows at most this often that its loop goes round."
    )
    vitals_seconds: float = setting(
        10.0,
        unit="s",
        minimum=1,
        maximum=30,
        help="Each program publishes its own counters this often; after a minute without them it counts as unwell.",
    )

    def objections(self) -> Iterator[Objection]:
        """The public roads may not stand open to everybody, nor share a port.

        An address of one other machine is the hub's, for an agent; a hub's collector refuses it (``collector.guard``).
        """
        for name in ("door", "receipts"):
            for address in each(getattr(self, name)):
                if is_wildcard(address) and not self.keys:
                    yield unguarded(name, address)
        for name in ("door", "receipts"):
            for address in each(getattr(self, name)):
                if int(address.rpartition(":")[2]) > MOST_PORT:
                    yield Objection(name, f'the port in "{address}"', f"one from 1 to {MOST_PORT}")
        doors, receipts = each(self.door), each(self.receipts)
        if len(doors) != len(receipts):
            yield Objection("receipts", f"{len(receipts)} addresses", f"{len(doors)}, one for each door")
        for address in receipts:
            if address in doors:
                yield Objection("receipts", f'"{address}", which is the door', "another port")
        for name, addresses in (("door", doors), ("receipts", receipts)):
            for twice in sorted({one for one in addresses if addresses.count(one) > 1}):
                yield Objection(name, f'"{twice}" twice', "another port for each collector")

    @property
    def entrances(self) -> tuple[tuple[str, str], ...]:
        """The door and the receipts' road of each collector."""
        return tuple(zip(each(self.door), each(self.receipts), strict=True))


def unguarded(name: str, address: str) -> Objection:
    """What there is against listening at ``address``, which other machines can reach."""
    return Objection(
        name,
        f'"{address}", which other machines can reach',
        "an address on loopback, because no agent keys are set up and anybody could send readings",
        "set keys = true in [bus] and enroll each agent, or use tcp://127.0.0.1:PORT and let agents come through a "
        "tunnel (ssh -L)",
    )


@dataclass(frozen=True)
class Watchdog:
    """When a program that is alive but silent is ended, and one that was given up is tried again."""

    silent_seconds: float = setting(
        30.0,
        unit="s",
        minimum=5,
        maximum=3600,
        help="A running program without a beat for so long is hung, if it waits for no disk; one that starts, for four "
        "times as long.",
    )
    abort_seconds: float = setting(
        5.0, unit="s", minimum=1, maximum=60, help="A hung program has so long to write its stack before it is killed."
    )
    revive_seconds: float = setting(
        300.0,
        unit="s",
        minimum=5,
        maximum=86_400,
        help="A program that supervisord gave up is started again after this.",
    )
    url: Secret | None = setting(
        None,
        help="A URL as ${NAME} or file:PATH: told when a program hangs, is given up or is started in vain, and when it "
        "is well again; past the alerter, which may be the one.",
    )

    def objections(self) -> Iterator[Objection]:
        """An address has to be one."""
        from bus.addresses import unlike_url  # an agent that runs reads no configuration any more

        yield from unlike_url("url", self.url, "https://watch.example/guardia")


@dataclass(frozen=True)
class Limit:
    """A limit as the first Guardia had them: a reading at or above it violates it, ``grace`` readings are forgiven."""

    limit: float = setting(help="The first value that is too much.")
    grace: int = setting(0, minimum=0, maximum=1000, help="The alarm fires at one violation in a row more than this.")
    channels: tuple[str, ...] = setting((), help="Whom to tell; empty: the default channels.")


LIMITS = ("temperature", "usage")


@dataclass(frozen=True)
class Host:
    """A host that is expected to report, so that its absence is seen."""

    name: str = setting(
        pattern=_NAME, form=NAME_FORM, unique=True, help="The name its agent sends under, as in [agent] name."
    )
    display: str = setting("", help="What people call it; empty: its name.")
    interval: float | None = setting(
        None, unit="s", minimum=0.1, maximum=86_400, help="Time between its samples; else as the agent says."
    )
    labels: dict[str, str] = setting({}, help='What kind of host it is, for rules and silences: { role = "db" }.')
    parent: str = setting(
        "",
        help="The host or service without which nobody gets to it, gw or host/gw: while it is down, nobody is told.",
    )
    limits: dict[str, Limit] = setting(
        {},
        help="Limits of temperature (mean, Celsius) and usage (CPU, percent): { usage = { limit = 90, grace = 3 } }.",
    )
    gone: bool = setting(False, help="It is no more: it is not listed, its alarms end, and its history stays.")

    def objections(self) -> Iterator[Objection]:
        """Only two things had limits; others have rules."""
        for name in self.limits:
            if name not in LIMITS:
                yield Objection("limits", f'a limit of "{name}"', listed(LIMITS), "write a rule in [[rules]]")
        if self.parent == self.name:
            yield Objection("parent", "its own name", "another host or a service")
        if self.name.startswith(HUB):
            yield Objection("name", f'"{self.name}"', f"a name that does not start with {HUB}", "no agent may have it")


@dataclass(frozen=True)
class Service:
    """A service that people rely on. What is special to a kind of check stands in ``prober/checks``."""

    name: str = setting(pattern=_NAME, form=NAME_FORM, unique=True, help="Its name, in addresses and on screens.")
    url: str = setting(
        pattern=r"[a-z][a-z0-9+.-]*:\S+", form="a URL such as https://shop.example/health", help="What is looked at."
    )
    interval: float = setting(60.0, unit="s", minimum=1, maximum=86_400, help="Time between its checks.")
    host: str = setting(
        "", help="The host, or another service, without which nobody gets to it: its notices wait while that is down."
    )
    labels: dict[str, str] = setting({}, help="What kind of service it is, for rules and silences.")
    timeout: float = setting(10.0, unit="s", minimum=0.1, maximum=300, help="One attempt lasts at most so long.")
    retries: int = setting(1, minimum=0, maximum=10, help="So often a failing check is tried again before it counts.")
    retry_pause: float = setting(1.0, unit="s", minimum=0, maximum=60, help="The pause before each further attempt.")
    slow: float | None = setting(None, unit="s", minimum=0.001, help="What answers later than this is degraded.")
    grace: int = setting(1, minimum=1, maximum=1000, help="It is down after so many failing checks in a row.")
    recover: int = setting(1, minimum=1, maximum=1000, help="It is up again after so many good checks in a row.")
    places: tuple[str, ...] = setting(
        (), help="The places it is checked from, as [prober] place names them; empty: by all that read this file."
    )

    def objections(self) -> Iterator[Objection]:
        """One name is taken by clients."""
        if self.name == "Connection":
            yield Objection("name", '"Connection", which viewers use for their own state', "another name")
        if self.slow is not None and self.slow >= self.timeout:
            yield Objection("slow", "as long as the timeout or longer", "a time below timeout")


TABLES: dict[str, type] = {"bus": Bus, "watchdog": Watchdog}
LISTS: dict[str, type] = {"hosts": Host}
"""``[[services]]`` are of several kinds: see ``bus.rooms``."""

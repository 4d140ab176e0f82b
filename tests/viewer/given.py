"""What the viewer's tests begin with: noon, a host called web-1, and a hub in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC

from tests.viewer.fleet import InventedHost, rfc
from viewer import parse
from viewer.events import (
    ActDone,
    AlertsTold,
    BacktestTold,
    BeforeTold,
    Check,
    ChecksTold,
    Event,
    Failed,
    HostEntry,
    HostsTold,
    HubTold,
    IncidentsTold,
    LabelsTold,
    LinkTold,
    RulesTold,
    RuleTold,
    SampleTold,
    ServiceEntry,
    ServicesTold,
    WhyTold,
)
from viewer.incidents import Hub as OwnHub
from viewer.incidents import Incident, Silence, Verdict
from viewer.model import Model
from viewer.scene import Look
from viewer.session import Session
from viewer.wishes import (
    Acknowledge,
    Act,
    AddSilence,
    AskAlerts,
    AskBacktest,
    AskBefore,
    AskChecks,
    AskHost,
    AskHosts,
    AskHub,
    AskIncidents,
    AskLabels,
    AskRules,
    AskSeries,
    AskServices,
    AskWhy,
    EndSilence,
    Wish,
)

NOON = 1_767_268_800.0
"""2026-01-01 12:00:00 UTC."""
LOOK = Look("braille", zone=UTC)


class HubInMemory:
    """Answers wishes from invented hosts at once; ``away`` makes it fail."""

    def __init__(self, hosts: dict[str, InventedHost] | None = None, now: float = NOON) -> None:
        self.hosts = hosts or {}
        self.now = now
        self.away = False
        self.asked: list[Wish] = []
        self.services: tuple[ServiceEntry, ...] = ()
        self.events: list[Event] = [LinkTold("live")]
        self.hurried = 0
        self.alarms: list[Incident] = []
        self.silences: list[Silence] = []
        self.incidents: list[Incident] = []
        self.most = 500
        """Incidents that one answer has, the newest; they are in this order."""
        self.verdicts: list[Verdict] = []
        self.labels: dict[str, tuple[str, ...]] = {}
        self.own = OwnHub()
        self.acts: list[Act] = []
        self.refuses = ""

    def ask(self, wish: Wish) -> None:
        self.asked.append(wish)
        self.events.append(self._answer(wish))

    def take(self, most: int = 2000) -> list[Event]:
        found, self.events = self.events, []
        return found

    def hurry(self) -> None:
        self.hurried += 1

    def hush(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _answer(self, wish: Wish) -> Event:
        failed = Failed(wish, "cannot reach the hub", 0)
        if self.away:
            return failed
        match wish:
            case AskHosts():
                rows = [host.info(self.now) for host in self.hosts.values()]
                return HostsTold(tuple(parse.hosts(json.dumps({"servers": rows}))))
            case AskHost():
                host = self.hosts.get(wish.name)
                return (host and parse.host(json.dumps(host.detail(self.now)))) or failed
            case AskSeries():
                host = self.hosts.get(wish.name)
                if host is None:
                    return failed
                told = host.series(list(wish.metrics), wish.start, wish.end, wish.points, self.now)
                return parse.series(json.dumps(told), wish) or failed
            case AskServices():
                return ServicesTold(self.services)
            case AskChecks():
                times = range(wish.start, int(self.now), 30)
                return ChecksTold(wish, tuple(Check(wish.name, at, "up", 80.0, 200, 41) for at in times), 100.0, 10)
            case _:
                return self.more(wish) or failed

    def more(self, wish: Wish) -> Event | None:
        """The answers about alarms and about the hub itself."""
        match wish:
            case AskAlerts():
                return AlertsTold(tuple(self.alarms), tuple(self.silences))
            case AskIncidents():
                return IncidentsTold(wish, tuple(self.incidents[: self.most]), len(self.incidents) > self.most)
            case AskBefore():
                begun = [one for one in self.incidents if one.started is not None and one.started <= wish.at]
                of = [one for one in begun if wish.subject in ("", f"host/{one.subject}")]
                return BeforeTold(wish, max(of, key=lambda one: one.started or 0.0, default=None))
            case AskWhy():
                return WhyTold(wish, tuple(self.verdicts))
            case AskHub():
                return HubTold(self.own)
            case AskLabels():
                return LabelsTold(self.labels, {})
            case AskRules():
                return RulesTold((RuleTold("cpu", "cpu.percent > 90", "critical", 300.0),))
            case AskBacktest():
                return BacktestTold(wish, ("these rules  3 incidents", "today's rules  9 incidents"))
            case Acknowledge() | AddSilence() | EndSilence():
                self.acts.append(wish)
                return Failed(wish, self.refuses, 403) if self.refuses else ActDone(wish, "done")
            case _:
                return None


def session(hub: HubInMemory, *keys: str, screen: str = "hosts", look: Look = LOOK) -> Session:
    """A session that looks at ``hub`` at noon, with everything loaded and ``keys`` pressed."""
    found = Session(Model(address="hub:8080", screen=screen), hub, look, clock=lambda: hub.now)
    settle(found)
    for key in keys:
        found.press(key)
        settle(found)
    return found


def settle(found: Session) -> None:
    """Let everything come that was asked for."""
    quiet = 0
    for _ in range(60):
        found.turn()
        found.draw(200, 60)  # what comes into view is asked for by the next turn
        quiet = 0 if found.model.plan.waiting else quiet + 1
        if quiet == 3:
            return
    raise AssertionError(f"still waiting for {found.model.plan.waiting}")


def calm(name: str = "web-1", **values: float) -> HostEntry:
    """A host as listed, with a few round numbers."""
    known = {"cpu.percent": 40.0, "memory.percent": 50.0, "memory.used": 8.0 * 1024**3, "memory.total": 16.0 * 1024**3}
    more = {key.replace("_", ".", 1): value for key, value in values.items()}
    return HostEntry(name, name, "up", "", NOON, {**known, **more})


def samples(name: str, cpu: Sequence[float], until: float = NOON, every: float = 10.0) -> Iterable[SampleTold]:
    """Readings of one host, the last one at ``until``."""
    for place, value in enumerate(cpu):
        at = until - every * (len(cpu) - 1 - place)
        yield SampleTold(name, name, at, {"cpu.percent": value, "memory.percent": 50.0})


def stream_text(kind: str = "metric", at: float = NOON, **more: object) -> str:
    """A message of the stream."""
    return json.dumps({"type": kind, "server_id": "web-1", "timestamp": rfc(at), **more})

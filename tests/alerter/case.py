"""A hub with a rule on processors, its committer and its counter; what burns and why is up to the test."""

from __future__ import annotations

from alerter.answering import Counter
from alerter.letters import Told
from alerter.memory import Memory
from bus.judging import Chain, Why
from bus.tables import Host, Service
from tests.alerter.given import World, at, committer, rule


class Case:
    """A hub with a rule on processors that waits half a minute, its committer and its counter."""

    def __init__(self, memory: Memory, **given: object) -> None:
        hosts = [Host(name="gw"), Host(name="web-1", parent="gw")]
        services = [Service(name="shop", url="https://shop.example/", host="web-1")]
        rules = [rule("cpu.percent > 90", name="cpu", for_=30.0, clear="cpu.percent < 80", clear_for=60.0)]
        rules += [rule("age > 60s", name="silent", hosts=("gw", "web-1"), unreachable=True)]
        rules += [rule("service.state == down", name="down", services=("*",))]
        self.world = World(*rules, hosts=hosts, services=services)
        self.room, self.speaker, self.teller = committer(self.world, memory, windows=given.get("windows", ()))  # type: ignore[arg-type]
        self.now = 0.0
        self.told: dict[str, Told] = {}
        self.counter = Counter(self.world.judge, self.room, memory.reading, lambda: at(self.now), self._history)
        self.says(0, 10)

    def _history(self, _view: object, incident: str) -> dict[str, Told]:
        return {"ops": self.told[incident]} if incident in self.told else {}

    def says(self, seconds: float, cpu: float | None, *, gateway: bool = True) -> None:
        if gateway:
            self.world.says(seconds, "gw", cpu=1)
            self.room.settle(at(seconds))
        self.world.says(seconds, cpu=cpu)
        self.now = seconds
        self.room.settle(at(seconds))

    def burns(self, until: int = 60) -> str:
        for seconds in range(10, until + 1, 10):
            self.says(seconds, 95)
        return next(iter(self.world.judge.decider.open))

    def passes(self, seconds: float) -> None:
        self.now = seconds
        self.world.judge.advance(at(seconds))
        self.room.settle(at(seconds))

    def chain(self, rule: str = "cpu", subject: str = "host/web-1", when: float | None = None) -> Chain:
        answer = self.counter.answer(Why(subject, rule, None if when is None else at(when)))
        return answer.chains[0]  # type: ignore[no-any-return]

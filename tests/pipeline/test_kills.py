"""Kills and stops of any program, at random, under load: nothing acknowledged is lost, nothing is there twice.

``GUARDIA_LONG=1`` makes it 1,000 faults; ``DELIVERY_FAULTS`` and ``DELIVERY_SEED`` set both by hand.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator

import pytest

from bus.questions import Range
from bus.wire import read
from tests.pipeline.asking import Hub
from tests.pipeline.programs import Told, until
from tests.ports import free_port

LONG = bool(os.environ.get("GUARDIA_LONG"))
FAULTS = int(os.environ.get("DELIVERY_FAULTS", "1000" if LONG else "40"))
SEED = int(os.environ.get("DELIVERY_SEED", "7"))
AGENTS = tuple(f"web-{number}" for number in range(1, 21))
RATE = 250.0
HOST = "db-1"
"""What the real agent calls itself; the 20 are the same sender with a journal of what it promised."""
ROOMS = ("collector", "store-writer", "store-reader", "api", "agent")
LEAST_LOAD = 1000.0
"""Messages a second that must be told before each fault: without load a fault proves nothing."""
WINDOW = 0.4


class Kills(Hub):
    """A whole hub, an agent and 20 producers; ``api`` is its port."""

    def __init__(self) -> None:
        self.api = free_port()
        super().__init__(
            more=f"[api]\nport = {self.api}\nworkers = 1\n[agent]\nname = '{HOST}'\ninterval = 0.1\nprocesses = false\n"
        )

    def load(self) -> float:
        """Messages a second that are told and made durable just now."""
        began, before = time.monotonic(), self.count_told()
        until(lambda: time.monotonic() - began >= WINDOW, 10, "the window is over", self)
        return (self.count_told() - before) / (time.monotonic() - began)

    def loaded(self) -> float:
        """Wait for the load; how much it is."""
        end = time.monotonic() + 120
        while (load := self.load()) < LEAST_LOAD:
            assert time.monotonic() < end, f"no load\n{self.output(2000)}"
        return load

    def is_whole(self) -> bool:
        """Whether every number that the agent is known to have given, in any of its lives, is stored."""
        found = self.streams(HOST)
        return bool(found) and all(one.watermark >= one.last for one in found)

    def is_healthy(self) -> bool:
        """Whether the API knows every producer's host, and the reader answers; who has ended is started again."""
        self.revived()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api}/api/v1/servers", timeout=2) as answer:
                known = {server["server_id"] for server in json.load(answer)["servers"]}
        except OSError:
            return False
        return known >= {HOST, *AGENTS} and self.ask(Range("sample", AGENTS[0], 0, 2**62, 1)) is not None


@pytest.fixture
def hub() -> Iterator[Kills]:
    made = Kills()
    yield made
    made.close()


def _strike(hub: Kills, chance: random.Random, struck: Counter[str]) -> None:
    victim = chance.choice(ROOMS) if chance.random() < 0.5 else chance.choice(AGENTS)
    if chance.random() < 0.3:
        hub.freeze(victim, chance.uniform(0.1, 0.6))
        struck["stops"] += 1
    else:
        hub.kill(victim)
        hub.start(victim)
        struck["kills"] += 1
    struck[victim if victim in ROOMS else "producers"] += 1


def _accounted(hub: Kills, name: str, account: Counter[str]) -> None:
    told: list[Told] = hub.told(name)
    until(lambda: hub.has_all(name, told), 600, f"everything that {name} told has arrived", hub)
    stored = hub.stored(name)
    account["told"] += len(told)
    account["lost"] += sum(one.value not in stored for one in told)
    account["doubled"] += sum(times > 1 for times in stored.values())
    account["declared"] += sum(loss.last - loss.first + 1 for loss in hub.lost(name))
    account["duplicates dropped"] += sum(stream.duplicates for stream in hub.streams(name))


def _agent_accounted(hub: Kills, account: Counter[str]) -> None:
    """The same for the real agent: by numbers, since it keeps no journal."""
    until(hub.is_whole, 60, "everything that the agent told has arrived", hub)
    hub.kill("agent", signal.SIGTERM)
    numbers = Counter((head.epoch, head.number) for head in (read(row[2])[0] for row in hub.rows(HOST)))
    account["of the agent"] += len(numbers)
    account["lost"] += sum(stream.lost for stream in hub.streams(HOST))
    account["doubled"] += sum(times > 1 for times in numbers.values())
    account["declared"] += sum(loss.last - loss.first + 1 for loss in hub.lost(HOST))
    account["lives of the agent"] += len({epoch for epoch, _ in numbers})


@pytest.mark.slow
@pytest.mark.timeout(7200 if LONG else 900)
def test_kills_and_stops_of_any_program_under_load_lose_and_double_nothing(hub: Kills) -> None:
    chance, struck, account = random.Random(SEED), Counter[str](), Counter[str]()
    ended: Counter[str] = Counter()
    loads = []
    for name in ROOMS:
        hub.start(name)
    for name in AGENTS:
        hub.producer(name, RATE)
    hub.loaded()
    began = time.monotonic()
    for turn in range(FAULTS):
        loads.append(hub.loaded())
        _strike(hub, chance, struck)
        ended.update(f"{name} {code}" for name, code in hub.revived().items())
        if not (turn + 1) % 100:
            print(f"{turn + 1} faults in {time.monotonic() - began:.0f} s: {dict(struck)}", flush=True)
    seconds = time.monotonic() - began
    hub.loaded()
    healed = time.monotonic()
    until(hub.is_healthy, 120, "all is back to normal by itself", hub)
    healed = time.monotonic() - healed
    for name in AGENTS:
        hub.kill(name, signal.SIGTERM)
    # What is left in the spools goes out from the next life.
    for name in AGENTS:
        hub.producer(name, 1)
    drained = time.monotonic()
    for name in AGENTS:
        _accounted(hub, name, account)
    _agent_accounted(hub, account)
    drained = time.monotonic() - drained
    print(dict(struck), dict(account), "ended by themselves:", dict(ended), sep="\n")
    print(
        f"{seconds:.0f} s, load before the faults {min(loads):.0f} to {max(loads):.0f}/s, mean "
        f"{sum(loads) / len(loads):.0f}/s; normal again after {healed:.1f} s; drained and read in {drained:.0f} s"
    )

    assert (account["lost"], account["doubled"], account["declared"]) == (0, 0, 0)
    assert account["of the agent"] > 0
    assert struck["kills"] + struck["stops"] == FAULTS
    assert [end for end in ended if not end.endswith(" 111")] == [], "nobody ends of anything but the world"

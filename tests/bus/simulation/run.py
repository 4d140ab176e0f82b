"""One history from one seed."""

from __future__ import annotations

from dataclasses import dataclass, field

from bus.delivery.receiver import Receiver
from bus.delivery.sender import Sender
from bus.delivery.window import Limits
from tests.bus.simulation.checker import Past, Verdict, check
from tests.bus.simulation.disk import DictSpool
from tests.bus.simulation.faults import Faults
from tests.bus.simulation.host import Habits, Host
from tests.bus.simulation.hub import LIMITS, Hub
from tests.bus.simulation.network import Link
from tests.bus.simulation.world import World


@dataclass(frozen=True)
class Parts:
    """The code under test; mutants replace some of it."""

    sender: type[Sender] = Sender
    receiver: type[Receiver] = Receiver
    spool: type[DictSpool] = DictSpool
    early_receipts: bool = False
    fenced: bool = True


@dataclass
class Outcome:
    """What a history led to."""

    seed: int
    verdict: Verdict
    faults: int
    restored: int
    history: list[str] = field(repr=False)

    def __str__(self) -> str:
        found = "\n".join(self.verdict.faults[:10]) or "nothing wrong"
        return f"DELIVERY_SEED={self.seed} replays this history:\n" + "\n".join(self.history) + "\n" + found


def wire_up(world: World, hub: Hub, hosts: list[Host]) -> None:
    """Three roads for each host."""
    for host in hosts:
        host.door = Link(world, hub.door)
        host.road = Link(world, hub.road)
        hub.roads[host.name] = Link(world, host.hear)


def history(seed: int, parts: Parts = Parts(), *, seconds: float = 80.0) -> Outcome:
    """Some hosts and a hub, ``seconds`` of faults, then peace until everything has arrived."""
    world = World(seed)
    rng = world.rng
    hub = Hub(world, parts.receiver)
    hub.fenced, hub.early_receipts = parts.fenced, parts.early_receipts
    habits = Habits(
        rate=rng.choice((1.0, 2.0, 4.0)),
        spool=rng.choice((30, 150, 10_000, 10_000)),
        acknowledged_seconds=rng.choice((10.0, 3600.0)),
        limits=Limits(window=rng.choice((8, 64, 256)), live_pause=5.0, window_min=4),
    )
    hosts = [Host(world, f"web-{n}", habits, parts.sender) for n in range(1, rng.choice((2, 3, 4)))]
    wire_up(world, hub, hosts)
    for host in hosts:
        host.spool_type = parts.spool
        world.after(rng.random() * 3, host.start)
    world.after(rng.random() * 3, hub.start)
    faults = Faults(world, hub, hosts)
    for _ in range(rng.randint(3, 20)):
        world.after(rng.uniform(1, seconds), faults.happen)
    # Things set off late come back within 40 s.
    world.run(world.now + seconds)
    world.run(world.now + 45)
    faults.heal()
    stuck = _settle(world, hosts)
    if not stuck and not hub.stepped:
        stuck = _account(world, hub, hosts)
    if hub.two_hosts:
        stuck.append(f"two hosts where there was one: {hub.two_hosts[0]}")
    past = Past({h.name: h.account for h in hosts}, hub.disk, hub.ever, hub.restored, hub.twice, stuck)
    return Outcome(seed, check(past), faults.count, hub.restored, world.history)


def _account(world: World, hub: Hub, hosts: list[Host]) -> list[str]:
    """Everybody connects anew and lists what he has; returns what the hub waits for though nobody has it."""
    for host in hosts:
        host.connection(False)
        host.connection(True)
    world.run(world.now + 5)
    world.run(world.now + LIMITS.live_seconds)
    return hub.waits()


def _settle(world: World, hosts: list[Host], patience: float = 400.0) -> list[str]:
    """Let everything arrive; returns what does not."""
    end = world.now + patience
    world.run(world.now + 20)
    for host in hosts:
        host.talking = False
    calm = 0
    while world.now < end and calm < 3:
        world.run(world.now + 5)
        calm = calm + 1 if all(host.drained for host in hosts) else 0
    return [
        f"{host.name}: {host.courier.sender.state}, {host.courier.sender.unacknowledged} left"
        if host.courier is not None
        else f"{host.name}: dead"
        for host in hosts
        if not host.drained
    ]

"""Every rule that is there from the beginning fires when it should, waits as it says, and ends; few others are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerter.rules import DEFAULTS, in_force
from bus.messages import Loss
from tests.alerter.given import World, at

Told = list[tuple[float, str]]
FIRED, RESOLVED = "fired", "resolved"


def silent(world: World) -> None:
    world.says(0)
    world.passes(200)
    world.says(200)


def disk(world: World) -> None:
    for seconds in range(0, 500, 10):
        world.says(seconds, root=92.0 if seconds < 350 else 86.0)


def inodes(world: World) -> None:
    for seconds in range(0, 500, 10):
        world.sample(seconds, "web-1", {"disk[/].inodes_percent": 92.0 if seconds < 350 else 86.0})


def memory(world: World) -> None:
    for seconds in range(0, 500, 10):
        world.says(seconds, memory=96.0 if seconds < 350 else 89.0)


def killed(world: World) -> None:
    for seconds in range(0, 900, 10):
        world.sample(seconds, "web-1", {"memory.oom_kills_per_s": 0.1 if seconds == 100 else 0.0})


def stopped(world: World) -> None:
    for seconds in range(0, 300, 10):
        world.sample(seconds, "web-1", {"disk[/].read_only": float(100 <= seconds < 200), "disk[/srv].read_only": 0.0})


def erring(world: World) -> None:
    for seconds in range(0, 300, 10):
        world.sample(seconds, "web-1", {"disk[/].errors": 2.0 if 50 <= seconds < 250 else 0.0})


def faulty(world: World) -> None:
    for seconds in range(0, 300, 10):
        told = {"ecc[mc0].uncorrected_errors": float(seconds >= 30), "ecc[mc0].corrected_errors": 40.0}
        world.sample(seconds, "web-1", told if seconds < 200 else {"ecc[mc0].uncorrected_errors": 0.0})


def emptying(world: World) -> None:
    for seconds in range(0, 600, 10):
        charge = 60.0 - seconds / 10 if seconds < 500 else 11.0
        now = {"battery[BAT0].percent": charge, "battery[BAT0].discharging": float(seconds < 500)}
        world.sample(seconds, "web-1", now | {"battery[BAT1].percent": 5.0, "battery[BAT1].discharging": 0.0})


def unreadable(world: World) -> None:
    for seconds in range(0, 600, 10):
        told = {"failing[the plugin mail].seconds": seconds - 50.0 if 50 <= seconds < 400 else 0.0}
        world.sample(seconds, "web-1", told | {"failing[disk].seconds": 40.0})


def ailing(world: World) -> None:
    for seconds in range(0, 400, 10):
        told = {"container[db].healthy": float(not 100 <= seconds < 300), "container[web].healthy": 1.0}
        world.sample(seconds, "web-1", told | {"container[db].running": 1.0, "container[job].running": 0.0})


def looping(world: World) -> None:
    for seconds in range(0, 1000, 10):
        told = {"container[db].restarting": float(seconds in (100, 130, 300)), "container[web].restarting": 0.0}
        world.sample(seconds, "web-1", told)


def halved(world: World) -> None:
    for seconds in range(0, 300, 10):
        world.sample(seconds, "web-1", {"bond[bond0].missing": float(20 <= seconds < 200)})


def degraded(world: World) -> None:
    for seconds in range(0, 300, 10):
        world.sample(seconds, "web-1", {"raid[md0].missing": float(seconds < 200), "raid[md1].missing": 0.0})


def connections(world: World) -> None:
    for seconds in range(0, 500, 10):
        world.sample(
            seconds, "web-1", {"conntrack.percent": 95.0 if seconds < 200 else 85.0 if seconds < 300 else 70.0}
        )


def service(world: World) -> None:
    for seconds, status in ((0, "up"), (60, "down"), (120, "down"), (180, "degraded"), (240, "up")):
        world.checks(seconds, status=status)


def certificate(world: World) -> None:
    for seconds in range(0, 1500, 60):
        world.checks(seconds, tls_days=13 if seconds < 900 else 90)


def domain(world: World) -> None:
    for seconds in range(0, 100_000, 21_600):
        world.checks(seconds, metrics={"domain_days": 13.0 if seconds < 60_000 else 378.0})


def clock(world: World) -> None:
    for seconds in range(0, 600, 10):
        world.says(seconds, skew=45.0 if seconds < 400 else 1.0)


def lost(world: World) -> None:
    world.says(0)
    world.judge.loss(Loss("web-1", 7, 1, 3, "dropped"), at(10))
    world._collect()
    for seconds in range(20, 1000, 10):
        world.says(seconds)


def room(world: World) -> None:
    world.says(0, "guardia.store-writer")
    world.passes(90)
    world.says(90, "guardia.store-writer")


def drill(world: World) -> None:
    world.sample(0, "guardia.alerter", {"drill.overdue_seconds": 30.0})
    world.sample(10, "guardia.alerter", {"drill.overdue_seconds": 0.0})


def full(world: World) -> None:
    for seconds in range(0, 60, 10):
        world.sample(seconds, "guardia.store-writer", {"store.full": 1.0})
    for seconds in range(60, 140, 10):
        world.sample(seconds, "guardia.store-writer", {"store.full": 0.0})


def damaged(world: World) -> None:
    # It starts anew in between, and has not read everything again for a while.
    for seconds, found in enumerate((None, 0.0, 2.0, None, 2.0, 1.0, 0.0)):
        world.sample(10 * seconds, "guardia.store-sealer", {"sealer.damaged": found})


def twins(world: World) -> None:
    for seconds in range(0, 60, 10):
        told = {"store.full": 0.0} | ({"store[web-1].two_hosts": float(seconds < 40)} if seconds else {})
        world.sample(seconds, "guardia.store-writer", told)


def canary(world: World) -> None:
    for seconds in range(0, 300, 10):
        sent = 30 if 30 <= seconds < 200 else seconds
        # A clock that is set ahead makes it old for one reading.
        age = 3600.0 if seconds == 240 else seconds - sent + 1.0
        world.sample(seconds, "guardia.api-1", {"canary.age_seconds": age})


def broken(world: World) -> None:
    for seconds, now in ((0, 1.0), (10, 1.0), (20, 0.0)):
        told = {"channels.broken": now, "channels[ops].broken": now, "channels[mail].broken": 0.0}
        world.sample(seconds, "guardia.alerter", told)


def unwatched(world: World) -> None:
    for seconds, now in ((0, None), (10, 1.0), (20, 1.0), (30, 0.0)):
        told = {} if now is None else {"services[shop].lacking": now}
        world.sample(seconds, "guardia.prober", {"prober.lacking": now or 0.0} | told)


def unwatching(world: World) -> None:
    for seconds in range(0, 200, 10):
        now = float(seconds < 100)
        told = {"services[shop].lacking": now, "services[mail].lacking": 0.0}
        world.sample(seconds, "berlin", {"prober.lacking": now} | told)


def restarting(world: World) -> None:
    told = [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 1.0, 0.0]
    for seconds, crashes in enumerate(told):
        world.sample(10.0 * seconds, "guardia.collector", {"program.crashes": crashes})


STORIES: dict[str, tuple[Callable[[World], None], Told]] = {
    "host-silent": (silent, [(121.0, FIRED), (200.0, RESOLVED)]),
    "disk-nearly-full": (disk, [(300.0, FIRED), (410.0, RESOLVED)]),
    "inodes-nearly-full": (inodes, [(300.0, FIRED), (410.0, RESOLVED)]),
    "memory-exhausted": (memory, [(300.0, FIRED), (410.0, RESOLVED)]),
    "out-of-memory": (killed, [(100.0, FIRED), (710.0, RESOLVED)]),
    "filesystem-read-only": (stopped, [(100.0, FIRED), (200.0, RESOLVED)]),
    "filesystem-errors": (erring, [(50.0, FIRED), (250.0, RESOLVED)]),
    "raid-degraded": (degraded, [(60.0, FIRED), (200.0, RESOLVED)]),
    "bond-degraded": (halved, [(80.0, FIRED), (200.0, RESOLVED)]),
    "memory-faulty": (faulty, [(30.0, FIRED), (200.0, RESOLVED)]),
    "battery-low": (emptying, [(410.0, FIRED), (500.0, RESOLVED)]),
    "metric-failing": (unreadable, [(360.0, FIRED), (400.0, RESOLVED)]),
    "container-unhealthy": (ailing, [(160.0, FIRED), (300.0, RESOLVED)]),
    "container-restarting": (looping, [(100.0, FIRED), (910.0, RESOLVED)]),
    "conntrack-nearly-full": (connections, [(60.0, FIRED), (360.0, RESOLVED)]),
    "service-down": (service, [(60.0, FIRED), (180.0, RESOLVED)]),
    "certificate-expiring": (certificate, [(600.0, FIRED), (900.0, RESOLVED)]),
    "domain-expiring": (domain, [(0.0, FIRED), (64_800.0, RESOLVED)]),
    "clock-skew": (clock, [(300.0, FIRED), (460.0, RESOLVED)]),
    "data-lost": (lost, [(10.0, FIRED), (910.0, RESOLVED)]),
    "drill-missed": (drill, [(0.0, FIRED), (10.0, RESOLVED)]),
    "store-full": (full, [(20.0, FIRED), (120.0, RESOLVED)]),
    "store-damaged": (damaged, [(20.0, FIRED), (60.0, RESOLVED)]),
    "two-hosts": (twins, [(10.0, FIRED), (40.0, RESOLVED)]),
    "canary-late": (canary, [(110.0, FIRED), (200.0, RESOLVED)]),
    "channel-broken": (broken, [(0.0, FIRED), (20.0, RESOLVED)]),
    "service-unwatched": (unwatched, [(10.0, FIRED), (30.0, RESOLVED)]),
    "place-unwatching": (unwatching, [(60.0, FIRED), (100.0, RESOLVED)]),
    "room-restarting": (restarting, [(30.0, FIRED), (80.0, RESOLVED)]),
    "room-unwell": (room, [(61.0, FIRED), (90.0, RESOLVED)]),
}


def test_every_rule_has_a_story() -> None:
    assert list(STORIES) == [one.name for one in DEFAULTS]


@pytest.mark.parametrize("name", STORIES)
def test_it_fires_in_time_and_ends_and_nothing_else_does(name: str) -> None:
    tell, told = STORIES[name]
    world = World(*in_force([]))
    tell(world)
    assert world.told() == told
    assert {one.rule for one in world.decisions if one.change} == {name}


def test_a_quiet_hour_tells_nothing() -> None:
    world = World(*in_force([]))
    for seconds in range(0, 3600, 10):
        world.says(seconds, cpu=99.0, memory=80.0, root=70.0)
        world.says(seconds, "guardia.store-writer")
        world.checks(seconds, tls_days=60)
    assert world.told() == []


def test_a_certificate_that_lives_for_days_is_told_of_in_the_last_quarter_of_them() -> None:
    world = World(*in_force([]))
    for seconds in range(0, 3600, 60):
        left = 40.0 - seconds / 100 if seconds < 3000 else 100.0
        world.checks(seconds, tls_days=2, metrics={"tls_left_percent": left})
    assert world.told() == [(2160.0, FIRED), (3000.0, RESOLVED)]

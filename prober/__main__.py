"""``guardia prober``: the wiring."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from bus import salvage
from bus.deadline import Guard
from bus.mending import mend
from bus.program import Program, TryAgain, run
from bus.sockets import Ask, Subscribe
from bus.voice import deliverer
from bus.ways import joined_as
from prober import joining
from prober.checking import Checking
from prober.checks.common import Check
from prober.config import Prober
from prober.memory import TABLES, Memory, MemoryFault
from prober.names import Names
from prober.pool import Pool, possible
from prober.reach import Reach
from prober.reports import ASK_SECONDS, KIND, Reports
from prober.standings import Standings
from prober.trial import Ground

ROOM = "prober"
"""The folder of the memory, within the home."""
HELP = "guardia prober --join - takes the line of guardia enroll --place from standard input, keeps the key, and ends."


def build(program: Program[Prober]) -> None:
    """Open the memory and the sockets, and connect them."""
    config, loop, log = program.config, program.loop, program.log
    guard, names, place = Guard(), Names(), config.place
    joined = joined_as(program.home)
    if joined and not config.place:
        raise TryAgain(f'this host was joined to a hub as {joined}: write place = "{joined}" under [prober]')

    memory = _memory(program)
    loop.on_stop(lambda: salvage.closing(program.home / ROOM, broken=memory.broken))
    loop.on_stop(memory.close)
    voice = deliverer(program, config.place or None, public=bool(config.place))
    pool = Pool(loop, config.checks_at_once, "check")
    ground = Ground(guard, Reach(config.private_networks, names), log)
    checking = Checking(
        loop, pool, ground, Standings(memory, log), voice, log, own_side_changed=lambda: program.publish_vitals()
    )
    loop.on_stop(checking.flush)
    loop.on_stop(pool.close)

    def use(config: Prober) -> None:
        config = replace(config, place=place, checks_at_once=possible(config.checks_at_once, log))
        ground = Ground(guard, Reach(config.private_networks, names), log)
        services = [one for one in program.settings["services"] if is_ours(one, config.place)]
        checking.use(config, services, ground, program.settings.secrets())
        log.info("checks %d services", len(services))

    def tell_vitals() -> None:
        readings = program.vitals.read(time.monotonic(), loop.longest_handler)
        loop.longest_handler = 0.0
        voice.readings(readings, at=time.time_ns())

    program.vitals.source(checking.readings)
    program.vitals.source(voice.vitals)
    program.on_reload.append(use)
    mend(program, "services")
    program.at_start = ("prober.place", "prober.canary_seconds")
    loop.every(config.canary_seconds, checking.look, at_once=True)
    if config.place:
        # Elsewhere there is no side door: its counters go the way of an agent's samples, and its silence is seen.
        program.tells_vitals = False
        loop.every(program.bus.vitals_seconds, tell_vitals)
    else:
        _hear(program, checking)
    use(config)


def is_ours(service: Check, place: str) -> bool:
    """Whether a service is checked from this place; jobs report to the hub alone."""
    if service.url.startswith("heartbeat:"):
        return not place
    return not service.places or (place or "hub") in service.places


def _hear(program: Program[Prober], checking: Checking) -> None:
    subscribe, ask = Subscribe(program.context, (KIND,)), Ask(program.context)
    reports = Reports(subscribe, ask, lambda: checking.jobs, checking.heard, program.log)
    program.climb(subscribe)
    program.connect(ask, "reader")
    program.loop.on_readable(subscribe.raw, reports.drain)
    program.loop.on_readable(ask.raw, reports.answered)
    program.loop.every(ASK_SECONDS, reports.ask)
    program.loop.after(1.0, reports.ask)


def _memory(program: Program[Prober]) -> Memory:
    try:
        salvage.opening(program.home / ROOM, TABLES, program.log)
        return Memory(program.home / ROOM)
    except (MemoryFault, OSError) as fault:
        raise TryAgain(f"cannot open the memory: {fault}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the prober to its end, or take the hub's line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if any(word.partition("=")[0] == "--join" for word in words):
        return joining.main(words)
    return run("prober", Prober, build, argv=argv, more=HELP)


if __name__ == "__main__":
    raise SystemExit(main())

"""``guardia agent``: the wiring."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import zmq

from agent import names, once, panel
from agent.config import Agent
from agent.sampler import Sampler
from agent.schedule import Schedule
from agent.turns import Turns
from bus.producer import Producer
from bus.program import Program, run
from bus.sockets import Push
from bus.workers import Workers

ENOUGH_THREADS = 2
LINGER_MS = 500


def build(program: Program[Agent]) -> None:
    """Open the metrics and the way to the door, and say what happens when."""
    config, loop = program.config, program.loop
    program.tells_vitals = False  # the agent tells what it costs among the host's own metrics

    push = Push(program.context)
    push.raw.setsockopt(zmq.LINGER, LINGER_MS)
    program.connect(push, "door")
    producer = Producer(push, config.name or names.host(os.uname().nodename))

    workers = Workers(loop, ENOUGH_THREADS, "agent")
    loop.on_stop(workers.close)

    ground = panel.ground(config, program.log.warning)
    sampler = Sampler(panel.names(config))
    groups = panel.groups(ground, warn=program.log.warning, tell=program.log.info)
    turns = Turns(
        groups,
        sampler,
        ground.costs,
        workers.submit,
        lambda names, values: producer.sample(names, values, at=time.time_ns()),
    )
    Schedule(loop, config.interval, turns).start()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent to its end, or tell one sample with ``--once``; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--once" in words:
        return once.main([word for word in words if word != "--once"])
    return run("agent", Agent, build, argv=words)


if __name__ == "__main__":
    raise SystemExit(main())

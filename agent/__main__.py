"""``guardia agent``: the wiring."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

from agent import names, panel, telling
from agent.aside import Aside
from agent.config import Agent
from agent.execution import Executor
from agent.job import HANGS
from agent.plugins import Plugins, environment
from agent.readings import Ground
from agent.sampler import Sampler
from agent.schedule import Schedule
from agent.turns import Turns
from bus import process
from bus.program import Program, version
from bus.voice import deliverer
from bus.ways import joined_as

HELP = (
    "guardia agent --join - takes the line that guardia enroll printed on the hub from standard input, keeps the "
    "key in it, and starts; --request makes a key here and prints its public half, for guardia enroll NAME --key. "
    "guardia agent --once prints one sample as lines of name and value, and ends."
)
THREADS, PATIENCE = 3, 2.0
"""So many readings are made at once, where one takes more than so many seconds."""
PLUGINS_AT_ONCE, PLUGINS_PATIENCE = 2, 0.5
PLUGINS_HOPELESS = 10.0
"""Seconds after its time by which a plugin has ended, or its thread is given up. So it is with a scrape."""
SCRAPES_AT_ONCE = 4
GATHER_SECONDS = 1.0
MILLISECOND = 1_000_000
"""A sample's time is whole ones: reading it took longer than what comes after them."""
SETTLED_SECONDS = 15.0
"""By then everything was read once, and what is in use stays in use."""


def build(program: Program[Agent]) -> None:
    """Open the metrics and the way to the door, and say what happens when."""
    config, loop, log = program.config, program.loop, program.log
    program.tells_vitals = False  # the agent tells what it costs among the host's own metrics
    host = config.name or joined_as(program.home) or names.host(os.uname().nodename)

    # What is told beside the samples goes with the next one.
    producer = deliverer(program, host, public=True, gather_seconds=GATHER_SECONDS, patient=True)
    aside = Aside(loop, THREADS, "slow", patience=PATIENCE, hopeless=HANGS)
    hands = Aside(
        loop, PLUGINS_AT_ONCE, "plugins", patience=PLUGINS_PATIENCE, hopeless=config.plugin_seconds + PLUGINS_HOPELESS
    )
    executor = Executor(environment(host))

    costs = panel.costs(config)
    sampler = Sampler(panel.names(config), log.warning)

    def tell(names: Sequence[str], values: Sequence[float | None]) -> None:
        producer.sample(names, values, at=time.time_ns() // MILLISECOND * MILLISECOND)
        producer.flush()

    turns = Turns(sampler, costs, tell, aside.take)
    plugins = Plugins(turns, sampler, executor, config=config, costs=costs, log=log, submit=hands.submit)

    ground = Ground(config, costs=costs, say=log.warning)
    for job in panel.jobs(ground, sampler, log, aside.submit):
        turns.add(job)
    turns.add(telling.facts(config, version(), producer, costs=costs, log=log, submit=aside.submit))
    if config.processes:
        turns.add(telling.processes(ground, producer, log=log, submit=aside.submit))
    turns.add(plugins.job(program.settings.path.parent / config.plugins, aside.submit))

    program.at_start = ("scrapes",)
    if scrapes := program.settings["scrapes"]:
        from agent.scrapes import Scrapes  # its client of HTTP is not for those who have none

        longest = max(one.timeout for one in scrapes)
        askers = Aside(loop, SCRAPES_AT_ONCE, "scrapes", patience=PLUGINS_PATIENCE, hopeless=longest + PLUGINS_HOPELESS)
        folder = program.settings.path.parent
        made = Scrapes(sampler, config=config, folder=folder, costs=costs, log=log, submit=askers.submit)
        for scrape in made.jobs(scrapes):
            turns.add(scrape)
        loop.on_stop(askers.close)

    if config.watch_url is not None:
        # Most agents are no watchmen.
        from agent.watching import LOOK_SECONDS, Watching

        watch = Watching(
            host,
            config.watch_url,
            config.watch_seconds,
            heard=lambda: producer.heard,
            submit=hands.submit,
            log=log,
        )
        loop.every(LOOK_SECONDS, watch.look)

    for end in (aside.close, hands.close, executor.close):
        loop.on_stop(end)
    Schedule(loop, config.interval, turns).start()
    loop.after(SETTLED_SECONDS, process.give_back)


def joins(words: Sequence[str]) -> bool:
    """Whether these arguments are about keys."""
    return any(word.partition("=")[0] in ("--join", "--request") for word in words)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the agent to its end, or do what ``--once``, ``--join`` or ``--request`` say; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--once" in words:
        from agent import once

        return once.main([word for word in words if word != "--once"])
    if joins(words):
        # Needed once in an agent's life.
        from agent import joining

        code, words = joining.main(words)
        if code is not None:
            return code
    # What follows is needed once, at the start: the agent that runs does not carry it.
    from agent import lean
    from bus.starting import asked

    found = asked("agent", words, HELP)
    return found if isinstance(found, int) else lean.become(found.settings, found.home, found.log_level)


if __name__ == "__main__":
    raise SystemExit(main())

"""``guardia alerter``: the wiring."""

from __future__ import annotations

import time
from collections.abc import Sequence

from alerter.answering import Counter
from alerter.catching import Catching
from alerter.committer import Committer
from alerter.config import Alerter
from alerter.drilling import BREACH, Drills
from alerter.hearing import SETTLED
from alerter.heartbeat import unwell
from alerter.holding import Holding
from alerter.judge import Judge
from alerter.leaving import forget, withdraw
from alerter.listening import BLIND, KINDS, Listening
from alerter.memory import TABLES, Memory, MemoryBroken, MemoryFull
from alerter.rules import in_force
from alerter.speaking import beating, speaking, threads
from bus import process, salvage
from bus.program import Program, TryAgain, run
from bus.sockets import Answer, Ask, Subscribe
from bus.timing import SECOND
from bus.voice import deliverer

ROOM = "alerter"
"""The folder of the memory, within the home."""
PULSE_SECONDS = 0.2
NOTE_SECONDS = 5.0
CONSIDER_SECONDS = 2.0
SWEEP_SECONDS = 600.0
LEAVE_SECONDS = 30.0
CROWDED_SECONDS = 60.0
DRILL_SECONDS = 15.0
AWAY_SECONDS = 10.0
"""While the disk takes nothing it is tried this often."""


def build(program: Program[Alerter]) -> None:
    """Open the memory and the sockets, and connect them."""
    config, loop, settings = program.config, program.loop, program.settings
    now = time.time_ns()

    rules = in_force(settings["rules"], settings["hosts"], defaults=config.default_rules)
    judge = Judge(rules, settings["hosts"], settings["services"], now=now, flapping_count=config.flapping_count)
    silent = BLIND * program.bus.vitals_seconds
    holding = Holding(settings["maintenance"], settle=ns(config.parent_seconds), silent=ns(silent))
    salvaged = _salvaged(program)
    memory = _memory(program)
    loop.on_stop(lambda: salvage.closing(program.home / ROOM, broken=memory.broken))
    loop.on_stop(memory.close)
    voice = deliverer(program)
    workers = threads(program)
    speaker = speaking(program, memory, voice, workers)
    committer = Committer(judge, holding, memory, speaker, voice, program.log)
    subscribe, ask, answer = Subscribe(program.context, KINDS), Ask(program.context), Answer(program.context)
    forget = ns(config.forget_seconds)
    catching = Catching(ask, loop, judge, program.log, time.time_ns, forget=forget)
    drills = Drills(
        judge,
        committer,
        memory,
        settings["channels"],
        settings["notify"],
        workers,
        settings.path,
        program.log,
        now=now,
        quiet=lambda now: bool(holding.held((BREACH,), judge, now)[BREACH.id]),
    )
    listening = Listening(
        subscribe,
        judge,
        committer,
        catching,
        program.vitals,
        program.log,
        silent_seconds=silent,
        leapt=drills.excuse,
    )
    counter = Counter(judge, committer, memory.reading, time.time_ns, speaker.history, drills)

    program.bind(answer, "alerter")
    program.climb(subscribe)
    program.connect(ask, "reader")
    loop.on_stop(listening.close)
    loop.on_readable(answer.raw, counter.serving(answer))
    loop.on_readable(subscribe.raw, listening.drain)
    loop.on_readable(listening.watch, listening.connection)
    loop.every(PULSE_SECONDS, listening.pulse)
    loop.every(NOTE_SECONDS, committer.note_judged)
    loop.every(CONSIDER_SECONDS, lambda: committer.settle(time.time_ns(), all_open=True))
    loop.every(AWAY_SECONDS, memory.come_back)
    loop.every(DRILL_SECONDS, lambda: drills.look(listening.look_at_clock()))
    beating(program, workers, lambda: why_unwell(judge, committer, listening, silent))
    loop.every(SWEEP_SECONDS, lambda: sweep(program, judge, committer, listening.look_at_clock()))
    loop.every(LEAVE_SECONDS, lambda: withdrawn(program, judge, listening.look_at_clock()))
    loop.every(CROWDED_SECONDS, lambda: crowded(program, judge))
    program.on_reload.append(lambda again: reload(program, again, judge, holding))
    program.on_reload.append(lambda _: listening.look_back())
    program.on_reload.append(lambda again: catching.use(forget=ns(again.forget_seconds)))
    program.on_reload.append(lambda _: drills.use(program.settings["channels"], program.settings["notify"]))
    program.vitals.source(lambda: readings(judge, committer))
    program.vitals.source(lambda: drills.vitals(listening.look_at_clock()))
    judged = committer.restore(now, salvaged=salvaged)
    if memory.damaged:
        program.log.error("damaged in the memory, and taken for absent: %s", ", ".join(sorted(memory.damaged)[:10]))
    speaker.start()
    # What was told before the stair knew of us is in the store by then.
    loop.after(SETTLED + PULSE_SECONDS, lambda: listening.begin(judged))
    process.collect_seldom()


def why_unwell(judge: Judge, committer: Committer, listening: Listening, silent: float) -> str:
    """Why the hub is not well now; each of its rooms is heard within ``silent`` seconds."""
    now, lag = time.time_ns(), listening.lag()
    return unwell(judge, now, began=listening.began, full=committer.full, lag=lag, slack=silent)


def ns(seconds: float) -> int:
    """Seconds as ns."""
    return int(seconds * SECOND)


def sweep(program: Program[Alerter], judge: Judge, committer: Committer, now: int) -> None:
    """Forget what is too old."""
    config = program.settings["alerter"]
    for subject in forget(judge.subjects, judge.decider, ns(config.forget_seconds), now):
        program.log.info("%s was silent for so long that it is forgotten", subject.key)
    committer.settle(now)
    committer.sweep(
        now,
        decisions=ns(config.decisions_seconds),
        each=config.decisions_each,
        incidents=ns(config.incidents_seconds),
    )


def withdrawn(program: Program[Alerter], judge: Judge, now: int) -> None:
    """Judge services no longer that were taken out of the configuration."""
    for subject in withdraw(judge.subjects, judge.decider, now):
        program.log.info("%s is in the configuration no more, and judged no longer", subject.key)


def crowded(program: Program[Alerter], judge: Judge) -> None:
    """Tell whose layouts were forgotten because there are too many names."""
    if forgotten := judge.layouts.forgotten:
        named = ", ".join(f"{source or 'the store'} ({count})" for source, count in forgotten.most_common(3))
        program.log.warning("too many names of metrics: forgot the layouts of those who announced most, %s", named)
        program.vitals.count("alerter.layouts_forgotten", forgotten.total())
        forgotten.clear()


def reload(program: Program[Alerter], config: Alerter, judge: Judge, holding: Holding) -> None:
    """Judge by the configuration that was read again."""
    settings = program.settings
    rules = in_force(settings["rules"], settings["hosts"], defaults=config.default_rules)
    judge.use(rules, settings["hosts"], settings["services"], time.time_ns())
    judge.decider.flapping_count = config.flapping_count
    holding.windows, holding.settle = settings["maintenance"], ns(config.parent_seconds)
    program.log.info("judges by %d rules from now on", len(rules))


def readings(judge: Judge, committer: Committer) -> dict[str, float | None]:
    """How it goes, as readings of the process's own sample."""
    return {
        "alerter.subjects": float(len(judge.subjects)),
        "alerter.rules": float(len(judge.rules)),
        "alerter.burning": float(len(judge.decider.open)),
        "alerter.held": float(sum(bool(found) for found in committer.holds.values())),
        "alerter.decisions_total": float(committer.settled),
        "alerter.full": float(committer.full),
        "alerter.late_total": float(judge.late),
    }


def _salvaged(program: Program[Alerter]) -> bool:
    try:
        return bool(salvage.opening(program.home / ROOM, TABLES, program.log))
    except OSError as fault:
        raise TryAgain(f"cannot put the damaged memory aside: {fault}") from None


def _memory(program: Program[Alerter]) -> Memory:
    try:
        return Memory(program.home / ROOM)
    except (MemoryBroken, MemoryFull) as fault:
        raise TryAgain(f"cannot open the memory: {fault}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the alerter to its end; returns its exit code."""
    return run("alerter", Alerter, build, argv=argv)


if __name__ == "__main__":
    raise SystemExit(main())

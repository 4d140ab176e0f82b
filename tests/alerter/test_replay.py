"""What was live is found in the past: the same incidents with the same times, whatever hosts and checks said."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.config import RuleTable
from alerter.history import History
from alerter.judge import Judge
from alerter.memory import Memory
from alerter.replay import Outcome, Replay, replayed
from alerter.rules import Rule, in_force
from bus.messages import Check, Layout, Loss, Message, Sample
from bus.wire import Record, pack, record, stamped, unstamped
from store.answers import answer
from store.backends import Backend, opened
from store.batch import Batch
from tests.alerter.given import SECOND, World, at, rule
from tests.alerter.stair import Alerter

RULES = (
    rule("cpu.percent > 90", name="cpu", for_=30.0, clear="cpu.percent < 80", clear_for=20.0),
    rule("cpu.percent > 90", name="thrice", times=3),
    rule("avg(cpu.percent, 1m) > 85", name="mean"),
    rule("age > 40s or lost.messages > 2", name="silent", unreachable=True),
    rule("disk[*].percent > 90", name="disk", for_=15.0, clear="disk[*].percent < 85"),
    rule("places(down) >= 2", name="places", services=("*",)),
    rule("service.state == down", name="down", services=("*",), times=2),
)
"""Every kind of patience, of passing time, of instances and of places."""
LAYOUTS = (("cpu.percent", "disk[/].percent"), ("cpu.percent", "disk[/].percent", "disk[/home].percent"))


@dataclass(frozen=True)
class Said:
    """One thing that is said ``later`` seconds after the one before."""

    later: float
    who: str
    value: float | None = None
    disk: float = 10.0
    layout: int = 0
    status: str = ""
    lost: int = 0


NUMBERS = st.sampled_from([10.0, 84.0, 88.0, 95.0, None])
SAMPLES = st.builds(
    Said,
    st.floats(0.0, 45.0),
    st.sampled_from(["web-1", "web-2"]),
    NUMBERS,
    st.sampled_from([10.0, 88.0, 95.0]),
    st.integers(0, 1),
)
CHECKS = st.builds(
    Said, st.floats(0.0, 45.0), st.sampled_from(["a", "b", "c"]), status=st.sampled_from(["up", "down", "unknown"])
)
LOSSES = st.builds(Said, st.floats(0.0, 9.0), st.just("web-1"), lost=st.integers(1, 4))
TIMELINES = st.lists(st.one_of(SAMPLES, SAMPLES, SAMPLES, CHECKS, CHECKS, LOSSES), max_size=60)


def records(said: Sequence[Said]) -> list[tuple[float, Record]]:
    """(seconds after noon, record) of each."""
    found: list[tuple[float, Record]] = []
    now, numbers = 0.0, dict.fromkeys(("web-1", "web-2", "a", "b", "c", "guardia.store"), 0)
    for one in said:
        now += one.later
        message: Message
        source, subject = one.who, one.who
        if one.status:
            message, source, subject = Check(one.status, place=one.who), one.who, "shop"
        elif one.lost:
            message, source = Loss("web-1", 7, 1, one.lost, "dropped"), "guardia.store"
        else:
            names = LAYOUTS[one.layout]
            message = Sample(Layout(names).id, (one.value, one.disk, one.disk)[: len(names)])
        numbers[source] += 1
        told = record(
            message, source=source, subject=subject, at=at(now), epoch=7, number=numbers[source], sent=at(now)
        )
        found.append((now, told))
    return found


def taught(judge: Judge) -> None:
    """The layouts are known."""
    for names in LAYOUTS:
        judge.layout(Layout(names).id, names)


def shown(incidents: Any) -> list[tuple[Any, ...]]:
    """What has to be the same."""
    rows = (
        (one.id, one.rule, one.subject, one.instance, one.started_at, one.ended_at, one.reason) for one in incidents
    )
    return sorted(rows, key=str)


def live(told: Sequence[tuple[float, Record]], ticks: random.Random, end: float) -> list[Any]:
    """The incidents as they come while time passes in steps that nobody foresees."""
    world = World(*RULES, began=-1.0)
    taught(world.judge)
    for seconds, one in told:
        while world.now + 1.0 < seconds and ticks.random() < 0.9:
            world.passes(world.now + ticks.uniform(0.05, 3.0) if world.now + 3.0 < seconds else seconds)
        world.passes(seconds)
        if one.kind == "loss":
            world.judge.loss(one.message(), at(seconds))
        elif one.kind == "check":
            world.judge.check(one, one.message(), at(seconds))
        else:
            world.judge.sample(one, at(seconds))
        world.decisions += world.judge.decider.taken()
    world.passes(end)
    found = {one.incident.id: one.incident for one in world.decisions if one.incident and one.change == "fired"}
    found |= {one.incident.id: one.incident for one in world.decisions if one.incident and one.change == "resolved"}
    return list(found.values())


@given(TIMELINES, st.integers(0, 2**16), st.sampled_from([7.0, 61.0, 3600.0]))
def test_a_replay_finds_what_was_live(said: list[Said], seed: int, slice_seconds: float) -> None:
    told = records(said)
    end = (told[-1][0] if told else 0.0) + 100.0
    replay = Replay(RULES, (), (), (), at(-1))
    taught(replay.judge)

    def fetch(begin: int, until: int) -> Iterator[tuple[int, Record]]:
        return ((one.at, one) for _, one in told if begin <= one.at < until)

    replayed((replay,), fetch, at(-1), at(end), slice_ns=int(slice_seconds * 1e9))

    assert shown(replay.outcome.incidents.values()) == shown(live(told, random.Random(seed), end))


# -- a recorded hour, through the store ---

HOUR = 3600.0
OWN = (
    RuleTable(name="busy", when="cpu.percent > 90", for_=30.0, clear="cpu.percent < 80", hosts=("web-*",)),
    RuleTable(name="mean", when="avg(cpu.percent, 5m) > 70", clear="avg(cpu.percent, 5m) < 60"),
    RuleTable(name="fills", when="forecast(disk[*].free, 30m, 10m) < 0"),
    RuleTable(name="grows", when="rate(disk[/].free, 5m) < -50MB", for_=60.0),
    RuleTable(name="thrice", when="memory.percent >= 80", times=3),
    RuleTable(name="slow", when="response.ms > 500 and not service.state == down", services=("*",)),
    RuleTable(name="two-of-three", when="places(down) >= 2", services=("shop",)),
)


def hour(alerter: Alerter, seed: int) -> list[bytes]:
    """An hour of five hosts, three places that look at a shop, and Guardia's own rooms; the frames of the stair."""
    chance = random.Random(seed)
    stair, frames = alerter.stair, []
    names = ("cpu.percent", "memory.percent", "disk[/].percent", "disk[/].free", "disk[/home].free")
    numbers: dict[str, int] = {}
    epochs: dict[str, int] = {}
    cpu = {f"web-{number}": 50.0 for number in range(5)}
    free = dict.fromkeys(cpu, 50e9)
    due = sorted(
        [(turn * 10.0 + chance.random() * 3, host) for turn in range(340) for host in (*cpu, "guardia.store")]
        + [(turn * 30.0 + chance.random() * 5, place) for turn in range(113) for place in ("a", "b", "c")]
    )
    silent = {"web-3": (600.0, 900.0), "web-4": (1500.0, 1700.0), "guardia.store": (2000.0, 2100.0)}
    kept: list[tuple[Message, dict[str, Any]]] = []

    def numbered(source: str) -> int:
        numbers[source] = numbers.get(source, 0) + 1
        return numbers[source]

    def tell(seconds: float, source: str, message: Message, **header: Any) -> None:
        header = {"number": header.pop("number", 0) or numbered(source), **header}
        stair.tells(seconds, message, source=source, epoch=epochs.get(source, 7), **header)
        frames.append(stair.waiting[-1])

    for host in (*cpu, "guardia.store"):
        tell(0.0, host, Layout(names))
    for seconds, who in due:
        if who in ("a", "b", "c"):
            down = 1000 < seconds < 1200 or (who != "c" and 2500 < seconds < 2600)
            status, ms = ("down" if down else "up"), chance.choice([50.0, 90.0, 700.0])
            check = Check(status, url="https://shop.example/", response_ms=ms, place=who, tls_days=13)
            tell(seconds, who, check, subject="shop")
            continue
        cpu[who] = min(100.0, max(0.0, cpu.get(who, 0.0) + chance.gauss(0, 12)))
        free[who] = max(0.0, free.get(who, 0.0) + (-900e6 if 1800 < seconds < 2400 else 300e6))
        values = (
            cpu[who],
            chance.choice([50.0, 79.0, 81.0, 90.0]),
            95.0 if seconds % 1300 > 900 else 40.0,
            free[who],
            9e9,
        )
        if who == "web-2" and seconds > 2000:
            # Its clock goes wrong, and it was started anew.
            epochs.setdefault(who, 8)
        header = (
            {"measured": at(seconds + 45.0), "sent": at(seconds + 45.0)} if who == "web-2" and seconds > 2200 else {}
        )
        begin, end = silent.get(who, (9e9, 9e9))
        if begin < seconds < end and who != "web-4":
            continue
        sample = Sample(Layout(names).id, values)
        if begin < seconds < end:
            # In its spool, until it is heard again.
            kept.append((sample, {"measured": at(seconds), "number": numbered(who)}))
            continue
        tell(seconds, who, sample, **header)
        while who == "web-4" and kept:
            message, late = kept.pop(0)
            tell(seconds + 0.5 - len(kept) / 100, who, message, **late)
    return frames


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Callable[[list[bytes]], Backend]]:
    backend = opened("lmdb", tmp_path / "store", write=True)

    def kept(frames: list[bytes]) -> Backend:
        # Some commits hold one frame, some many.
        while frames:
            batch, count = Batch(), 1 + len(frames) % 23
            for frame in frames[:count]:
                stamp, start = unstamped(frame)
                batch.add(frame, start, stamp.received)
            backend.commit(batch, at(HOUR))
            frames = frames[count:]
        backend.refresh()
        return backend

    yield kept
    backend.close()


def backtested(backend: Backend, rules: Sequence[Rule], end: float) -> Outcome:
    """What the rules find in the store."""
    history, replay = (
        History(lambda question: answer(backend, question)),
        Replay(rules, (), (), (), at(-60), silent=60 * 10**9),
    )
    history.introduce((replay.judge,), at(-60))
    replayed((replay,), lambda a, b: history.fetch((replay.judge,), a, b), at(-60), at(end))
    return replay.outcome


@pytest.mark.parametrize("seed", [1, 2])
def test_a_recorded_hour_gives_the_same_incidents_live_and_from_the_store(
    seed: int, tmp_path: Path, store: Callable[[list[bytes]], Backend]
) -> None:
    rules = in_force(OWN)
    memory = Memory(tmp_path / "alerter")
    alerter = Alerter(memory, rules)
    frames = hour(alerter, seed)
    waiting = sorted(frames, key=lambda frame: unstamped(frame)[0].received)
    alerter.stair.waiting.clear()
    end = HOUR + 300.0
    # A fifth of a second passes at a time, as in the program; what was received by then is there.
    for tick in range(-5, int(5 * end) + 3):
        while waiting and unstamped(waiting[0])[0].received <= at(tick / 5):
            alerter.stair.waiting.append(waiting.pop(0))
        alerter.pulse(tick / 5)
    with memory.reading() as txn:
        lived = [value for _, value in txn.items("incidents")]
    alerter.close()
    memory.close()

    outcome = backtested(store(frames), rules, end)

    rows = [
        (one.id, one.rule, one.subject, one.started_at, one.ended_at, one.reason) for one in outcome.incidents.values()
    ]
    names = ("id", "rule", "subject", "started_at", "ended_at", "reason")
    assert sorted(rows, key=str) == sorted((tuple(one[name] for name in names) for one in lived), key=str)
    assert {"busy", "mean", "fills", "thrice", "slow", "two-of-three", "service-down"} <= {row[1] for row in rows}
    assert {"host-silent", "disk-nearly-full", "clock-skew", "room-unwell"} <= {row[1] for row in rows}


def test_bodies_that_are_none_of_ours_are_left_out(store: Callable[[list[bytes]], Backend]) -> None:
    frames = [
        stamped(kind, 1, place, at(place), [pack(Record(kind, "web-1", "web-1", at(place), 7, place, b"rubbish"))])
        for place, kind in enumerate(("sample", "facts", "check"), 1)
    ]
    assert backtested(store(frames), in_force(OWN), HOUR).records == 2


def test_one_record_of_a_clock_that_was_ahead_is_no_time_in_which_the_hub_heard_nothing() -> None:
    replay = Replay((), (), (), (), at(0), silent=25 * SECOND)
    for second in range(0, 3600, 10):
        replay.take(None, at(second))
    # It was received half an hour before the hour in which it seems to have been measured.
    for second in (1800, 3600):
        replay.take(None, at(second))
    assert replay.judge.hearing.deaf_since == 0


@pytest.mark.parametrize(("restarted", "fired"), [(False, [(61.0, "fired"), (80.0, "resolved")]), (True, [])])
def test_what_is_silent_across_a_collectors_restart_is_an_incident_in_the_past_alone(
    restarted: bool, fired: list[tuple[float, str]]
) -> None:
    unwell = rule("age > 1m", name="unwell", rooms=("guardia.*",))
    layout = Layout(("cpu.percent",))
    told = [
        record(Sample(layout.id, (1.0,)), source="guardia.prober", at=at(second), epoch=7, number=1 + second)
        for second in (0, 80)
    ]
    world, replay = World(unwell), Replay((unwell,), (), (), (), at(-1))
    for judge in (world.judge, replay.judge):
        judge.layout(layout.id, layout.names)
    for second in range(0, 90, 10):
        for one in (one for one in told if one.at == at(second)):
            world.take(one, second)
            replay.take(one, at(second))
        world.passes(second)
        replay.take(None, at(second))  # others are heard all the while
        if second == 40 and restarted:
            world.judge.hearing.ends(at(40))
            world.judge.hears(at(41))
    assert (world.told(), len(replay.outcome.incidents)) == (fired, 1)

"""What ``guardia why --at`` says of a moment is what it said then."""

from __future__ import annotations

import random

import pytest

from alerter.memory import Memory
from alerter.recording import chain_key, steps
from bus.judging import Acknowledge, Acknowledgement, AddSilence
from bus.messages import Silence
from tests.alerter.case import Case
from tests.alerter.given import World, at, committer, rule
from tests.alerter.rooms import Friend, Room, Rooms

SAME = {"resolved": "below", "not_clear": "firing"}
"""Of what goes to and fro between its levels the first step alone is noted, and an end stands under its own name."""


@pytest.mark.parametrize("seed", range(12))
def test_what_it_said_then_is_what_it_says_of_then(memory: Memory, seed: int) -> None:
    chance, case, said = random.Random(seed), Case(memory), {}
    now = 0
    for _ in range(15):  # more steps than that it does not show
        now += chance.choice((5, 20, 40))
        case.world.says(now, "gw", cpu=1)
        match chance.choice(("reads", "reads", "reads", "silences", "acknowledges")):
            case "reads":
                case.says(now, chance.choice((95, 95, 85, 20)))
            case "silences":
                case.passes(now)
                until = now + chance.choice((10, 60))
                case.counter.answer(AddSilence("anna", "new disk", at(until), ("web-1",)))
            case "acknowledges":
                case.passes(now)
                for incident in list(case.world.judge.decider.open):
                    case.counter.answer(Acknowledge(incident, "ben", "on it"))
        case.passes(now + 1)
        said[now + 1] = case.chain().verdict
    for when, verdict in said.items():
        then = case.chain(when=when).verdict
        assert SAME.get(then, then) == SAME.get(verdict, verdict), (when, said)


def test_what_goes_on_over_a_start_is_noted_once(rooms: Rooms) -> None:
    def begins() -> World:
        return World(rule("cpu.percent > 90", name="busy"), rule("memory.percent > 90", name="short"))

    room: Room = rooms({"ops": Friend()})
    world = begins()
    settling, _, _ = committer(world, room.memory, room.speaker)
    settling.silence(Silence("s1", "anna", "more memory", at(0), at(900), ("rule=short",)), at(0))
    world.says(1, cpu=95, memory=95)
    settling.settle(at(1))
    (busy,) = (one.id for one in world.judge.decider.open.values() if one.rule == "busy")
    settling.acknowledge(busy, Acknowledgement("ben", at(2), "on it"))
    settling.settle(at(2))
    noted = []
    for start in (2, 10, 20):
        if start > 2:
            world = begins()
            settling, _, _ = committer(world, room.memory, room.speaker)
            settling.restore(at(start))
            world.says(start + 1, cpu=95, memory=95)
            settling.settle(at(start + 1), all_open=True)
        with room.memory.reading() as view:
            chains = [steps(view, chain_key("host", "web-1", name, ""), at(900), 50)[0] for name in ("busy", "short")]
        noted.append([step.verdict for chain in chains for step in chain])
    assert noted == [["firing", "told", "acknowledged", "acknowledged", "firing", "silence"]] * 3

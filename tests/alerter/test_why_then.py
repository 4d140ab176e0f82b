"""What is kept for ``guardia why``."""

from __future__ import annotations

from alerter.recording import chain_key, steps
from bus.judging import Acknowledgement
from bus.messages import Silence
from tests.alerter.given import World, at, committer, rule
from tests.alerter.rooms import Friend, Room, Rooms


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

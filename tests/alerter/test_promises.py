"""Through the outbox on disk, whoever hears of an alarm hears of its end, once and last, whatever happens meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from alerter.incidents import Acknowledgement, Hold, Incident
from alerter.outbox import Later
from alerter.routes import Notify, Step
from tests.alerter.rooms import Friend, Rooms
from tests.alerter.shapes import SECOND, burning, over

NOTIFY = Notify(
    channels=("ops", "pager"), group_seconds=0.0, reminder=3600.0, escalate=(Step(after=900.0, channels=("boss",)),)
)
HOLD = Hold("silence", "silenced by anna")
CHANGES: dict[str, Callable[[Incident, random.Random], Incident]] = {
    "acknowledges": lambda one, _: replace(one, acknowledged=Acknowledgement("anna", one.changed_at)),
    "judges otherwise": lambda one, chance: replace(one, severity=chance.choice(("info", "warning", "critical"))),
    "names others": lambda one, chance: replace(one, channels=chance.choice(((), ("spare", "pager"), ("boss",)))),
}
MOVES = (*CHANGES, *CHANGES, "waits", "holds", "fails", "tells", "starts anew")


@pytest.mark.parametrize("seed", range(24))
def test_whoever_hears_of_an_alarm_hears_of_its_end(rooms: Rooms, seed: int) -> None:
    chance = random.Random(seed)
    friends = {
        "ops": Friend(fallback=chance.choice(("", "spare"))),
        "pager": Friend(severity="critical"),
        "boss": Friend(),
        "spare": Friend(),
    }
    room, incident, moves = rooms(friends, NOTIFY), burning(), []
    for _ in range(chance.randrange(1, 12)):
        move = chance.choice(MOVES)
        moves.append(move)
        if move in CHANGES:
            incident = CHANGES[move](incident, chance)
        elif move == "waits":
            room.now += chance.choice((10, 1000, 4000)) * SECOND
        elif move == "fails":
            chance.choice(list(friends.values())).outcomes.append(Later(None, "away", chance.random() < 0.3))
        elif move == "tells":
            room.ahead += 700
            room.loop.pass_once(0.0)
        elif move == "starts anew":
            room = rooms(friends, NOTIFY, room.now)
        room.judged(incident, holds={incident.id: (HOLD,)} if move == "holds" else {})
    room.judged(over(incident, room.now))
    room.quiet()
    for name, friend in friends.items():
        # What was under way when a life ended goes out once more, under the key that it had.
        said = list({item.key: item.about for letter in friend.heard for item in letter.items}.values())
        begun = sum(about in ("alarm", "escalation") for about in said)
        assert begun <= 1, (name, said, moves)
        assert [place for place, about in enumerate(said, 1) if about == "recovery"] == [len(said)] * begun, (
            name,
            moves,
        )

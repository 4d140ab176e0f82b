"""Whom the alerter tells is exactly accounted for, at whichever step of telling it is killed.

``GUARDIA_LONG=1`` makes it 200 kills; ``NOTICES_KILLS`` and ``NOTICES_SEED`` set both by hand.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest

from bus.judging import Incidents, Why
from tests.alerter.receiver import Receiver
from tests.conftest import LONG
from tests.pipeline.test_telling_people import BUSY, EACH, NOTIFY, Telling

KILLS = int(os.environ.get("NOTICES_KILLS", "200" if os.environ.get(LONG) else "12"))
SEED = int(os.environ.get("NOTICES_SEED", "7"))
STEPS = ("outbox.commit", "post", "mark")
"""Before what is to be said is on the disk, before it is sent, and before it is written down that it was."""
KILLED = '[[rules]]\nname = "room-restarting"\nenabled = false\n'
"""That the alerter ends so often is no news here."""
HOSTS = tuple(f"web-{number}" for number in range(4))


class Killed(Telling):
    """A hub whose alerter dies at a step of ``steps``, in turn, until there is none left."""

    def __init__(self, settings: str, steps: Iterator[str]) -> None:
        super().__init__(settings)
        self.deaths = 0
        self._steps = steps

    def run(self) -> None:
        self.start_all("collector", "store-writer", "store-reader")
        self.start("alerter", next(self._steps, ""))

    def burning(self) -> set[str] | None:
        """The hosts on which the rule fires; an alerter that died is started again."""
        if self.died("alerter"):
            self.deaths += 1
            self.start("alerter", next(self._steps, ""))
        answer = self.ask(Why("host/*", "busy"))
        return {one.subject for one in answer.chains if one.verdict == "firing"} if answer else None

    def burns(self, hosts: set[str]) -> None:
        """These are busy and the others are not, and the alarms follow."""
        self.loads = {host: 95.0 if host in hosts else 10.0 for host in HOSTS}
        self.until(lambda: self.burning() == hosts, f"these fire: {sorted(hosts)}")


@pytest.mark.timeout(600 + 20 * KILLS)
def test_every_transition_is_told_and_what_is_told_again_has_the_same_key() -> None:
    chance = random.Random(SEED)
    steps = (f"{STEPS[turn % len(STEPS)]}=kill@{chance.randint(1, 4)}" for turn in range(KILLS))
    with Receiver() as receiver:
        hub = Killed(EACH + BUSY + KILLED + NOTIFY.format(url=receiver.url), steps)
        try:
            hub.run()
            while hub.deaths < KILLS:
                hub.burns({host for host in HOSTS if chance.random() < 0.5})
            hub.burns(set(HOSTS[1:]))
            hub.burns(set(HOSTS[:1]))
            incidents = hub.ask(Incidents(limit=1000)).incidents
            expected = {(one.id, "firing") for one in incidents} | {
                (one.id, "resolved") for one in incidents if one.ended_at
            }

            def heard() -> set[tuple[str, str]]:
                return {(body["id"], body["state"]) for body in (one.json() for one in receiver.requests)}

            hub.until(lambda: heard() >= expected, f"all is told (NOTICES_SEED={SEED})")
        finally:
            hub.close()

    assert heard() == expected
    assert [one.subject for one in incidents if not one.ended_at] == ["web-0"]
    keys: dict[tuple[str, str], set[str]] = defaultdict(set)
    order: dict[str, list[str]] = defaultdict(list)
    for one in receiver.requests:
        body = one.json()
        keys[body["id"], body["state"]].add(one.headers["idempotency-key"])
        order[body["id"]].append(body["state"])
    assert all(len(found) == 1 for found in keys.values())
    assert len(set().union(*keys.values())) == len(expected)
    assert all(states == sorted(states) for states in order.values()), "no alarm comes after its recovery"
    again = sum(times - 1 for times in Counter(receiver.keys).values())
    assert 0 < again <= hub.deaths

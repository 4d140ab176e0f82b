"""At each turn what is due is read, and one sample is told."""

from __future__ import annotations

from agent.job import Job, Submit, Taken
from agent.pace import Pace
from agent.readings import Costs, Readings
from agent.sampler import Sampler
from agent.turns import Turns
from tests.agent.given import Log, Source

NOON = 43_200.0


class Panel:
    """Turns over two metrics, one of which can be broken."""

    def __init__(self) -> None:
        self.told: list[dict[str, float | None]] = []
        self.sampler, self.costs = Sampler(["load", "extra"]), Costs()
        self.turns = Turns(self.sampler, self.costs, lambda n, v: self.told.append(dict(zip(n, v, strict=True))))
        self.load = Source()

    def add(self, name: str, source: Source, submit: Submit | None = None) -> None:
        def done(taken: Taken[Readings]) -> None:
            self.sampler.take(name, {f"{name}.1m": 0.5 for _ in taken.found}, taken.now)

        self.turns.add(Job(name, source.open, Pace(1, 0.005), done, costs=self.costs, log=Log().logger, submit=submit))


def test_one_turn_is_one_sample_and_its_time_is_taken() -> None:
    panel = Panel()
    panel.add("load", panel.load)
    panel.turns.read(NOON - 0.5)
    panel.turns.turn(NOON)
    panel.turns.turn(NOON + 1)
    assert panel.told == [{"load.1m": 0.5}, {"load.1m": 0.5}]
    assert panel.costs.turn is not None


def test_a_metric_that_fails_leaves_its_place_empty_and_the_others_go_on() -> None:
    panel, other = Panel(), Source()
    panel.add("load", panel.load)
    panel.add("extra", other)
    panel.turns.turn(NOON)
    panel.load.works = False
    panel.turns.turn(NOON + 1)
    assert panel.told[-1] == {"load.1m": None, "extra.1m": 0.5}


def test_a_job_that_is_removed_is_read_no_more() -> None:
    panel = Panel()
    panel.add("load", panel.load)
    panel.turns.turn(NOON)
    panel.turns.remove("load")
    panel.turns.turn(NOON + 5)
    assert panel.load.read_count == 1


def test_what_threads_have_read_is_told_with_the_next_sample() -> None:
    panel = Panel()
    panel.add("load", panel.load)
    turns = Turns(
        panel.sampler,
        panel.costs,
        lambda n, v: panel.told.append(dict(zip(n, v, strict=True))),
        lambda: panel.sampler.take("extra", {"extra.1m": 2.0}, NOON),
    )
    turns.turn(NOON)
    assert panel.told == [{"extra.1m": 2.0}]


def test_where_nothing_was_read_yet_nothing_is_told() -> None:
    panel = Panel()
    read: list[tuple[object, object]] = []
    panel.add("extra", Source(), lambda call, done: read.append((call, done)))
    panel.turns.read(NOON - 0.5)
    panel.turns.turn(NOON)
    assert (len(read), panel.told) == (1, [])


def test_threads_are_given_their_work_when_the_sample_is_told() -> None:
    panel = Panel()
    given: list[int] = []
    panel.add("extra", Source(), lambda _read, _done: given.append(len(panel.told)))
    panel.add("load", panel.load)

    panel.turns.turn(NOON)

    assert given == [1]
    assert panel.told == [{"load.1m": 0.5}]

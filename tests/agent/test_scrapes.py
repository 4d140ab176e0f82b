"""Programs that are asked for what they tell, as jobs that fill a sample."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.config import Agent, Scrape
from agent.readings import Costs
from agent.sampler import Sampler
from agent.scrapes import Scrapes, Source
from agent.turns import Turns
from bus.secret import Secret, Unavailable
from tests.agent.given import Log
from tests.agent.program import Program, answer

STEP = 1000.0
"""Seconds of the tests' clock between two turns: everything is due at each."""


class Host:
    """A host that asks programs, whose turns are taken by hand, everything on the spot."""

    def __init__(self, *scrapes: Scrape) -> None:
        self.log, self.costs, self.values = Log(), Costs(), dict[str, float | None]()
        sampler = Sampler(["cpu"])
        self.turns = Turns(sampler, self.costs, self._told)
        made = Scrapes(
            sampler, config=Agent(), folder=Path("/nowhere"), costs=self.costs, log=self.log.logger, submit=None
        )
        for job in made.jobs(scrapes):
            self.turns.add(job)
        self.now = time.monotonic()

    def _told(self, names: object, values: object) -> None:
        assert isinstance(names, tuple)
        assert isinstance(values, list)
        self.values = dict(zip(names, values, strict=True))

    def turn(self) -> dict[str, float | None]:
        """Take a turn."""
        self.now += STEP
        # What was read is as old as the real clock says.
        self.turns.read(self.now)
        self.turns.turn(time.monotonic())
        return self.values


@pytest.fixture
def shop() -> Iterator[Program]:
    with Program(answer(b"up 1\nhits_total 7\n")) as made:
        yield made


def test_what_a_program_tells_is_in_the_sample(shop: Program) -> None:
    host = Host(shop.scrape)
    host.turn()
    shop.answer = answer(b"up 1\nhits_total 90000\n")
    found = host.turn()
    seconds, rate = found.pop("scrape[shop].seconds"), found.pop("shop.hits_per_s")
    assert found == {"scrape[shop].series": 2.0, "scrape[shop].left_out": 0.0, "shop.up": 1.0}
    assert seconds is not None
    assert rate is not None
    assert rate > 1000, "what counts is when it was asked by the real clock, not by that of the tests"
    assert host.log.sentences == []


def test_what_is_left_out_is_told_once_and_again_after_all_was_told(shop: Program) -> None:
    host = Host(replace(shop.scrape, most=2))
    shop.answer = answer(b"a 1\nb 2\nc 3\nd 4\n")
    host.turn()
    assert host.turn()["scrape[shop].left_out"] == 2.0
    assert host.log.sentences == ["the scrape shop: 2 of 4 series are left out: more than 2 metrics, and the like"]
    for body in (b"a 1\n", b"a 1\na 2\n"):
        shop.answer = answer(body)
        host.turn()
    assert host.log.sentences[1:] == ["the scrape shop: 1 of 2 series are left out: shop.a stands there twice"]


def test_one_that_fails_is_told_once_and_the_others_go_on(shop: Program) -> None:
    with Program(answer(b"<html>\n")) as page:
        host = Host(replace(page.scrape, name="page"), shop.scrape)
        for _ in range(3):
            host.turn()
        assert host.values["shop.up"] == 1.0
        assert host.log.sentences == [
            "cannot read the scrape page: it answers with what is no text of Prometheus's: '<html>' is no series; "
            "trying again, ever less often"
        ]
        assert [name for name, since in host.costs.failing.items() if since] == ["the scrape page"]
        page.answer = answer(b"up 1\n")
        assert host.turn()["page.up"] == 1.0
        assert host.log.sentences[1:] == ["the scrape page can be read again"]
        assert host.costs.failing == {"the scrape page": None}


def test_after_a_failure_what_came_before_it_counts_on(shop: Program) -> None:
    host = Host(shop.scrape)
    for body in (b"# TYPE wait summary\nwait_sum 1\nwait_count 1\n", b"<html>\n", b"wait_sum 5\nwait_count 3\n"):
        shop.answer = answer(body)
        host.turn()
    assert host.values["shop.wait_mean"] == 2.0


def test_one_whose_secret_is_lacking_says_so_and_the_others_go_on(shop: Program) -> None:
    lacking = Secret("", Unavailable("${SHOP}, which is not set", "a value there", "type: export SHOP=..."))
    host = Host(replace(shop.scrape, name="other", token=lacking), shop.scrape)
    assert host.turn()["shop.up"] == 1.0
    assert host.log.sentences == [
        "cannot read the scrape other: found ${SHOP}, which is not set, expected a value there; "
        "type: export SHOP=...; trying again, ever less often"
    ]


def test_a_rate_counts_from_when_the_program_was_asked(shop: Program) -> None:
    """Not from when it had answered, which takes one time longer than another."""
    heard: list[float] = []

    def slow(line: socket.socket) -> None:
        heard.append(time.monotonic())
        answer(b"up 1\n")(line)

    shop.answer = slow
    assert Source(shop.scrape, Path("/nowhere")).read().asked <= heard[0]

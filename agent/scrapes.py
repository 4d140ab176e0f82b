"""What programs on this host tell in Prometheus's text format, each program a job of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from agent.config import Agent, Scrape
from agent.exposition import Exposition, Output
from agent.fetching import Fetching
from agent.job import HANGS, Job, Submit, Taken
from agent.pace import Pace
from agent.readings import Costs, Reading
from agent.sampler import Sampler

PREFIX = "the scrape "


class Scraped(NamedTuple):
    """What a program told, and when it was asked (monotonic)."""

    output: Output
    asked: float
    seconds: float


class Source:
    """One program as a source of readings."""

    def __init__(self, scrape: Scrape, folder: Path) -> None:
        self._fetching = Fetching(scrape, folder)
        self._exposition = Exposition(scrape.name, scrape.keep, scrape.skip, scrape.most, time.monotonic())

    def read(self) -> Scraped:
        """Ask it; raises ``NoAnswer`` or ``NotTold`` where it does not answer as it should."""
        asked = time.monotonic()
        with closing(self._fetching.pieces()) as pieces:
            output = self._exposition.read(pieces, asked)
        return Scraped(output, asked, time.monotonic() - asked)


class Scrapes:
    """Makes the jobs, and tells once what is left out of what a program tells."""

    def __init__(
        self,
        sampler: Sampler,
        *,
        config: Agent,
        folder: Path,
        costs: Costs,
        log: logging.Logger,
        submit: Submit | None,
    ) -> None:
        self._sampler, self._folder, self._costs, self._log, self._submit = sampler, folder, costs, log, submit
        self._share = config.budget_percent / 100
        self._faulty: set[str] = set()

    def jobs(self, scrapes: tuple[Scrape, ...]) -> Iterator[Job[Scraped]]:
        """A job for each."""
        for scrape in scrapes:
            # The same source after a failure: what it told before counts on.
            yield self._job(scrape, Source(scrape, self._folder))

    def _job(self, scrape: Scrape, source: Source) -> Job[Scraped]:
        pace = Pace(scrape.interval, self._share)
        label = PREFIX + scrape.name

        def done(taken: Taken[Scraped]) -> None:
            output, asked, seconds = taken.found
            self._complain(scrape.name, output)
            own: dict[str, Reading] = {
                f"scrape[{scrape.name}].seconds": round(seconds, 3),
                f"scrape[{scrape.name}].series": float(output.series),
                f"scrape[{scrape.name}].left_out": float(output.left_out),
            }
            self._sampler.take(label, own | output.readings, asked, 3 * pace.seconds)

        return Job(
            label,
            lambda: source,
            pace,
            done,
            costs=self._costs,
            log=self._log,
            submit=self._submit,
            patience=scrape.timeout + HANGS,
        )

    def _complain(self, name: str, output: Output) -> None:
        if output.faults and name not in self._faulty:
            more = "" if output.left_out <= len(output.faults) else ", and the like"
            self._log.warning(
                "the scrape %s: %d of %d series are left out: %s%s",
                name,
                output.left_out,
                max(output.series, output.left_out),
                "; ".join(output.faults),
                more,
            )
        (self._faulty.add if output.faults else self._faulty.discard)(name)

"""An enrolled agent that invents names is refused them for good, is seen, and takes nothing of anybody else's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice

import pytest

from bus import refused
from bus.messages import Layout
from bus.wire import read
from tests.pipeline.inventing import NAMES, inventions
from tests.pipeline.joined import Joined, home, speaking
from tests.pipeline.programs import ROOT, Looking, Programs, until

METRICS, SERVICES = 10 * NAMES, 50
SETTINGS = f"""keys = true
[collector]
report_seconds = 1
metrics = {METRICS}
subjects = {SERVICES}
"""
REFUSED = 200
"""So many of its messages are refused before it is looked what came of them."""
PROGRAMS = ("collector", "store-writer", "alerter")


class Inventor:
    """An enrolled agent that invents, as a process."""

    def __init__(self, hub: Programs, how: str) -> None:
        self.host = Joined(hub, "web-9")
        self.host.join(self.host.admit(place=how == "services"))
        command = [sys.executable, "-m", "tests.pipeline.inventing", str(self.host.home), how]
        with (hub.folder / "inventor.out").open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def hub() -> Iterator[Programs]:
    made = Programs(SETTINGS)
    for name in PROGRAMS:
        made.start(name)
    yield made
    made.close()


@pytest.fixture
def good(hub: Programs) -> Iterator[Joined]:
    with speaking(hub, "web-1", 50.0) as made:
        yield made


def count(hub: Programs, reason: str) -> int:
    """Refusals of the inventor for this reason."""
    rows = refused.read(home(hub) / "run")
    return sum(row.count for row in rows if (row.sender, row.reason) == ("web-9", reason))


def alarms(hub: Programs) -> set[tuple[str, str]]:
    """(rule, subject) of each that fired."""
    with Looking(hub) as backend:
        found = [read(one.record)[0] for one in backend.latest("alert", None)]
    return {(one.message().rule, one.subject) for one in found}


def layouts(hub: Programs, how: str) -> int:
    """How many of the layouts that it told first the store has."""
    told = [one for one, _ in islice(inventions(how), 2 * METRICS) if isinstance(one, Layout)]
    with Looking(hub) as backend:
        return len(backend.layouts(tuple(one.id for one in told)))


@pytest.mark.parametrize(("how", "reason"), [("metrics", "metrics"), ("orders", "metrics"), ("services", "subjects")])
def test_an_agent_that_invents_names_is_refused_them_and_harms_nobody(
    hub: Programs, good: Joined, how: str, reason: str
) -> None:
    bad = Inventor(hub, how)
    try:
        until(lambda: count(hub, reason) >= REFUSED, 60, f"what it invents is refused: {count(hub, reason)}", hub)
        before = len(hub.told("web-1"))
        until(lambda: len(hub.told("web-1")) > before + 100, 30, "the good one tells more", hub)
    finally:
        bad.close()
    told = hub.told("web-1")
    until(lambda: hub.has_all("web-1", told), 30, "everything that the good one told is stored", hub)

    # What is refused for good is no hole: its producer need not send it again, and the ledger says what it was.
    until(lambda: any(one.watermark > REFUSED for one in hub.streams("web-9")), 30, "its stream goes on", hub)
    assert f"refused, {reason}" in {loss.reason for loss in hub.lost("web-9")}
    until(lambda: ("data-lost", "web-9") in alarms(hub), 30, "whoever is on call hears of it", hub)
    assert {subject for _, subject in alarms(hub)} == {"web-9"}
    assert hub.lost("web-1") == []
    assert {row.sender for row in refused.read(home(hub) / "run")} == {"web-9"}, "only the bad one was refused"
    assert f"{reason}, from web-9 (" in hub.said("collector")
    if how == "services":
        with Looking(hub) as backend:
            assert len(backend.subjects("check")) == SERVICES
    elif how == "metrics":
        # Each costs its names, and two more for being another layout; the last one may make a debt.
        assert layouts(hub, how) == -(-METRICS // (NAMES + 2))
    else:
        assert layouts(hub, how) == -(-(METRICS - NAMES) // 2)
    assert not [name for name in PROGRAMS if hub.died(name)]

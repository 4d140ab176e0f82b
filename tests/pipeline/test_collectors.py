"""Two collectors of one hub: they share the agents, and one takes over what the other leaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.pipeline.programs import ROOT, Programs, until

HOSTS = [f"web-{number}" for number in range(6)]


@pytest.fixture
def hub() -> Iterator[Programs]:
    made = Programs(collectors=2)
    yield made
    made.close()


def connected(hub: Programs, program: str) -> int:
    """How many producers are connected to a collector's receipts' road."""
    port = int(re.findall(r"tcp://127\.0\.0\.1:(\d+)", hub.config.read_text())[2 if program == "collector" else 3])
    found = psutil.net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and tuple(one.raddr)[1:] == (port,) for one in found)


def test_two_collectors_share_the_agents_and_one_takes_over_from_the_other(hub: Programs) -> None:
    for name in ("collector", "collector-2", "store-writer"):
        hub.start(name)
    for name in HOSTS:
        hub.producer(name, 100.0)

    def each_has_stored(count: int) -> bool:
        return all(hub.streams(name) and len(hub.stored(name)) >= count for name in HOSTS)

    until(lambda: each_has_stored(50), 40, "every host is stored", hub)
    assert connected(hub, "collector") > 0
    assert connected(hub, "collector-2") > 0

    hub.kill("collector-2")
    told = {name: len(hub.stored(name)) + 100 for name in HOSTS}
    until(lambda: all(len(hub.stored(name)) >= count for name, count in told.items()), 60, "all come to the first", hub)
    assert "trying another way to the hub" in hub.output()
    for name in HOSTS:
        journal = hub.told(name)
        until(lambda name=name, journal=journal: hub.has_all(name, journal), 40, "all of it", hub)  # type: ignore[misc]
        stored = hub.stored(name)
        assert not [one for one in journal if stored[one.value] != 1]
        assert hub.lost(name) == []


def test_a_collector_without_a_door_says_what_is_missing(hub: Programs) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bus.command", "collector", "3"],
        cwd=ROOT,
        env={**os.environ, "GUARDIA_CONFIG": str(hub.config)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 100
    assert "an address for each collector, with commas between them" in done.stdout + done.stderr

"""Programs of a running hub that end again and again: that is an alarm, and what somebody asked for is none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.system.supervised import BIN, Hub, until

pytestmark = pytest.mark.system
RULE = "room-restarting"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(tmp_path_factory.mktemp("h"))
    made.start()
    try:
        until(made.all_run, 60, f"all programs run: {made.log}")
        yield made
    finally:
        made.stop()


def up(hub: Hub, name: str) -> int:
    """The process that is up under this name; 0: none is."""
    try:
        words = (hub.etc / "var" / "run" / f"{name}.lives").read_text().split()
    except OSError:
        return 0
    return int(words[1])


def up_again(hub: Hub, name: str, before: int = 0) -> int:
    """Wait for the next process that is up under this name."""
    return until(lambda: (pid := up(hub, name)) not in (0, before) and pid, 40, f"{name} is up")


def restarting(hub: Hub) -> set[str]:
    """Of whom the alarm burns."""
    answer = hub.guardia("alerts", "--json")
    found = json.loads(answer.stdout)["alerts"] if answer.returncode in (0, 1) else []
    return {one["subject"] for one in found if one["rule"] == RULE and one["state"] == "firing"}


def supervisorctl(hub: Hub, *words: str) -> None:
    subprocess.run(
        [BIN / "supervisorctl", "-c", hub.etc / "guardia.conf", *words], check=True, capture_output=True, timeout=60
    )


def test_what_somebody_asks_for_is_no_alarm_and_what_ends_by_itself_is_one_with_its_reason(hub: Hub) -> None:
    collector = worker = reader = 0
    for _ in range(3):
        reader = up_again(hub, "store-reader", reader)
        supervisorctl(hub, "restart", "store-reader")
        worker = up_again(hub, "api-1", worker)
        os.kill(hub.pids()["api"], signal.SIGHUP)
        os.kill(hub.pids()["prober"], signal.SIGHUP)
        collector = up_again(hub, "collector", collector)
        os.kill(collector, signal.SIGKILL)

    until(lambda: "guardia.collector" in restarting(hub), 60, "the alarm burns")
    assert "program.crashes is 3" in hub.guardia("why", "hub/guardia.collector", RULE).stdout

    worker = up_again(hub, "api-2")
    for _ in range(3):
        os.kill(worker, signal.SIGKILL)
        worker = up_again(hub, "api-2", worker)
    until(lambda: "guardia.api-2" in restarting(hub), 60, "that of the worker burns too")
    assert restarting(hub) == {"guardia.collector", "guardia.api-2"}

"""The store of a running hub is verified, copied, compacted and put back, with everything told there in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.pipeline.programs import HUB, ROOT, Programs, until


@pytest.fixture
def hub() -> Iterator[Programs]:
    made = Programs()
    yield made
    made.close()


def guardia(hub: Programs, *words: str, expect: int = 0) -> dict[str, Any]:
    """What ``guardia store ... --json`` answers."""
    with subprocess.Popen(
        [sys.executable, "-m", "bus.command", "store", *words, "--json"],
        cwd=ROOT,
        env={**os.environ, "GUARDIA_CONFIG": str(hub.config)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        # The writer ends when a store waits to take its place: a supervisor starts it again.
        while True:
            hub.revived()
            try:
                out, err = running.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            assert running.returncode == expect, f"{out}{err}{hub.output(2000)}"
            return dict(json.loads(out[: out.rindex("}") + 1])) if "}" in out else {}


def test_a_store_is_cared_for_while_the_hub_runs_and_nothing_told_is_missing(hub: Programs) -> None:
    hub.start_all(*HUB)
    hub.producer("web-1", 400)
    until(lambda: hub.count_told() > 400, 30, "messages are told", hub)

    assert guardia(hub, "verify")["faults"] == []
    copy = str(hub.folder / "copy")
    assert guardia(hub, "snapshot", copy)["faults"] == []
    assert guardia(hub, "compact")["faults"] == []
    told = hub.count_told()
    until(lambda: hub.count_told() > told + 400, 30, "more are told", hub)
    assert guardia(hub, "restore", copy, "--verify")["faults"] == []
    until(lambda: bool(hub.streams("web-1")), 30, "nothing was changed", hub)
    guardia(hub, "restore", copy)

    told = hub.count_told()
    until(lambda: hub.count_told() > told + 200, 30, "the producer goes on", hub)
    hub.kill("web-1", signal.SIGTERM)
    hub.producer("web-1", 1)
    everything = hub.told("web-1")

    def settled() -> bool:
        hub.revived()
        return hub.has_all("web-1", everything)

    until(settled, 60, "what came after the copy was told again", hub)
    hub.kill("web-1", signal.SIGTERM)
    stored = hub.stored("web-1")
    assert [one.value for one in everything if one.value not in stored] == []
    assert [value for value, times in stored.items() if times > 1] == []
    report = guardia(hub, "verify")
    assert (report["faults"], report["missing"]) == ([], {})
    assert len(list((hub.folder / "var").glob("store.before-*"))) == 1


def test_damage_is_an_exit_code(hub: Programs) -> None:
    hub.start("collector")
    hub.start("store-writer")
    hub.producer("web-1", 200)
    until(lambda: hub.count_told() > 50 and bool(hub.streams("web-1")), 30, "something is stored", hub)
    for name in ("web-1", "store-writer"):
        hub.kill(name, signal.SIGTERM)
    file = next((hub.folder / "var" / "store" / "rows" / "sample").glob("*/data.mdb"))
    data = bytearray(file.read_bytes())
    for place in range(data.find(b"web-1"), len(data) - 1, 997):
        data[place] ^= 1
    file.write_bytes(data)

    found = guardia(hub, "verify", expect=1)

    assert found["faults"][0]["file"].startswith("rows/sample/")
    guardia(hub, "restore", str(hub.folder / "nowhere"), expect=2)

"""A hub whose samples go to VictoriaMetrics, as documented; the server is killed under load and comes back."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest
import requests

from tests.pipeline.programs import HUB, Programs, until
from tests.store.servers import Victoria, victoria


@pytest.fixture(scope="module")
def server() -> Iterator[Victoria]:
    found = victoria()
    assert found is not None
    made = Victoria(found)
    yield made
    made.stop()


@pytest.fixture
def hub(server: Victoria, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    monkeypatch.setenv("STORE_URL", server.url)
    made = Programs('[store]\nbackend = "victoriametrics"\nurl = "${STORE_URL}"\n')
    yield made
    made.close()


def kept(server: Victoria) -> list[int]:
    """The times in ms of all samples that the server has; it keeps one a ms."""
    query = {"match[]": '{host="web-1"}'}
    try:
        answer = requests.get(f"{server.url}/api/v1/export", params=query, timeout=30)
    except requests.RequestException:
        return []
    series = [json.loads(line) for line in answer.text.splitlines()]
    return [int(at) for one in series for at in one["timestamps"]]


def test_a_kill_of_the_server_under_load_loses_nothing_here_or_there(hub: Programs, server: Victoria) -> None:
    for name in HUB:
        hub.start(name)
    hub.producer("web-1", 300)
    until(lambda: len(kept(server)) > 300, 40, "samples arrive at the server", hub)
    server.halt(signal.SIGKILL)
    told = hub.count_told()
    until(lambda: hub.count_told() > told + 300, 30, "the producer goes on", hub)
    server.start()
    told = hub.count_told()
    until(lambda: hub.count_told() > told + 300, 30, "more are told", hub)
    hub.kill("web-1", signal.SIGTERM)
    hub.producer("web-1", 1)
    everything = hub.told("web-1")
    until(lambda: hub.has_all("web-1", everything), 60, "everything is stored", hub)
    times = {row[0] // 1_000_000 for row in hub.rows("web-1")}
    until(lambda: times <= set(kept(server)), 60, "the server has everything", hub)
    hub.kill("web-1", signal.SIGTERM)

    stored = hub.stored("web-1")
    assert [one.value for one in everything if stored[one.value] != 1] == []
    assert "a fault of Guardia's own" not in hub.output()

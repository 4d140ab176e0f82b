"""An operator's acts in the viewer, through a whole hub: what is done there is done in the alerter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from bus.judging import AddSilence, EndSilence, Silences
from tests.pipeline.programs import ROOT
from tests.pipeline.test_alerting import RULES, Alerting
from tests.ports import free_port

KEYS = """\
5
wait text ack by   nobody
t
ctrl-u
type cpu.percent > 99
enter
wait text Less than today
dump
escape
a
type mine
enter
wait text anna: mine
s
type 2h
enter
type new disk
enter
wait text held back
dump
down
e
enter
wait text is over
"""


@pytest.fixture
def hub() -> Iterator[tuple[Alerting, str]]:
    port = free_port()
    found = Alerting(f"{RULES}\n[api]\nport = {port}\n")
    url = f"http://127.0.0.1:{port}"
    try:
        found.run()
        found.start("api")
        found.load = 95.0
        found.until(lambda: bool(found.burning()) and answers(url), "it burns and the API answers")
        yield found, url
    finally:
        found.close()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/v1/servers", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_what_is_done_in_the_viewer_is_done_in_the_alerter(hub: tuple[Alerting, str]) -> None:
    alerting, url = hub
    script = alerting.folder / "keys"
    script.write_text(KEYS)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(alerting.folder), "LOGNAME": "anna"}
    command = [sys.executable, "-m", "viewer", "--url", url, "--script", str(script), "--size", "120x40"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as viewer:
        # The host goes on telling, so that its alarm goes on.
        alerting.until(lambda: viewer.poll() is not None, "the script is played", 90)
        out, complaint = viewer.communicate()

    assert (viewer.returncode, complaint) == (0, "")
    assert "cpu.percent > 99" in out, "the back-test says what was tried"
    assert "silenced by anna" in out
    (burning,) = alerting.burning()
    assert (burning.acknowledged.owner, burning.acknowledged.note) == ("anna", "mine")
    (past,) = alerting.ask(Silences(past=True)).silences
    assert (past.owner, past.matches) == ("anna", ("web-1", "rule=busy"))
    assert past.reason == "new disk (ended by api)", "without tokens the API does not know who ends it"
    assert alerting.ask(Silences()).silences == ()


def test_a_silence_that_the_alerter_has_makes_its_host_paused_and_its_end_active(hub: tuple[Alerting, str]) -> None:
    alerting, url = hub

    def status() -> str:
        try:
            with urllib.request.urlopen(f"{url}/api/v1/servers/web-1", timeout=10) as answer:
                return str(json.load(answer)["monitoring_status"])
        except OSError:
            return "not answered"

    alerting.until(lambda: answers(url) and status() == "active", "the api knows the host")
    made = alerting.ask(AddSilence("anna", "new disk", time.time_ns() + 600 * 10**9, ("web-*",)))
    alerting.until(lambda: status() == "paused", "a worker has asked the alerter")
    alerting.ask(EndSilence(made.id, "anna"))
    alerting.until(lambda: status() == "active", "a worker has asked again")

"""Services through real programs: checked, counted, stored, told; seen from two places; over kills and cuts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from bus.messages import Check
from bus.questions import Range
from bus.wire import read
from tests.pipeline.asking import PROGRAMS, Hub
from tests.pipeline.programs import until
from tests.pipeline.served import Served
from tests.ports import free_port
from tests.prober.targets import speechless

SETTINGS = """
[api]
port = {api}
workers = 1
[prober]
private_networks = ["127.0.0.1"]
[[services]]
name = "shop"
url = "{url}"
interval = "1s"
timeout = "3s"
retries = 0
grace = 2
slow = "1500ms"
[[services]]
name = "backup"
check = "heartbeat"
interval = "1s"
every = "1h"
"""
ELSEWHERE = """
[prober]
place = "berlin"
private_networks = ["127.0.0.1"]
[[services]]
name = "shop"
url = "{url}"
interval = "1s"
places = ["berlin"]
retries = 0
"""


class Watched(Hub):
    """A hub whose prober watches a server of the test's."""

    def __init__(self, served: Served, more: str = "") -> None:
        self.api = free_port()
        self.served = served
        super().__init__(more=SETTINGS.format(url=served.url, api=self.api) + more)

    def run(self) -> None:
        """Start all and wait until the service was checked."""
        for name in (*PROGRAMS, "api", "prober"):
            self.start(name)
        self.sees("up")

    def checks(self, name: str = "shop") -> list[Check]:
        """All checks that are stored, oldest first."""
        found = self.ask(Range("check", name, 0, 2**62, 1000))
        records = found.records if found else ()
        return [record.message() for one in records for record in read(one.record)]

    def sees(self, state: str, name: str = "shop") -> Check:
        """Wait until the last check leaves the service in this state."""
        last: list[Check] = []

        def seen() -> bool:
            last[:] = self.checks(name)[-1:]
            return bool(last and last[0].state == state)

        self.until(seen, f"{name} is {state}: {last}")
        return last[0]

    def get(self, path: str, **options: Any) -> Any:
        """The API's answer; None while there is none."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.api}/api/v1/{path}", timeout=5, **options)
        except requests.RequestException:
            return None
        return answer.json() if answer.ok else None

    def got(self, path: str, **options: Any) -> Any:
        """The same, once there is one."""
        found: list[Any] = []

        def answered() -> bool:
            found[:] = [self.get(path, **options)]
            return found[0] is not None

        self.until(answered, f"an answer to {path}")
        return found[0]

    def until(self, seen: Callable[[], bool], what: str) -> None:
        """Wait for it; what ended by itself is started again, as supervisord does."""

        def revived() -> bool:
            self.revived()
            return seen()

        until(revived, 60, what, self)


@pytest.fixture
def hub() -> Iterator[Watched]:
    served = Served()
    made = Watched(served)
    try:
        made.run()
        yield made
    finally:
        made.close()
        served.stop()


def test_a_service_goes_down_and_comes_back_with_reasons(hub: Watched) -> None:
    first = next(check for check in hub.checks() if check.status == "up")
    assert (first.http_status, first.check) == (200, "http")
    assert first.phases is not None
    assert {"connect_ms", "first_byte_ms", "total_ms"} <= first.phases.keys()

    hub.served.status = 500
    down = hub.sees("down")
    assert down.http_status == 500
    assert "500" in (down.error or "")
    states = [(check.status, check.state) for check in hub.checks()]
    assert ("down", "up") in states, "one failing check is no outage"

    hub.served.status = 200
    hub.sees("up")
    hub.served.stop()
    assert "refused" in (hub.sees("down").error or "")
    hub.served.start()
    hub.sees("up")

    hub.served.delay = 2.0
    assert "slower than 1500 ms" in (hub.sees("degraded").error or "")
    hub.served.delay = 0.0
    hub.sees("up")

    def shop() -> dict[str, Any]:
        rows = (hub.get("services") or {"services": [{}]})["services"]
        return next((row for row in rows if row.get("name") == "shop"), {})

    hub.until(lambda: shop().get("health_status") == "up", "the API tells it")
    assert shop()["url"] == hub.served.url
    assert [place["place"] for place in shop()["places"]] == ["hub"]
    uptime = hub.got("services/shop/uptime")
    assert 0 < uptime["uptime_percentage"] < 100
    assert uptime["down_seconds"] > 0
    assert uptime["unknown_seconds"] > 80_000
    with connect(f"ws://127.0.0.1:{hub.api}/api/v1/stream?kinds=service_check&subjects=shop") as stream:
        event = json.loads(stream.recv(60))
        while event.get("status") == "degraded":  # a busy machine is slow for a moment
            event = json.loads(stream.recv(60))
    assert (event["type"], event["service_name"], event["status"]) == ("service_check", "shop", "up")
    assert (event["http_status_code"], event["place"], event["state"]) == (200, "hub", "up")
    rows = hub.got("services/shop/checks")["checks"]
    assert {row["status"] for row in rows} == {"up", "down", "degraded"}


def test_a_kill_forgets_no_state_and_loses_no_check(hub: Watched) -> None:
    hub.served.status = 500
    hub.sees("down")
    hub.kill("prober")
    count = len(hub.checks())
    hub.start("prober")
    hub.until(lambda: len(hub.checks()) > count, "it is checked again")
    assert {check.state for check in hub.checks()[count:]} == {"down"}, "it is down at once, not counted anew"

    # While the hub's door is away, checks wait in the spool.
    hub.kill("collector")
    before = hub.served.count
    hub.until(lambda: hub.served.count > before + 2, "it is checked all the same")
    count = len(hub.checks())
    hub.start("collector")
    hub.until(lambda: len(hub.checks()) >= count + 3, "what waited comes after all")


def test_a_job_that_reports_by_url_is_up_and_that_outlives_a_restart(hub: Watched) -> None:
    hub.sees("unknown", "backup")
    hub.until(lambda: bool(hub.get("heartbeat/backup")), "the report is on the disk")
    hub.sees("up", "backup")
    hub.kill("prober")
    assert hub.got("heartbeat/backup", params={"status": "down", "text": "disk full"})
    hub.start("prober")
    assert hub.sees("down", "backup").error == "it failed: disk full"

    # On the hub's own host a command does the same.
    def reported(*words: str) -> int:
        environment = {**os.environ, "GUARDIA_CONFIG": str(hub.config)}
        return subprocess.run([sys.executable, "-m", "bus.command", "heartbeat", *words], env=environment).returncode

    assert reported("backup") == 0
    hub.sees("up", "backup")
    assert reported("backup", "--failed", "disk full again") == 0
    assert hub.sees("down", "backup").error == "it failed: disk full again"
    assert reported("bakup") == 100


def test_a_service_is_seen_from_an_enrolled_place_too_and_both_are_judged() -> None:
    served = Served()
    rule = '[[rules]]\nname = "everywhere"\nwhen = "places(down) >= 2"\n[notify]\ngroup_seconds = 0\n'
    hub = Watched(served, rule)
    text = hub.config.read_text()
    hub.config.write_text(text.replace("[collector]", "keys = true\n[collector]", 1))
    place = Elsewhere(hub)
    try:
        for name in (*PROGRAMS, "api", "alerter", "prober"):
            hub.start(name)
        hub.sees("up")
        until(lambda: (hub.folder / "var" / "keys").exists(), 30, "the hub has keys", hub)
        place.join(hub)
        place.start("prober")
        until(lambda: {check.place for check in hub.checks()} == {"", "berlin"}, 60, "both tell of it", place)
        hub.until(
            lambda: [one["place"] for one in _shop(hub)["places"]] == ["hub", "berlin"], "the API knows both places"
        )
        # The place's own counters come as a host's: its silence is seen as any host's.
        hub.until(lambda: "berlin" in [one["server_id"] for one in hub.got("servers")["servers"]], "it is a host")

        served.status = 500

        def fires() -> bool:
            alarms = (hub.get("alerts") or {"alerts": []})["alerts"]
            found = {one["rule"] for one in alarms if one["subject"] == "shop" and one["state"] == "firing"}
            return {"everywhere", "service-down"} <= found

        hub.until(fires, "the alarm of two places and the usual one")
    finally:
        place.close()
        hub.close()
        served.stop()


def _shop(hub: Watched) -> dict[str, Any]:
    rows = (hub.get("services") or {"services": []})["services"]
    return next((row for row in rows if row["name"] == "shop"), {"places": []})


class Elsewhere(Hub):
    """A prober in a home of its own, that speaks to the hub's door."""

    def __init__(self, hub: Watched) -> None:
        super().__init__()
        self.config.write_text(f"[bus]\nvitals_seconds = 1\n{ELSEWHERE.format(url=hub.served.url)}")

    def join(self, hub: Watched) -> None:
        """Enroll at the hub, and take the line that it prints, as an operator does."""
        line = self._guardia(hub, "enroll", "--place", "berlin")
        self._guardia(self, "prober", "--join", "-", line=line)

    def _guardia(self, home: Hub, *words: str, line: str = "") -> str:
        environment = {**os.environ, "GUARDIA_CONFIG": str(home.config)}
        command = [sys.executable, "-m", "bus.command", *words]
        done = subprocess.run(command, env=environment, input=line, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_our_own_cut_makes_targets_unknown_and_not_down() -> None:
    served = Served()
    with speechless() as port:
        more = f"url = 'tcp://127.0.0.1:{port}'\ninterval = '1s'\ntimeout = '300ms'\nretries = 0\n"
        hub = Watched(served, f"\n[[services]]\nname = 'far'\n{more}")
        canaries = f"[prober]\ncanaries = ['tcp://127.0.0.1:{port}']\ncanary_seconds = '1s'"
        hub.config.write_text(hub.config.read_text().replace("[prober]", canaries))
        try:
            hub.run()
            hub.sees("unknown", "far")
            assert "our own side has no connection" in (hub.checks("far")[-1].error or "")
            assert {check.status for check in hub.checks("far")} == {"unknown"}
            # A target that does answer is judged as ever.
            served.status = 500
            assert hub.sees("down").http_status == 500
        finally:
            hub.close()
            served.stop()


def test_hundreds_of_targets_that_hang_keep_no_other_from_its_turn() -> None:
    served = Served()
    hanging = "".join(
        f'[[services]]\nname = "hang-{number}"\nurl = "tcp://127.0.0.1:{served.port}"\nexpect = "never"\n'
        'interval = "2s"\ntimeout = "1900ms"\nretries = 0\n'
        for number in range(300)
    )
    hub = Watched(served, hanging)
    try:
        hub.run()
        hub.until(lambda: bool(hub.checks("hang-299")), "the last one was checked")
        count = len(hub.checks())
        # Behind those that hang each of its turns would take a minute.
        hub.until(lambda: len(hub.checks()) >= count + 8, "the service that answers is checked in its time")
        assert "no answer within 1.9 s" in (hub.checks("hang-299")[-1].error or "")
    finally:
        hub.close()
        served.stop()

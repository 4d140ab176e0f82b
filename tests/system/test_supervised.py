"""The whole hub under the real supervisord: it comes up, heals what is killed or hangs, and goes without a trace."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.system.asking_wrongly import Wrong, questions
from tests.system.supervised import Hub, Receiver, is_alive, until

pytestmark = pytest.mark.system
PROGRAMS = [
    "agent",
    "alerter",
    "api",
    "collector",
    "prober",
    "store-reader",
    "store-sealer",
    "store-writer",
    "watchdog",
]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Where the watchdog tells what hangs."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Hub]:
    """A hub that runs and has heard of its host."""
    # A socket's path is short: pytest's own folders may be too deep.
    # On a busy machine a program that is well may need some seconds to start, and be slow.
    settings = '[watchdog]\nsilent_seconds = 20\nabort_seconds = 2\nurl = "file:watchdog.url"\n'
    made = Hub(tmp_path_factory.mktemp("h"), settings)
    url = made.etc / "watchdog.url"
    url.touch(mode=0o600)
    url.write_text(receiver.url)
    made.start()
    try:
        until(made.all_run, 60, f"all programs run: {made.log}")
        until(made.last_seen, 60, "the host was seen")
        # A worker that has not read from the store yet says so: whoever answers must have.
        until(lambda: all(made.ask("servers") for _ in range(20)), 60, "both workers of the API answer")
        yield made
    finally:
        made.stop()


def seen_again(hub: Hub, seconds: float) -> None:
    """Wait until the picture moves."""
    before = hub.last_seen()
    until(lambda: (now := hub.last_seen()) is not None and now != before, seconds, "the host's picture moves on")


def told_well(hub: Hub) -> str:
    """What ``guardia status`` tells once all is well."""
    told: list[str] = []

    def well() -> bool:
        said = hub.guardia("status")
        told.append(said.stdout)
        return said.returncode == 0

    try:
        until(well, 60, "guardia status ends with 0")
    except AssertionError as fault:
        raise AssertionError(f"{fault}: {told[-1]}") from None
    return told[-1]


def test_a_new_hub_shows_its_own_host(hub: Hub) -> None:
    assert sorted(hub.programs()) == PROGRAMS

    # A worker may have heard of the host and not yet of a sample: a host that said hello is up before it told a thing.
    def telling() -> dict[str, Any] | None:
        (host,) = (hub.ask("servers") or {}).get("servers", ()) or (None,)
        return host if host and host["health_status"] == "up" and host["latest_metrics"] else None

    host = until(telling, 60, "the host is up and has told of itself")
    assert host["server_id"] == "web-1"
    assert host["latest_metrics"]["memory"]["total"] > 0


def test_history_is_on_disk_and_comes_back_through_the_api(hub: Hub) -> None:
    def rows() -> bool:
        answer = hub.ask("servers/web-1/series?metric=cpu.percent&metric=memory.used&points=50")
        return bool(answer and any(value for one in answer["series"] for value in one["mean"]))

    until(rows, 60, "a series with values")


def test_the_viewer_prints_the_host(hub: Hub) -> None:
    def printed() -> bool:
        view = hub.guardia("view", "--url", f"http://127.0.0.1:{hub.api}", "--dump", "--size", "100x30")
        assert "Traceback" not in view.stderr, view.stderr
        return view.returncode == 0 and "web-1" in view.stdout

    until(printed, 60, "web-1 in the picture")


def test_status_says_that_all_is_well(hub: Hub) -> None:
    text = told_well(hub)
    assert all(name in text for name in PROGRAMS)
    assert "hosts: 1 up" in text


def asked(session: requests.Session, hub: Hub, wrong: Wrong) -> tuple[requests.Response] | None:
    """The answer; None when the store is too slow just now for any, and it shall be asked again."""
    answer = session.request(
        wrong.method,
        f"http://127.0.0.1:{hub.api}{wrong.path}",
        params=wrong.query,
        data=wrong.body,
        headers={"Content-Type": wrong.kind} if wrong.body else None,
        timeout=60,
    )
    return None if answer.status_code == 503 and "Retry-After" in answer.headers else (answer,)


def test_no_question_however_wrong_is_the_hubs_fault(hub: Hub) -> None:
    found = []
    openapi = until(lambda: hub.ask("openapi.json"), 60, "the api describes itself")
    with requests.Session() as session:
        for wrong in questions(openapi, seed=7, rounds=8):
            (answer,) = until(lambda: asked(session, hub, wrong), 60, f"an answer to {wrong}")  # noqa: B023
            if answer.status_code >= 400 and (
                answer.status_code >= 500 or not {"error", "code"} <= answer.json().keys()
            ):
                found.append((wrong, answer.status_code, answer.text[:200]))
    assert not found
    assert "Traceback" not in hub.log.read_text()


def test_sighup_reads_the_configuration_again_and_a_mistake_in_it_changes_nothing(hub: Hub) -> None:
    pid = hub.pids()["store-writer"]
    text = hub.config.read_text()
    log = hub.etc / "var" / "log" / "store-writer.log"
    try:
        hub.config.write_text(text + "[store]\nkeep_samples_seconds = 'a while'\nfree_byte = 1\n")
        os.kill(pid, signal.SIGHUP)
        said = "the new configuration is not used: "
        until(lambda: log.read_text().count(said) == 2, 60, "each mistake is told in a line of its own")
        hub.config.write_text(text + "[store]\nkeep_samples_seconds = '1h'\n")
        os.kill(pid, signal.SIGHUP)
        until(lambda: f"read {hub.config} again" in log.read_text(), 60, "the file is read again")
    finally:
        hub.config.write_text(text)
    assert hub.pids()["store-writer"] == pid
    seen_again(hub, 60)


def test_sighup_gives_the_api_new_workers_that_are_heard_under_the_names_of_the_old(hub: Hub) -> None:
    until(lambda: hub.ask("servers") is not None, 60, "the api answers")
    pid = hub.pids()["api"]
    before = children(pid)

    os.kill(pid, signal.SIGHUP)

    until(lambda: len(now := children(pid)) == len(before) and not now & before, 60, "all workers are others")
    until(lambda: hub.ask("servers") is not None, 60, "the api answers again")
    assert hub.pids()["api"] == pid
    assert f"read {hub.config} again" in (hub.etc / "var" / "log" / "api.log").read_text()
    assert sorted(path.name for path in (hub.etc / "var" / "log").glob("api-*.log")) == ["api-1.log", "api-2.log"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_is_killed_comes_back_and_the_picture_heals(hub: Hub, name: str) -> None:
    until(hub.all_run, 60, "all programs run")
    pids = hub.pids()

    os.kill(pids[name], signal.SIGKILL)

    until(lambda: hub.pids().get(name) not in (None, pids[name]), 60, f"{name} is started again")
    until(hub.all_run, 60, "all programs run")
    seen_again(hub, 60)
    others = {other: pid for other, pid in hub.pids().items() if other != name}
    assert others == {other: pid for other, pid in pids.items() if other != name}, "the others went on"


def test_a_program_that_hangs_is_ended_and_started_again_and_told_past_the_alerter(
    hub: Hub, receiver: Receiver
) -> None:
    until(hub.all_run, 60, "all programs run")
    pid = hub.pids()["collector"]

    os.kill(pid, signal.SIGSTOP)

    until(lambda: hub.pids().get("collector") not in (None, pid), 80, "the watchdog ended the hung collector")
    seen_again(hub, 60)
    assert "sending SIGKILL to collector" in (hub.etc / "var" / "log" / "watchdog.log").read_text()

    def told() -> list[tuple[str, str]]:
        return [(body["program"], body["state"]) for body in receiver.bodies]

    until(lambda: ("collector", "resolved") in told(), 60, f"that it is well again is told: {receiver.bodies}")
    assert told()[0] == ("collector", "firing")


def ended(hub: Hub) -> set[str]:
    """The programs that ended and will not be started again by supervisord."""
    return {name for name, info in hub.programs().items() if info["statename"] == "EXITED"}


def test_a_mistake_in_the_configuration_is_named_once_and_mended_by_mending_the_file(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.write("", api="prot")
    hub.start()
    try:
        until(lambda: ended(hub) == set(PROGRAMS) - {"watchdog"}, 60, "all that read the file ended")
        assert {info["exitstatus"] for info in hub.programs().values() if info["name"] != "watchdog"} == {100}
        text = hub.log.read_text()
        assert "[api] prot" in text
        assert "did you mean port?" in text
        assert text.count("did you mean port?") == len(PROGRAMS) - 1, (
            "each program says it once and is not started again"
        )
        assert "Traceback" not in text

        hub.write("")

        until(hub.all_run, 60, f"all programs run after the file was mended: {hub.programs()}")
        until(hub.last_seen, 60, "the host was seen")
    finally:
        hub.stop()


def test_a_hub_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    hub.start()
    until(hub.all_run, 60, "all programs run")
    pids = list(hub.pids().values())
    assert len(pids) == len(PROGRAMS)

    hub.stop()

    assert not [pid for pid in pids if is_alive(pid)]
    assert not list((hub.etc / "var" / "run").glob("*.beat"))
    assert not [path for path in (hub.etc / "var").rglob("*") if path.is_socket()]
    for port in (hub.door, hub.api):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


IN_A_TERMINAL = (sys.executable, "-c", "import pty, sys; pty.spawn(sys.argv[1:])")


@pytest.mark.parametrize("around", [(), IN_A_TERMINAL], ids=["killed", "terminal closed"])
def test_when_supervisord_is_killed_or_its_terminal_closed_nothing_goes_on_without_it(
    tmp_path: Path, around: tuple[str, ...]
) -> None:
    hub, family = Hub(tmp_path), list[int]()
    hub.start(*around)
    try:
        until(hub.all_run, 60, "all programs run")
        until(hub.last_seen, 60, "the host was seen")
        family += [child.pid for child in psutil.Process(hub.pid).children(recursive=True)]
        assert len(family) > len(PROGRAMS), "the workers of the api too"

        os.kill(hub.pid, signal.SIGKILL)

        until(lambda: not [pid for pid in family if is_alive(pid)], 60, "whom it started ended")
    finally:
        for pid in family:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        hub.stop()


def test_a_hub_whose_files_stand_elsewhere_is_asked_there_and_started_again_still_has_its_history(
    tmp_path: Path,
) -> None:
    hub = Hub(tmp_path)
    own = tmp_path / "own.toml"
    hub.config = hub.config.rename(own)
    hub.environment = {"GUARDIA_CONFIG": str(own), "GUARDIA_HOME": str(tmp_path / "home")}

    def rows() -> list[str]:
        answer = hub.ask("servers/web-1/metrics/latest?limit=1000")
        return [row["timestamp"] for row in answer["metrics"]] if answer else []

    hub.start()
    try:
        until(lambda: len(rows()) >= 3, 60, "some rows")
        before = rows()
        assert told_well(hub).count(" running ") == len(PROGRAMS)
        assert not (hub.etc / "var" / "store").exists()
    finally:
        hub.stop()
    hub.start()
    try:
        until(lambda: set(rows()) > set(before), 60, "the rows from before, and new ones")
    finally:
        hub.stop()
    assert "Traceback" not in hub.log.read_text()


def children(pid: int) -> set[int]:
    """The processes that this one started."""
    return {child.pid for child in psutil.Process(pid).children()}

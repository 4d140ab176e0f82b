"""``guardia status``: what is put together, how it reads, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bus.refused import Refused
from bus.refused import write as write_refused
from tests.viewer.fleet import InventedHost
from tests.viewer.hub import Hub
from tests.viewer.supervising import info, supervisord
from viewer.status import ProgramSeen, main, programs_at, programs_of, refused_lately, report, text

REMEDY = "; no hub runs there: make run starts one, --hub names another"

WELL = {"checks": {"store": {"status": "ok"}}}
ILL = {"checks": {"store": {"status": "failing", "reason": "the disk is full"}, "door": {"status": "ok"}}}
WEB = {"server_id": "web-1", "health_status": "up", "last_poll_error": None}
DB = {"server_id": "db-1", "health_status": "down", "last_poll_error": "nothing received for 6 minutes"}
API = ProgramSeen("api", "running", True, 7200.0, 2.0, "")


class HubWithHealth(Hub):
    """A hub that also tells how it is; ``servers`` other than None is told instead of its hosts."""

    health: Any = WELL
    status = 200
    servers: Any = None

    def _answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/health":
            return self.status, self.health
        if path == "/servers" and self.servers is not None:
            return (503 if "error" in self.servers else 200), self.servers
        return super()._answer(path, query)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubWithHealth]:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = HubWithHealth({"web-1": InventedHost("web-1")})
    yield found
    found.close()


def home(folder: Path, port: int) -> Path:
    """A hub's configuration whose API listens on ``port``."""
    path = folder / "guardia.toml"
    path.write_text(f'[api]\nbind = "127.0.0.1"\nport = {port}\n')
    (folder / "var" / "run").mkdir(parents=True)
    return path


# -- put together ------------------------------------------------------------------------------------------------


def test_a_running_program_is_well_and_has_the_age_of_its_beat() -> None:
    assert programs_of([info("api")], {"api": 8198.0}, now=8200.0) == (API,)


def test_a_program_that_was_stopped_by_hand_is_no_fault() -> None:
    (seen,) = programs_of([info("agent", "STOPPED", stop=1300)], {"agent": 1299.0}, now=1360.0)
    assert seen == ProgramSeen("agent", "stopped", True, 60.0, None, "")


def test_a_program_that_never_ran_is_as_old_as_nothing() -> None:
    (seen,) = programs_of([info("agent", "STOPPED", start=0)], {}, now=1360.0)
    assert seen.since == 0.0


@pytest.mark.parametrize(
    ("told", "note"),
    [
        (info("api", "EXITED", stop=1300, exitstatus=111), "exit code 111"),
        (info("api", "FATAL", stop=1300, spawnerr="no such file"), "no such file"),
        (info("api", "BACKOFF", stop=1300, spawnerr="", exitstatus=0), ""),
    ],
)
def test_a_program_that_should_run_and_does_not_is_amiss_and_says_why(told: dict[str, Any], note: str) -> None:
    (seen,) = programs_of([told], {}, now=1360.0)
    assert (seen.well, seen.note) == (False, note)


def test_all_is_well_when_programs_parts_and_hosts_are() -> None:
    found = report((API,), WELL, [WEB], [])
    assert (found.code, found.hosts, found.absent) == (0, {"up": 1}, ())


@pytest.mark.parametrize(
    ("programs", "health", "servers", "faults"),
    [
        ((ProgramSeen("api", "fatal", False, 1.0, None, ""),), WELL, [WEB], []),
        ((API,), ILL, [WEB], []),
        ((API,), WELL, [WEB, DB], []),
        (None, WELL, [WEB], ["supervisord does not answer"]),
        ((API,), WELL, None, ["servers: the hub wants a token"]),
    ],
    ids=["a program", "a part", "a host", "supervisord", "the list"],
)
def test_whatever_is_amiss_makes_the_exit_code_1(
    programs: tuple[ProgramSeen, ...] | None, health: Any, servers: Any, faults: list[str]
) -> None:
    assert report(programs, health, servers, faults).code == 1


def test_a_hub_that_does_not_answer_makes_the_exit_code_2_whatever_runs() -> None:
    assert report((API,), None, None, ["health: cannot reach hub:8080"]).code == 2


# -- for people --------------------------------------------------------------------------------------------------


def test_the_report_says_what_runs_how_the_hub_is_and_which_hosts_are_absent() -> None:
    fallen = ProgramSeen("store-writer", "fatal", False, 90.0, None, "exit code 111")
    found = report((API, fallen), ILL, [WEB, DB, {**WEB, "server_id": "web-2"}], ["a fault"])
    assert (
        text(found, "hub:8080")
        == """\
PROGRAM       STATE     FOR     BEAT
api           running   2h      2s ago
store-writer  fatal     1m                exit code 111

store: failing (the disk is full)
door: ok
hosts: 2 up, 1 down
  db-1 is down: nothing received for 6 minutes
a fault
"""
    )


def test_a_hub_without_hosts_and_one_without_an_answer_are_told_apart() -> None:
    assert text(report(None, WELL, [], []), "hub:8080") == "store: ok\nhosts: none yet\n"
    silent = text(report(None, None, None, ["health: cannot reach hub:8080"]), "hub:8080")
    assert silent == "hub at hub:8080: no answer\nhealth: cannot reach hub:8080\n"


def test_a_long_list_of_absent_hosts_is_cut_and_counted() -> None:
    lines = text(report(None, WELL, [{**DB, "server_id": f"db-{n}"} for n in range(25)], []), "hub").splitlines()
    assert lines[-1] == "  and 5 more"
    assert sum("is down" in line for line in lines) == 20


def test_what_a_host_says_of_itself_acts_on_no_terminal() -> None:
    found = text(report(None, WELL, [{**DB, "last_poll_error": "\x1b[2Jgone\x07\u202e\nhosts: all up"}], []), "hub")
    assert found.replace("\n", "").isprintable()
    assert found.count("\n") == 3


# -- as a command ------------------------------------------------------------------------------------------------


def test_the_command_asks_supervisord_and_the_hub_that_its_configuration_names(
    hub: HubWithHealth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home(tmp_path, hub.port)
    beat = tmp_path / "var" / "run" / "api.beat"
    beat.touch()
    with supervisord(tmp_path / "var", info("api", start=int(beat.stat().st_mtime) - 3600)):
        code = main(["--config", str(path)])
    said = capsys.readouterr().out
    assert code == 0, said
    lines = said.splitlines()
    assert re.fullmatch(r"api +running +1h +\d+s ago", lines[1]), lines[1]
    assert lines[3:] == ["store: ok", "hosts: 1 up"]


def test_another_hub_at_the_same_port_is_not_taken_for_this_one(
    hub: HubWithHealth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home(tmp_path, hub.port)
    with supervisord(tmp_path / "var", info("api")):
        assert main(["--config", str(path)]) == 2
    said = f"127.0.0.1:{hub.port}: another program answers there, and not this hub's api; [api] port names another port"
    assert capsys.readouterr().out.splitlines()[-2:] == [f"hub at 127.0.0.1:{hub.port}: no answer", said]


def test_a_supervisord_that_is_away_is_told_and_the_hub_is_asked_all_the_same(
    hub: HubWithHealth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home(tmp_path, hub.port)
    assert main(["--config", str(path)]) == 1
    said = capsys.readouterr().out
    assert "hosts: 1 up" in said
    assert f"supervisord does not answer at {tmp_path}/var/supervisor.sock: no such file or directory" in said


def test_a_supervisord_that_hangs_is_not_waited_for_without_end(tmp_path: Path) -> None:
    faults: list[str] = []
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(tmp_path / "supervisor.sock"))
        hanging.listen()
        assert programs_at(tmp_path, faults, patience=0.05) is None
    assert faults == [f"supervisord does not answer at {tmp_path}/supervisor.sock: timed out"]


def test_an_ill_hub_tells_what_it_is_ill_of(hub: HubWithHealth, capsys: pytest.CaptureFixture[str]) -> None:
    hub.health, hub.status = ILL, 503
    assert main(["--url", hub.url]) == 1
    assert "store: failing (the disk is full)" in capsys.readouterr().out


def test_json_tells_the_same_with_the_exit_code(hub: HubWithHealth, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", hub.url, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["hosts"], told["parts"]) == (0, {"up": 1}, WELL["checks"])
    assert told["programs"] is None, "another machine's supervisord cannot be asked"


def test_a_hub_that_cannot_be_reached_is_told_in_a_sentence_with_exit_code_2(
    hub: HubWithHealth, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
        assert main(["--url", f"http://{place}"]) == 2
    said = capsys.readouterr().out
    assert said == f"hub at {place}: no answer\nhealth: cannot reach {place}: connection refused{REMEDY}\n"


@pytest.mark.parametrize(
    ("health", "servers", "code"),
    [([], None, 2), ({"status": "fine"}, None, 2), ({"checks": [1]}, None, 2), (WELL, {"servers": "web-1"}, 1)],
)
def test_what_answers_otherwise_than_a_hub_is_asked_whether_it_is_one(
    health: Any, servers: Any, code: int, hub: HubWithHealth, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.health, hub.servers = health, servers
    assert main(["--url", hub.url]) == code
    assert "is this a Guardia hub?" in capsys.readouterr().out


def test_a_hub_that_cannot_answer_now_says_why_and_is_still_a_hub(
    hub: HubWithHealth, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.servers = {"error": "the store cannot answer now: its reader is not there", "code": "store_unavailable"}
    assert main(["--url", hub.url]) == 1
    said = capsys.readouterr().out
    assert "\nhosts: " in said, "by the word that people use"
    assert "answered 503: the store cannot answer now: its reader is not there" in said
    assert "is this a Guardia hub?" not in said


def test_the_token_is_shown_to_the_hub_and_to_nobody_else(
    hub: HubWithHealth, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.token = "right"
    assert main(["--url", hub.url]) == 2
    assert "wants a token: give --token-file FILE or set GUARDIA_TOKEN" in capsys.readouterr().out
    monkeypatch.setenv("GUARDIA_TOKEN", "right")
    assert main(["--url", hub.url]) == 0
    assert "right" not in capsys.readouterr().out


@pytest.mark.parametrize("given", [["--colour"], ["--url", "hub"], ["--token-file", os.devnull]])
def test_what_was_asked_wrongly_is_answered_with_100(
    given: list[str], hub: HubWithHealth, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(given)
    except SystemExit as left:
        code = left.code
    assert code == 100
    assert capsys.readouterr().err


def test_a_configuration_with_faults_is_told_with_all_of_them(
    hub: HubWithHealth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home(tmp_path, 70_000)
    path.write_text(path.read_text() + "binnd = 1\n")
    assert main(["--config", str(path)]) == 100
    said = capsys.readouterr().err
    assert "port" in said
    assert "binnd" in said


def test_a_mistake_elsewhere_in_the_configuration_is_told_with_how_the_hub_is(
    hub: HubWithHealth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home(tmp_path, hub.port)
    path.write_text(path.read_text() + "[stoer]\n")
    (tmp_path / "var" / "run" / "api.beat").touch()
    with supervisord(tmp_path / "var", info("api")):
        assert main(["--config", str(path)]) == 1
    said = capsys.readouterr().out
    assert "hosts: 1 up" in said
    assert f"{path}:4: [stoer]: found an unknown table" in said
    assert "did you mean store?" in said


# -- refusals -----------------------------------------------------------------------------------------------------


def test_whom_the_collector_refused_within_the_hour_is_told_the_most_refused_first(tmp_path: Path) -> None:
    noon = 1_769_860_800
    old = Refused("magic", "192.0.2.1", 9, (noon - 4000) * 10**9, "starts with b'GE', not with b'G1'")
    few = Refused("rate", "web-7", 3, (noon - 60) * 10**9, "more than 20,000 messages a second")
    many = Refused("unknown key", "192.0.2.9", 500, noon * 10**9, "the key 1234 is not enrolled")
    write_refused(tmp_path, [old, few, many])

    found = refused_lately(tmp_path, noon + 1)

    assert found == (many, few)
    shown = text(replace(report((), WELL, [WEB], []), refused=found), "")
    assert "  500 from 192.0.2.9, unknown key, last at " in shown
    assert shown.index("192.0.2.9") < shown.index("web-7")


def test_refusals_are_no_fault_and_what_a_sender_calls_itself_acts_on_no_terminal() -> None:
    refused = Refused("name", "\x1b]0;gone\x07", 1, 1, "\x1b[2J")
    found = replace(report((), WELL, [WEB], []), refused=(refused,))
    assert found.code == 0
    assert "\x1b" not in text(found, "")


def test_a_collector_that_left_nothing_refused_nobody(tmp_path: Path) -> None:
    assert refused_lately(tmp_path, 0.0) == ()
    (tmp_path / "collector.refused.json").write_text('[{"reason": 1}]')
    assert refused_lately(tmp_path, 0.0) == ()

"""Screens as data, and lists that are printed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.hub import Hub
from tests.viewer.test_acts import burning
from tests.viewer.test_program import view
from viewer import keys, printing
from viewer.screens import SCREENS
from viewer.twins import TWINS, twin

REMEDY = "; no hub runs there: make run starts one, --hub names another"


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(20, 1e9))
    found.services = {"shop": "up", "mail": "down"}
    yield found
    found.close()


def test_every_screen_that_can_be_asked_for_has_a_twin() -> None:
    assert set(TWINS) == {*keys.SCREENS, "help"} <= set(SCREENS)


@pytest.mark.parametrize("screen", TWINS)
def test_a_twin_is_json_and_says_what_it_is(screen: str) -> None:
    _, found = burning(screen=screen)
    told = json.loads(json.dumps(twin(found.scene()), allow_nan=False))
    assert (told["screen"], told["link"]) == (screen, "live")


def test_a_twin_tells_what_its_screen_shows() -> None:
    _, found = burning()
    told = twin(found.scene())
    assert [one["rule"] for one in told["alerts"]] == ["disk-full", "cpu-busy", "cpu-busy", "cpu-busy"]
    assert told["silences"][0]["matches"] == ("web-*",)


def test_the_program_prints_a_twin(hub: Hub, tmp_path: Path) -> None:
    done = view(tmp_path, "--url", hub.url, "--json", "--screen", "pulse")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["hosts"] == {"up": 19, "down": 1}
    assert told["firing"][0]["rule"] == "host-silent"


def test_a_list_is_printed_once_without_any_colour(hub: Hub, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert printing.hosts(["--url", hub.url, "web"]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["STATE", "HOST"],
        *(["up", f"web-{number}"] for number in range(1, 5)),
    ]
    assert "\x1b" not in "".join(lines)


def test_the_busiest_come_first_and_no_more_than_asked_for(hub: Hub, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert printing.top(["--url", hub.url, "-n", "3", "--json"]) == 0
    told = json.loads(capfdbinary.readouterr().out)["hosts"]
    cpus = [one["cpu_percent"] for one in told]
    assert len(cpus) == 3
    assert cpus == sorted(cpus, reverse=True)


def test_where_no_line_is_wanted_it_is_said_of_no_host_that_it_was_not_heard(
    hub: Hub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert printing.top(["--url", hub.url, "-n", "0"]) == 0
    assert capsys.readouterr().err == "guardia top: no line is wanted: --lines is 0\n"


def test_no_address_has_none_that_is_like_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert printing.hosts(["--hub", "hub.example:8080"]) == 100
    assert "did you mean http://hub.example:8080?" in capsys.readouterr().err
    assert printing.hosts(["--hub", ""]) == 100
    assert "did you mean" not in capsys.readouterr().err


def test_services_are_printed_the_most_urgent_first(hub: Hub, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert printing.services(["--url", hub.url]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["down", "mail"], ["up", "shop"]]


def test_a_hub_that_is_away_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert printing.hosts(["--hub", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == f"guardia hosts: cannot reach 127.0.0.1:1: connection refused{REMEDY}\n"
    assert printing.hosts(["--url", "http://127.0.0.1:1", "-n", "-1"]) == 100


def test_names_are_aligned_by_what_they_take_and_act_on_nothing() -> None:
    text = printing.table(("A", "B"), [("日本", "1"), ("\x1b[31m", "22")], right=(1,))
    assert text.splitlines()[1] == "日本    1"
    assert "\x1b" not in text

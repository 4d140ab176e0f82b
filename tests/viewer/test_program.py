"""The program as it is typed: pictures in a pipe, faults, exit codes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, calm
from tests.viewer.hub import Hub
from tests.viewer.seat import PROJECT
from viewer.config import Viewer
from viewer.events import HostsTold
from viewer.program import make_model, named

REMEDY = "; no hub runs there: make run starts one, --hub names another"


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(2))
    yield found
    found.close()


def view(home: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(
        [sys.executable, "-m", "viewer", *flags],
        cwd=PROJECT,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_dump_in_a_pipe_is_plain_text_of_the_size_asked_for(hub: Hub, tmp_path: Path) -> None:
    done = view(tmp_path, "--url", hub.url, "--dump", "--size", "100x30", "--screen", "hosts")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 30
    assert max(len(line) for line in lines) == 100
    assert "\x1b" not in done.stdout
    assert "db-1" in done.stdout
    assert "⣿" in done.stdout, "history is in the first picture"


def test_a_dump_of_a_locale_that_knows_ascii_only_is_ascii(hub: Hub, tmp_path: Path) -> None:
    done = view(tmp_path, "--url", hub.url, "--dump", "--host", "db-1", LC_ALL="C")
    assert done.returncode == 0
    assert done.stdout.isascii()


def test_the_plain_locale_counts_as_utf_8_which_the_page_says(hub: Hub, tmp_path: Path) -> None:
    for locale in ({"LANG": "C"}, {}):
        done = view(tmp_path, "--url", hub.url, "--dump", "--host", "db-1", LC_ALL="", **locale)
        assert (done.returncode, "⣿" in done.stdout) == (0, True), done.stderr


def test_a_hub_that_cannot_be_reached_is_told_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        done = view(tmp_path, "--url", f"http://127.0.0.1:{port}", "--dump")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == f"guardia view: cannot reach 127.0.0.1:{port}: connection refused{REMEDY}\n"


def test_a_host_that_the_hub_does_not_know_is_told(hub: Hub, tmp_path: Path) -> None:
    done = view(tmp_path, "--url", hub.url, "--dump", "--host", "web-9")
    assert (done.returncode, done.stderr) == (1, "guardia view: the hub knows no host web-9\n")


def test_a_token_is_asked_for_shown_and_refused(tmp_path: Path) -> None:
    hub = Hub(fleet(1), token="right")
    try:
        none = view(tmp_path, "--url", hub.url, "--dump")
        wrong = view(tmp_path, "--url", hub.url, "--dump", GUARDIA_TOKEN="wrong")
        right = view(tmp_path, "--url", hub.url, "--dump", GUARDIA_TOKEN="right")
    finally:
        hub.close()
    assert [done.returncode for done in (none, wrong, right)] == [1, 1, 0]
    assert "wants a token: give --token-file FILE or set GUARDIA_TOKEN" in none.stderr
    assert "refuses this token" in wrong.stderr
    assert "wrong" not in wrong.stderr
    assert "web-1" in right.stdout


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "viewer.toml"
    path.write_text('api_ulr = "http://hub"\nrefresh_interval = 0\ntime_window_seconds = "long"\n')
    done = view(tmp_path, "--config", str(path), "--dump")
    assert done.returncode == 100
    assert all(f"viewer.toml:{line}" in done.stderr for line in (1, 2, 3))
    assert "api_url" in done.stderr


@pytest.mark.parametrize(
    "flags",
    [
        ["--size", "big"],
        ["--screen", "nowhere"],
        ["--url", "hub"],
        ["--script", "/nowhere"],
        ["--colour"],
        ["--token", ""],
    ],
)
def test_what_was_asked_wrongly_is_answered_with_100(flags: list[str], tmp_path: Path) -> None:
    done = view(tmp_path, "--dump", *flags)
    assert done.returncode == 100
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("written", "told"), [(b"down\nnowhere\n", "line 2: 'nowhere' is no key"), (b"\xff\xfe", "it is no text in UTF-8")]
)
def test_what_is_wrong_with_a_script_is_told_with_its_file(written: bytes, told: str, tmp_path: Path) -> None:
    script = tmp_path / "keys"
    script.write_bytes(written)
    done = view(tmp_path, "--script", str(script))
    assert done.returncode == 100
    assert done.stderr.startswith(f"guardia view: {script}: {told}")


@pytest.mark.parametrize(
    ("folder", "told"), [(True, "found a folder"), (False, "found bytes that are no text in UTF-8")]
)
def test_settings_that_are_none_are_told_in_words(folder: bool, told: str, tmp_path: Path) -> None:
    path = tmp_path / "viewer.toml"
    path.mkdir() if folder else path.write_bytes(b"\xff")
    done = view(tmp_path, "--dump", "--config", str(path))
    assert (done.returncode, f"{path}: {told}, expected a readable file" in done.stderr) == (100, True), done.stderr


def begun(folder: Path, hosts: int, *flags: str) -> str:
    """The screen that a hub with so many hosts is first seen on."""
    found = Hub(fleet(hosts))
    try:
        done = view(folder, "--hub", found.url, "--json", *flags)
    finally:
        found.close()
    assert (done.returncode, done.stderr) == (0, "")
    return str(json.loads(done.stdout)["screen"])


def test_a_fleet_is_first_seen_at_a_glance_one_host_as_it_is_and_who_chose_gets_that(tmp_path: Path) -> None:
    assert begun(tmp_path, 3) == "pulse"
    assert begun(tmp_path, 1) == "hosts"
    assert begun(tmp_path, 1, "--screen", "pulse") == "pulse"
    assert begun(tmp_path, 3, "--host", "web-1") == "host"
    (tmp_path / ".config" / "guardia").mkdir(parents=True)
    (tmp_path / ".config" / "guardia" / "viewer.toml").write_text('screen = "alerts"\n')
    assert begun(tmp_path, 3) == "alerts"
    assert begun(tmp_path, 3, "--screen", "services") == "services"


def test_a_replay_begins_so_long_ago_as_the_page_writes_it(hub: Hub, tmp_path: Path) -> None:
    done = view(tmp_path, "--hub", hub.url, "--dump", "--host", "web-1", "--replay", "-2h")
    assert (done.returncode, done.stderr) == (0, "")
    assert ", 2 h ago" in done.stdout.splitlines()[0]


def test_who_presses_a_key_before_the_hub_answers_is_not_moved() -> None:
    model = make_model(Viewer(), "http://hub", None, None)
    model.press("4", NOON)
    model.take(HostsTold((calm(),)), NOON)
    assert model.screen == "services"


def test_without_a_terminal_it_says_how_to_print(tmp_path: Path) -> None:
    done = view(tmp_path)
    assert done.returncode == 100
    assert "--dump" in done.stderr


def test_a_script_prints_its_pictures(hub: Hub, tmp_path: Path) -> None:
    script = tmp_path / "keys"
    script.write_text("wait loaded\n2\nwait loaded\n/\ntype db\nenter\ndump\nenter\nwait text Filesystems\ndump\n")
    done = view(tmp_path, "--url", hub.url, "--script", str(script), "--size", "80x24")
    assert done.returncode == 0
    assert done.stdout.count("1 Pulse  2 Hosts") == 2
    assert "filter db" in done.stdout


def test_a_reader_that_has_seen_enough_is_no_fault(hub: Hub, tmp_path: Path) -> None:
    command = f"{sys.executable} -m viewer --url {hub.url} --dump | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


def test_the_header_names_the_hub_without_its_password() -> None:
    assert named("http://me:secret@hub:8080/") == "hub:8080"
    assert named("https://hub") == "https://hub"

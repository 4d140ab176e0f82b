"""Which hub a command asks that prints once, over TLS too; and what it says and ends with when nobody answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from bus import hubs
from bus.arguments import Parser
from tests.bus.test_config import PROJECT
from tests.prober.certs import authority, authority_file, serving
from tests.viewer.fleet import fleet
from tests.viewer.hub import Hub
from tests.viewer.strange import answer, strange
from tests.viewer.test_program import view
from viewer import alerts_command, printing, status, why_command

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "top": printing.top,
    "hosts": printing.hosts,
    "services": printing.services,
    "alerts": alerts_command.main,
    "status": status.main,
}
each = pytest.mark.parametrize("name", COMMANDS)


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The viewer's settings of a person who has none yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GUARDIA_TOKEN", raising=False)
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path / "no hub is here"))
    folder = tmp_path / ".config" / "guardia"
    folder.mkdir(parents=True)
    return folder / "viewer.toml"


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub(fleet(20, 1e9), token="right")
    yield found
    found.close()


@each
def test_nobody_there_is_a_sentence_and_2(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[name](["--hub", "http://127.0.0.1:1"]) == 2
    said = "".join(capsys.readouterr())
    assert "cannot reach 127.0.0.1:1: connection refused" in said
    assert "\x1b" not in said


@each
def test_a_token_is_asked_for_refused_and_taken_from_file_environment_and_settings(
    name: str,
    hub: Hub,
    tmp_path: Path,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "token"
    file.write_text("right\n")
    ask = ["--hub", hub.url]
    assert COMMANDS[name](ask) == 2
    assert "wants a token: give --token-file FILE or set GUARDIA_TOKEN" in "".join(capfd.readouterr())
    monkeypatch.setenv("GUARDIA_TOKEN", "wrong")
    assert COMMANDS[name](ask) == 2
    said = "".join(capfd.readouterr())
    assert "refuses this token" in said
    assert "wrong" not in said
    assert COMMANDS[name]([*ask, "--token-file", str(file)]) in (0, 1), "a flag wins"
    monkeypatch.setenv("GUARDIA_TOKEN", "right")
    assert COMMANDS[name](ask) in (0, 1)
    monkeypatch.delenv("GUARDIA_TOKEN")
    settings.write_text(f'token_file = "{file}"\n')
    assert COMMANDS[name](ask) in (0, 1)


@each
def test_a_certificate_is_looked_at(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trusted = authority_file(tmp_path)
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    found = Hub(fleet(2), tls=serving(authority().issue_cert("127.0.0.1")))
    try:
        assert COMMANDS[name](["--hub", found.url]) == 2
        assert "shows a certificate that is not trusted" in "".join(capfd.readouterr())
        assert COMMANDS[name](["--hub", found.url.replace("https", "http")]) == 2
        assert COMMANDS[name](["--hub", found.url, "--ca-file", trusted]) in (0, 1)
        assert COMMANDS[name](["--hub", found.url, "--ca-file", str(nonsense)]) == 100
        assert "it holds no certificate, expected a file of certificates" in "".join(capfd.readouterr())
    finally:
        found.close()


@each
def test_an_authority_of_ones_own_is_trusted_whatever_the_environment_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere.pem"
    trusted = Path(authority_file(tmp_path))
    elsewhere.write_bytes(trustme.CA().cert_pem.bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(elsewhere))
    monkeypatch.setenv("NO_PROXY", "*")
    found = Hub(fleet(2), tls=serving(authority().issue_cert("127.1")))
    try:
        # Another way to write an address of this machine, which nobody takes for its own.
        url = found.url.replace("127.0.0.1", "127.1")
        assert COMMANDS[name](["--hub", url, "--ca-file", str(trusted)]) in (0, 1)
    finally:
        found.close()


@each
def test_http_is_not_mistaken_for_tls(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    found = Hub(fleet(1))
    try:
        assert COMMANDS[name](["--hub", found.url.replace("http", "https")]) == 2
    finally:
        found.close()
    assert "is it http:// rather than https://?" in "".join(capfd.readouterr())


def test_the_viewer_listens_over_tls_too(tmp_path: Path) -> None:
    found = Hub(fleet(2), tls=serving(authority().issue_cert("127.0.0.1")))
    script = tmp_path / "keys"
    script.write_text("wait live\nwait loaded\ndump\n")
    try:
        done = view(tmp_path, "--hub", found.url, "--ca-file", authority_file(tmp_path), "--script", str(script))
    finally:
        found.close()
    assert (done.returncode, done.stderr) == (0, "")
    assert "● LIVE" in done.stdout


def test_what_fires_is_printed_the_worst_first_and_ends_with_1(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.token = None
    assert alerts_command.main(["--hub", hub.url]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].split() == ["SEVERITY", "STATE", "SUBJECT", "RULE", "SINCE", "INCIDENT", "REASON"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["critical", "firing"],
        ["warning", "firing"],
        ["warning", "pending"],
    ]


def test_alarms_of_one_host_alone_decide_the_exit_code(hub: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.token = None
    assert alerts_command.main(["--hub", hub.url, "--json"]) == 1
    told = json.loads(capfd.readouterr().out)
    names = {one["state"]: one["subject"] for one in told["alerts"]}
    assert [one["id"] for one in told["silences"]] == ["s1", "s2"]
    assert alerts_command.main(["--hub", hub.url, f"host/{names['firing']}"]) == 1
    assert alerts_command.main(["--hub", hub.url, names["pending"]]) == 0, "nothing fires yet"
    capfd.readouterr()
    assert alerts_command.main(["--hub", hub.url, f"service/{names['firing']}"]) == 0
    assert capfd.readouterr().out == "Nothing fires.\n"


STRANGE: dict[str, tuple[bytes, str]] = {
    "a page": (answer(b"<html>hello</html>"), "no JSON"),
    "an object": (answer(b'{"a": [1, 2]}'), "no list of"),
    "a list": (answer(b"[1, 2]"), "no JSON object"),
    "rows of numbers": (answer(b'{"servers": [1, 2], "services": 7, "alerts": 7, "checks": 7}'), ""),
    "half of an answer": (answer(b'{"servers": [{"server_id": "web-1"}, '), ""),
    "another place": (answer(b"", "302 Found\r\nLocation: http://127.0.0.1:1/"), "answered 302"),
    "a fault": (answer(b"oops", "500 Oops"), "answered 500"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
    "nothing": (b"", "closed the connection"),
}


@each
@pytest.mark.parametrize("what", STRANGE)
def test_who_is_no_hub_is_told_from_one(name: str, what: str, capfd: pytest.CaptureFixture[str]) -> None:
    said, why = STRANGE[what]
    with strange(said) as url:
        assert COMMANDS[name](["--hub", url]) == 2
    told = "".join(capfd.readouterr())
    assert "Traceback" not in told
    assert "Expecting" not in told
    assert name == "status" or why in told, told


def test_a_configuration_without_end_is_no_traceback(tmp_path: Path) -> None:
    config = tmp_path / "guardia.toml"
    config.write_text("a = " + "[" * 5000)
    done = subprocess.run(
        [sys.executable, "-m", "bus.command", "hosts"],
        env={"PATH": os.environ["PATH"], "GUARDIA_CONFIG": str(config), "HOME": str(tmp_path)},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr.startswith(f"{config}: found nothing that says where its hub listens")
    assert done.returncode == 100


class Picky(Hub):
    """A hub that knows no host wbe-1, and says so when it is asked why."""

    def _answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/why" and query["subject"] == ["wbe-1"]:
            return 200, {"verdicts": [{"verdict": "unknown_subject", "detail": "nobody has heard of \x1bwbe-1"}]}
        return super()._answer(path, query)


def test_alarms_of_a_name_that_nobody_has_are_not_called_none(capfd: pytest.CaptureFixture[str]) -> None:
    found = Picky(fleet(20, 1e9))
    try:
        assert alerts_command.main(["--hub", found.url, "wbe-1"]) == 100
        assert capfd.readouterr() == ("", "guardia alerts: nobody has heard of \N{REPLACEMENT CHARACTER}wbe-1\n")
        assert alerts_command.main(["--hub", found.url, "*"]) == 1, "a glob"
        found.alarming = False
        assert alerts_command.main(["--hub", found.url, "wbe-1"]) == 2
    finally:
        found.close()


def test_the_alerter_of_this_machine_is_asked_where_nothing_names_another(capfd: pytest.CaptureFixture[str]) -> None:
    assert alerts_command.main([]) == 2
    assert "the hub is not running here" in capfd.readouterr().err


def test_the_hub_of_this_machine_is_asked_where_its_own_configuration_says(
    hub: Hub, tmp_path: Path, settings: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    hub.token = None
    config = tmp_path / "guardia.toml"
    config.write_text(f'[api]\nbind = "0.0.0.0"\nport = {hub.port}\n')
    monkeypatch.setenv("GUARDIA_CONFIG", str(config))
    assert printing.hosts(["web-1"]) == 0
    assert "web-1" in capfd.readouterr().out
    settings.write_text('api_url = "http://127.0.0.1:1"\n')
    assert printing.hosts([]) == 2, "the viewer's settings win"
    settings.unlink()
    refused = "cannot reach 127.0.0.1:8080: connection refused"
    assert hubs.with_remedy(refused) == f"{refused}; no hub runs there: make run starts one, --hub names another"
    for text in ("[api\n", "api = 7\n", '[api]\nport = "8080"\n', "[api]\nport = 99999\n"):
        config.write_text(text)
        assert hubs.here({"GUARDIA_CONFIG": str(config)}) == ""
    assert hubs.with_remedy(refused) == (
        f"{refused}; where the hub of {config} listens cannot be read there: guardia check names what is wrong"
    )
    elsewhere = "cannot reach 127.0.0.1:9: connection refused"
    assert hubs.with_remedy(elsewhere).startswith(f"{elsewhere}; no hub runs there")
    (tmp_path / "var" / "spool" / "web-1").mkdir(parents=True)
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path / "var"))
    assert hubs.with_remedy(elsewhere).endswith("and this host has an agent alone: --hub names its hub")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (None, "found no such file or directory, expected a configuration file"),
        (b"\xff", "found nothing that says where its hub listens"),
        (b"[api]\nport = 0\n", "found nothing that says where its hub listens"),
    ],
)
def test_where_the_configuration_that_is_named_says_nothing_no_other_hub_is_asked(
    written: bytes | None,
    told: str,
    tmp_path: Path,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "guardia.toml"
    if written is not None:
        config.write_bytes(written)
    monkeypatch.setenv("GUARDIA_CONFIG", str(config))
    assert printing.hosts([]) == 100
    assert f"{config}: {told}" in capfd.readouterr().err


def test_settings_that_name_another_machine_send_commands_there(settings: Path) -> None:
    given = Parser()
    hubs.add_flags(given)
    none = given.parse_args([])
    assert hubs.elsewhere(none, {}) is None
    settings.write_text('api_url = "http://127.0.0.1:9000"\n')
    assert hubs.elsewhere(none, {}) is None, "it is this machine"
    settings.write_text('api_url = "https://hub.example"\n')
    found = hubs.elsewhere(none, {"GUARDIA_TOKEN": "right"})
    assert found is not None
    assert (found.url, found.token and found.token.reveal()) == ("https://hub.example", "right")
    flagged = hubs.elsewhere(given.parse_args(["--hub", "http://127.0.0.1:9000"]), {})
    assert flagged is not None
    assert flagged.url == "http://127.0.0.1:9000", "who names it means it"


@each
def test_faults_of_the_settings_are_told(name: str, settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings.write_text('api_ulr = "http://hub"\n')
    assert COMMANDS[name]([]) == 100
    assert "viewer.toml:1" in capsys.readouterr().err


@each
@pytest.mark.parametrize("url", ["http://[::1", "http://hub:0", "hub:8080", "http://hub.example/a b"])
def test_an_address_that_is_none_is_told(
    name: str, url: str, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.write_text(f"api_url = {url!r}\n")
    assert COMMANDS[name]([]) == 100
    assert f"{settings}: api_url: found {url!r}, expected http://HOST:PORT or https://HOST" in capsys.readouterr().err


@each
def test_a_token_on_the_command_line_is_neither_taken_for_a_file_nor_shown(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        COMMANDS[name](["--token", "gd_reader"])
    said = capsys.readouterr().err
    assert ended.value.code == 100
    assert "--token is not for this command" in said
    assert "--token-file FILE" in said
    assert "gd_reader" not in said


class Explaining(Hub):
    """A hub that says why."""

    wanted: dict[str, list[str]]

    def _answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if path == "/why" and query["subject"] == ["nobody"]:
            return 200, {"verdicts": [{"verdict": "unknown_subject", "detail": "nobody has heard of nobody"}]}
        if path == "/why":
            self.wanted = query
            chain = [{"at": "2026-01-31T11:50:00.000Z", "decision": "pending", "detail": "it is 96.5"}]
            verdict = {"rule": "disk-full", "subject": "host/web-1", "instance": "/", "verdict": "not_met"}
            return 200, {"verdicts": [{**verdict, "detail": "below 95", "chain": chain}]}
        return super()._answer(path, query)


def test_why_asks_any_hub_and_prints_as_this_one_does(capfd: pytest.CaptureFixture[str]) -> None:
    found = Explaining(fleet(20, 1e9))
    try:
        words = ["host/web-1", "disk*", "--at", "2026-01-31T12:00Z", "--hub", found.url]
        assert why_command.main(words) == 0
        assert capfd.readouterr().out == (
            "disk-full on host/web-1 [/]: not met\n  below 95\n    2026-01-31 11:50:00Z  pending      it is 96.5\n"
        )
        assert (found.wanted["rule"], found.wanted["at"]) == (["disk*"], ["1769860800000"])
        assert why_command.main([*words, "--json"]) == 0
        (chain,) = json.loads(capfd.readouterr().out)["chains"]
        assert (chain["verdict"], chain["steps"][0]["at"]) == ("not_met", 1_769_860_200_000_000_000)
        assert why_command.main(["nobody", "--hub", found.url]) == 100
        assert capfd.readouterr().err == "guardia why: nobody has heard of nobody\n"
    finally:
        found.close()
    assert why_command.main(["web-1", "--hub", found.url]) == 2
    assert "connection refused" in capfd.readouterr().err

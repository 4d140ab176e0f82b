"""The word after ``guardia``: found, guessed, or refused with exit code 100."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bus import command
from bus.command import COMMANDS, SECTIONS
from bus.exits import WRONG

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_leads_to_a_function(name: str) -> None:
    module, _, function = COMMANDS[name].place.partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert COMMANDS[name].help


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    told = capsys.readouterr().out
    assert not [name for name in COMMANDS if not re.search(rf"^  {name} ", told, re.MULTILINE)]


def test_the_sections_of_the_help_hold_every_command_once() -> None:
    assert sorted(", ".join(SECTIONS.values()).split(", ")) == sorted(COMMANDS)


def test_a_first_word_alone_can_be_asked_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["silence", "--help"]) == 0
    told = capsys.readouterr().out
    assert "silence add" in told
    assert "silence end" in told
    assert "store" not in told


def test_help_may_stand_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["help", "check"]) == 0
    assert "guardia check" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--config"], ["--config", "mine.toml"], ["--config="]])
def test_a_configuration_without_a_command_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == WRONG
    assert "guardia --config FILE status" in capsys.readouterr().err


def test_who_reads_no_further_than_the_first_lines_sees_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m bus.command --help | head -n 1"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.startswith("Usage: guardia")
    assert done.stderr == ""


def test_files_of_another_user_are_told_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refused(self: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    (tmp_path / "guardia.toml").touch()
    monkeypatch.setenv("GUARDIA_CONFIG", str(tmp_path / "guardia.toml"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(Path, "exists", refused)
    assert command.main(["rules", "--config", str(tmp_path / "guardia.toml")]) == WRONG
    told = capsys.readouterr().err
    assert re.fullmatch(
        r"guardia: \S+/run/alerter.ipc: permission denied; it is another user's: put sudo -u \S+ .*\n", told
    )


def test_no_word_at_all_is_wrong_and_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([]) == WRONG
    assert "Usage: guardia" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--version"]) == 0
    assert re.fullmatch(r"guardia \d+\.\d+\S*\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["colector"], "did you mean collector?"),
        (["store", "writter"], "did you mean store writer?"),
        (["rules", "tset", "file"], "'rules tset'; did you mean rules test?"),
        (["store", "snapsho"], "'store snapsho'; did you mean store snapshot?"),
        (["store", "nothing"], "'store nothing'; there are store writer, "),
        (["chekc", "--json"], "did you mean check?"),
        (["everything"], "see guardia --help"),
    ],
)
def test_a_word_that_is_none_is_answered_with_the_nearest(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(words) == WRONG
    told = capsys.readouterr().err
    assert f"there is no command '{words[0]}" in told
    assert hint in told


def test_a_word_that_wants_another_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["store"]) == WRONG
    said = capsys.readouterr()
    assert said.err.startswith("guardia: store wants another word\nUsage: guardia store COMMAND")
    assert "\n  store verify    reads all" in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_that_is_asked_wrongly_ends_with_100_and_no_traceback(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*name.split(), "--no-such-option"]) == WRONG
    told = capsys.readouterr().err
    assert "--no-such-option" in told or "required" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "words",
    [
        *("why \udcff", "ack \udcff", "silence end \udcff", "drill alert --channel \udcff"),
        "silence add web-1 --for 1h --reason \udcff",
    ],
)
def test_an_argument_that_is_no_text_is_told(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "guardia.toml"
    config.touch()
    assert command.main([*words.split(), "--config", str(config)]) == WRONG
    assert capsys.readouterr().err == "guardia: found '\\udcff', expected text in UTF-8\n"


def test_a_configuration_named_before_the_command_holds_for_it(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[apii]\n")
    done = subprocess.run(
        [sys.executable, "-m", "bus.command", "--config", tmp_path / "mine.toml", "check"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == WRONG
    assert "mine.toml:1: [apii]" in done.stderr


def test_a_reader_that_has_had_enough_is_no_fault() -> None:
    done = subprocess.run(
        f"{sys.executable} -m bus.command check --settings | head -1",
        shell=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("[bus]")
    assert done.stderr == ""


def typed(line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """A line for the shell, in which ``GUARDIA`` is the command."""
    return subprocess.run(
        line.replace("GUARDIA", f"{sys.executable} -m bus.command"),
        shell=True,
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("words", ["check --settings", "--help", "view --test-card", "completion bash"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_whatever_becomes_of_what_is_printed_there_is_no_traceback(words: str, unbuffered: str) -> None:
    buffering = {"PYTHONUNBUFFERED": unbuffered}
    full = typed(f"GUARDIA {words} > /dev/full", **buffering)
    assert (full.returncode, full.stderr) == (111, "guardia: no space left on device\n")
    closed = typed(f"GUARDIA {words} >&-", **buffering)
    assert (closed.returncode, closed.stderr) == (0, "")
    gone = typed(f"(GUARDIA {words}; echo $? >&2) | true", **buffering)
    assert gone.stderr in ("141\n", "0\n"), "it may have been read as a whole"
    alone = typed(f"GUARDIA {words} <&- 2>&-", LANG="C", LC_ALL="C", TERM="dumb", PYTHONIOENCODING="ascii", **buffering)
    assert alone.returncode == 0


@pytest.mark.parametrize("words", ["token list --json", "agents --json", "enroll web-1"])
def test_a_full_disk_is_no_mistake_of_whoever_asked(words: str, tmp_path: Path) -> None:
    (tmp_path / "guardia.toml").touch()
    full = typed(f"GUARDIA {words} --config {tmp_path}/guardia.toml > /dev/full", PYTHONUNBUFFERED="1")
    assert (full.returncode, full.stderr) == (111, "guardia: no space left on device\n")


def test_a_file_that_is_opened_does_not_take_the_place_of_a_closed_output(tmp_path: Path) -> None:
    (tmp_path / "guardia.toml").touch()
    done = typed(f"GUARDIA token --config {tmp_path}/guardia.toml new viewer >&- 2>&-")
    assert done.returncode == 0
    kept = json.loads((tmp_path / "var" / "api" / "tokens.json").read_text())
    assert [one["name"] for one in kept["tokens"]] == ["viewer"]

"""What makes shells complete the command line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bus.command import COMMANDS
from bus.command import main as command
from bus.completion import FURTHER, SHELLS, bash, fish, main, offered, options, tree, zsh
from tests.viewer.seat import PROJECT, Seat

HELPS = {"view": "the hosts", "silence add": "it's held back", "silence end": "ends: now"}


def test_words_are_known_by_what_comes_before_them() -> None:
    assert tree(HELPS) == {"view": {}, "silence": {"add": "it's held back", "end": "ends: now"}}


@pytest.mark.parametrize(
    ("line", "offered"), [("guardia vi", ["view"]), ("guardia silence ", ["add", "end"]), ("guardia view ", [])]
)
def test_bash_offers_what_fits(line: str, offered: list[str]) -> None:
    words = line.split(" ")
    asked = " ".join(f"'{word}'" for word in words)
    script = f'{bash(HELPS)}\nCOMP_WORDS=({asked}); COMP_CWORD={len(words) - 1}; _guardia; echo "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == offered


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with the command line as people install it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "guardia"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m bus.command "$@"\n')
    script.chmod(0o755)
    return folder


TYPED = (
    ("guardia token rev", "guardia token revoke"),
    ("guardia token new --scope heart", "guardia token new --scope heartbeat"),
    ("guardia silence e", "guardia silence end"),
    ("guardia view --test", "guardia view --test-card"),
    ("guardia view --screen pu", "guardia view --screen pulse"),
    ("guardia view --config sett", "guardia view --config settings.toml"),
    ("guardia silence add --ow", "guardia silence add --owner"),
    ("guardia --config sett", "guardia --config settings.toml"),
    ("guardia --config settings.toml stor", "guardia --config settings.toml store"),
    ("guardia --config settings.toml silence e", "guardia --config settings.toml silence end"),
    ("guardia --config settings.toml view --screen pu", "guardia --config settings.toml view --screen pulse"),
)


@pytest.mark.parametrize(("typed", "completed"), TYPED)
def test_the_tab_key_completes_in_a_real_bash(typed: str, completed: str, tmp_path: Path, program: Path) -> None:
    (tmp_path / "settings.toml").touch()
    path = f"{program}:{os.environ['PATH']}"
    with Seat(tmp_path, size=(100, 40), shell=True, PS1="> ", PATH=path) as seat:
        seat.press("eval \"$(guardia completion bash)\"; echo is'' read\r")
        seat.until(lambda text: text.rstrip().endswith("\nis read\n>"))
        seat.press(f"{typed}\t")
        seat.until(lambda text: text.rstrip().endswith(f"> {completed}"))


def fish_offers(folder: Path, program: Path, *typed: str) -> set[str]:
    """What a real fish offers for each of these lines, in a folder with settings; skips where there is none."""
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("there is no fish here")
    (folder / "settings.toml").touch()
    lines = [f"complete -C '{line}'" for line in typed]
    environment = {"HOME": str(folder), "PATH": f"{program}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [fish, "--no-config", "-c", "\n".join(["guardia completion fish | source", *lines])],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {line.partition("\t")[0] for line in done.stdout.splitlines()}


def test_fish_offers_the_same(tmp_path: Path, program: Path) -> None:
    wanted = {completed.rpartition(" ")[2] for _, completed in TYPED}
    assert wanted <= fish_offers(tmp_path, program, *(typed for typed, _ in TYPED))


@pytest.mark.parametrize("typed", ["guardia ", "guardia silence ", "guardia --config settings.toml silence "])
def test_fish_offers_no_files_where_a_word_is_wanted(typed: str, tmp_path: Path, program: Path) -> None:
    offered = fish_offers(tmp_path, program, typed)
    assert "settings.toml" not in offered
    assert {"view", "add"} & offered


def test_fish_offers_second_words_once(tmp_path: Path, program: Path) -> None:
    assert "list" not in fish_offers(tmp_path, program, "guardia silence add ")


@pytest.mark.parametrize("name", FURTHER)
def test_second_words_that_a_command_takes_by_itself_are_known_to_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert name not in COMMANDS
    assert command([*name.split(), "--help"]) == 0
    assert "--config" in capsys.readouterr().out


def test_a_help_tells_options_and_what_they_can_be() -> None:
    said = "usage: x [--json]\n\n  -u URL, --hub URL, --url URL\n       the --address\n  --json   as JSON\n"
    known = options(f"{said}  --screen {{a,b}}\n")
    assert known == {"--hub": (), "--url": (), "--json": None, "--screen": ("a", "b")}
    assert offered(["view", "--screen"], known) == ["a", "b"]
    assert offered(["view", "--json"], known) == offered(["view"], known) == sorted(known)
    assert offered(["view", "--hub"], known) == [], "the shell offers files"


def test_quotes_and_colons_in_what_a_command_is_for_are_escaped() -> None:
    assert "'add:it'\\''s held back'" in zsh(HELPS)
    assert "'end:ends\\: now'" in zsh(HELPS)
    assert "-a add -d 'it'\\''s held back'" in fish(HELPS)


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_in_what_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([shell]) == 0
    text = capsys.readouterr().out
    assert all(word in text for name in COMMANDS for word in name.split())
    program = shutil.which(shell)
    if program:
        subprocess.run([program, "-n"], input=text, text=True, check=True, timeout=60)


def test_another_shell_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tcsh"]) == 100
    assert "bash, zsh, fish" in capsys.readouterr().err

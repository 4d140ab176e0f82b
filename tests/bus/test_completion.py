"""What makes shells complete the command line."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bus.command import COMMANDS
from bus.completion import SHELLS, bash, fish, main, tree, zsh

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
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split() == offered


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
        subprocess.run([program, "-n"], input=text, text=True, check=True, timeout=20)


def test_another_shell_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tcsh"]) == 100
    assert "bash, zsh, fish" in capsys.readouterr().err

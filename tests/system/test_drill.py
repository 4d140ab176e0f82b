"""``guardia drill delivery`` as an operator types it, and what it says when promises are broken."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.supervised import BIN


def drill(folder: Path, *words: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [BIN / "guardia", "drill", "delivery", *words],
        capture_output=True,
        text=True,
        timeout=500,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture
def folder() -> Iterator[Path]:
    # The paths of ipc sockets are short: pytest's own folders are too deep.
    with tempfile.TemporaryDirectory(prefix="guardia-") as made:
        yield Path(made)


@pytest.mark.timeout(1200)
def test_a_drill_kills_under_load_and_finds_every_promise_kept(folder: Path) -> None:
    told: dict[str, Any] = {"faults": 0, "promised": 0}
    seconds = 3
    while told["faults"] < 5 or told["promised"] <= 500:  # on a busy machine little happens in a short time
        seconds *= 2
        assert seconds < 100, told
        words = ("--hosts", "6", "--seconds", str(seconds), "--every", "0.3", "--seed", "7", "--json")
        code, out, err = drill(folder, *words)

        told = json.loads(out)
        assert (code, told["kept"], err) == (0, True, "")
        assert told["stored"] == told["promised"]
        assert (told["lost_and_declared"], told["lost_and_hidden"], told["doubled"]) == (0, 0, 0)
        assert list(folder.iterdir()) == []


def test_a_drill_refuses_to_kill_what_there_is_not(folder: Path) -> None:
    code, out, err = drill(folder, "--kill", "stor")

    assert (code, out) == (100, "")
    assert "there is no 'stor' to kill" in err

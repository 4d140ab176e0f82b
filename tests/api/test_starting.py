"""When the api does not start, and what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus.exits import WRONG
from tests.ports import free_port


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1"])
def test_whom_other_machines_can_reach_does_not_start_without_a_token(bind: str, tmp_path: Path) -> None:
    config = tmp_path / "guardia.toml"
    config.write_text(f'[api]\nbind = "{bind}"\nport = {free_port()}\n')

    ended = subprocess.run(
        [sys.executable, "-m", "api", "--config", str(config)],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )

    assert ended.returncode == WRONG
    assert f'[api] bind: found "{bind}", which other machines can reach, and no token' in ended.stdout
    assert "guardia token new NAME" in ended.stdout

"""The writer as a program, where records are kept in memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path


def test_a_writer_that_keeps_nothing_on_a_disk_says_so_at_its_start(tmp_path: Path) -> None:
    (tmp_path / "guardia.toml").write_text("[store]\nbackend = 'memory'\n")
    log = tmp_path / "log" / "store-writer.log"
    writer = subprocess.Popen(
        [sys.executable, "-m", "store", "writer", "--config", str(tmp_path / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path)},
    )
    try:
        end = time.monotonic() + 60
        while not (log.exists() and "started" in log.read_text()):
            assert writer.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        writer.terminate()
        assert writer.wait(30) == 0
    finally:
        writer.kill()
        writer.wait()

    assert "what is acknowledged is on no disk" in log.read_text()

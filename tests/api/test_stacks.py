"""A worker that hangs leaves what it was about, when the master ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from psutil import Process

from tests.ports import free_ports


def until_it_serves(port: int, end: float) -> None:
    """Wait until the worker answers."""
    while True:
        with socket.create_connection(("127.0.0.1", port), 20) as one:
            one.sendall(b"GET /api/v1/health HTTP/1.0\r\n\r\n")
            if one.recv(20).startswith(b"HTTP/"):
                return
        assert time.monotonic() < end


def test_a_worker_that_is_ended_for_hanging_writes_its_stack(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    (tmp_path / "guardia.toml").write_text(f"[api]\nport = {port}\nworkers = 1\n")
    log, stacks = tmp_path / "log" / "api-1.log", tmp_path / "log" / "api.stacks"
    api = subprocess.Popen(
        [sys.executable, "-m", "api", "--config", str(tmp_path / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path)},
    )
    try:
        end = time.monotonic() + 60
        while not log.exists() or not stacks.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        until_it_serves(port, end)
        (worker,) = Process(api.pid).children()

        worker.send_signal(signal.SIGABRT)  # as gunicorn's master does

        while "api/__main__.py" not in stacks.read_text():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert "Fatal Python error: Aborted" in stacks.read_text()
    finally:
        api.terminate()
        api.wait(30)

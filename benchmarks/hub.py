"""A hub of real programs in a folder of its own, for measuring."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import process
from tests.ports import free_ports


@dataclass
class Hub:
    """Where it is and what runs."""

    folder: Path
    door: str
    receipts: str
    api_port: int
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.folder / "guardia.toml"

    def road(self, name: str) -> str:
        """The address of one of its internal roads."""
        return f"ipc://{self.folder}/var/run/{name}.ipc"

    def start(self, name: str, *command: str) -> None:
        """Start a program and wait until its loop goes round."""
        environment = {**os.environ, "GUARDIA_CONFIG": str(self.config)}
        with (self.folder / f"{name}.out").open("wb") as out:
            self.programs[name] = subprocess.Popen(
                [sys.executable, "-m", *command], env=environment, stdout=out, stderr=out
            )
        beat = self.folder / "var" / "run" / f"{name}.beat"
        until = time.monotonic() + 15
        while not beat.exists():
            if time.monotonic() > until or self.programs[name].poll() is not None:
                raise SystemExit(f"{name} did not start:\n{(self.folder / f'{name}.out').read_text()}")
            time.sleep(0.02)

    def cpu_seconds(self, name: str) -> float:
        """CPU that a program has used."""
        return process.cpu_seconds(self.programs[name].pid)

    def resident_bytes(self, name: str) -> int:
        """Memory that a program has."""
        return process.resident_bytes(self.programs[name].pid)

    def stop(self, name: str) -> None:
        """Ask a program to end, and wait for it."""
        program = self.programs.pop(name)
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(30)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


@contextlib.contextmanager
def hub(settings: str = "", collectors: int = 1) -> Iterator[Hub]:
    """A hub without programs, on a disk; the folder goes at the end. Several ``collectors`` have a door each."""
    api, *ports = free_ports(1 + 2 * collectors)
    folder = Path(tempfile.mkdtemp(prefix="guardia-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
    doors, receipts = (
        ",".join(f"tcp://127.0.0.1:{port}" for port in some) for some in (ports[:collectors], ports[collectors:])
    )
    made = Hub(folder, doors, receipts, api)
    made.config.write_text(
        f'[bus]\ndoor = "{made.door}"\nreceipts = "{made.receipts}"\n[api]\nport = {api}\n{settings}'
    )
    try:
        yield made
    finally:
        for name in list(made.programs):
            made.stop(name)
        shutil.rmtree(folder, ignore_errors=True)

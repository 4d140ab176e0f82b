"""A peer that runs: a process on a free port with a folder of its own, its CPU and its size."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import requests

from benchmarks import process
from tests.ports import free_ports


class Peer:
    """A server under measurement."""

    def __init__(self, command: Callable[[Path, int], Sequence[str]], health: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="guardia-peer-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))
        [self.port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        with (self.folder / "log").open("wb") as log:
            words = [str(word) for word in command(self.folder, self.port)]
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + 60
        while True:
            try:
                requests.get(self.url + health, timeout=2).raise_for_status()
                return
            except requests.RequestException:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.1)

    def cpu_seconds(self) -> float:
        """CPU that it has used."""
        return process.cpu_seconds(self.process.pid)

    def bytes(self, below: str = "data") -> int:
        """What its files take."""
        return size_of(self.folder / below)

    def close(self) -> None:
        """End it, and remove everything."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(command: Callable[[Path, int], Sequence[str]], health: str) -> Iterator[Peer]:
    """A peer that ends with the block."""
    peer = Peer(command, health)
    try:
        yield peer
    finally:
        peer.close()


def size_of(folder: Path) -> int:
    """Blocks on the disk of all files below."""
    return sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())

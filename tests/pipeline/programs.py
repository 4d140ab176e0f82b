"""A hub of real programs with producers that keep a journal, to be killed and started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bus.delivery.stream import Stream, read_key
from bus.messages import KINDS, Loss
from bus.wire import read
from store.backends import StoreBroken
from store.backends.lmdb import LmdbBackend
from store.rows import Row
from tests.ports import free_port, free_ports

ROOT = Path(__file__).parents[2]
FOREVER = 2**63 - 1
HUB = {
    "collector": ["collector"],
    "store-writer": ["store", "writer"],
    "store-reader": ["store", "reader"],
    "api": ["api"],
}
COMMANDS = {
    **HUB,
    "agent": ["agent"],
    "alerter": ["alerter"],
    "prober": ["prober"],
    "collector-2": ["collector", "2"],
    "store-sealer": ["store", "sealer"],
}
"""Also what only some tests start."""


class Told:
    """One line of a journal: a message that its producer made durable."""

    __slots__ = ("epoch", "number", "value")

    def __init__(self, line: str) -> None:
        epoch, number, value = line.split()
        self.epoch, self.number, self.value = int(epoch, 16), int(number), int(value)


class Programs:
    """A hub in a folder of its own; ``close`` leaves neither processes nor files behind."""

    def __init__(self, settings: str = "", address: str = "127.0.0.1", collectors: int = 1) -> None:
        # The paths of ipc sockets are short: pytest's own folders are too deep.
        self.folder = Path(tempfile.mkdtemp(prefix="guardia-"))
        addresses = [f"tcp://{address}:{port}" for port in free_ports(2 * collectors)]
        door, receipts = ",".join(addresses[:collectors]), ",".join(addresses[collectors:])
        self.config = self.folder / "guardia.toml"
        api = "" if "[api]" in settings else f"\n[api]\nport = {free_port()}\n"
        self.config.write_text(f'[bus]\ndoor = "{door}"\nreceipts = "{receipts}"\n{settings}{api}')
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._rates: dict[str, float] = {}
        self._counted: dict[Path, tuple[int, int]] = {}

    # -- processes ---

    def start(self, name: str, faults: str = "") -> None:
        """Start a program of the hub, or a producer that was given a rate."""
        command = ["bus.command", *COMMANDS[name]] if name in COMMANDS else self._telling(name)
        environment = {**os.environ, "GUARDIA_CONFIG": str(self.config), "GUARDIA_FAULTS": faults}
        with (self.folder / f"{name}.out").open("ab") as out:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env=environment, stdout=out, stderr=out
            )

    def start_all(self, *names: str) -> None:
        """Start programs; a reader once there is a store, since nobody starts again one that found none."""
        state = self.folder / "var" / "store" / "state"
        for name in names:
            if name == "store-reader":
                until(state.exists, 30, "there is a store", self)
            self.start(name)

    def producer(self, name: str, rate: float, faults: str = "") -> None:
        """Start a producer that tells so many samples a second."""
        self._rates[name] = rate
        self.start(name, faults)

    def _telling(self, name: str) -> list[str]:
        return ["tests.pipeline.telling", name, str(self._rates[name]), str(self._journal(name))]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a program, by default without a word, and wait until it is gone."""
        process = self._running.pop(name)
        process.send_signal(number)
        process.wait(60)

    def pid(self, name: str) -> int | None:
        """The process of a program that runs."""
        process = self._running[name]
        return process.pid if process.poll() is None else None

    def died(self, name: str) -> bool:
        """Whether a program ended by itself; if so it may be started again."""
        if self._running[name].poll() is None:
            return False
        del self._running[name]
        return True

    def resident_bytes(self, name: str) -> int:
        """The memory that a program has for itself, without the pages of the store's files."""
        status = Path(f"/proc/{self._running[name].pid}/status").read_text()
        return 1024 * int(status.partition("RssAnon:")[2].split()[0])

    def beats(self, name: str) -> bool:
        """Whether a program's loop goes round."""
        return (self.folder / "var" / "run" / f"{name}.beat").exists()

    def revived(self) -> dict[str, int]:
        """The programs that ended by themselves, and how; they are started again, as a supervisor does."""
        codes = {name: process.poll() for name, process in self._running.items()}
        ended = {name: code for name, code in codes.items() if code is not None}
        for name in ended:
            del self._running[name]
            self.start(name)
        return ended

    def freeze(self, name: str, seconds: float) -> None:
        """Stop a program and let it go on."""
        self._running[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._running[name].send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End everything."""
        for process in self._running.values():
            process.kill()
            process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self, name: str) -> str:
        """All that one program wrote."""
        return (self.folder / f"{name}.out").read_text()

    def output(self, last: int = 0) -> str:
        """What all programs wrote; of each the ``last`` characters, 0 for all."""
        return "\n".join(f"{file.name}:\n{file.read_text()[-last:]}" for file in sorted(self.folder.glob("*.out")))

    # -- what came of it ---

    def _journal(self, name: str) -> Path:
        return self.folder / f"{name}.journal"

    def told(self, name: str) -> list[Told]:
        """What the producer made durable, in its order."""
        try:
            lines = self._journal(name).read_text().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        return [Told(line) for line in lines if line.endswith("\n")]

    def count_told(self) -> int:
        """How many messages all producers made durable."""
        for file in self.folder.glob("*.journal"):
            offset, lines = self._counted.get(file, (0, 0))
            with file.open("rb") as journal:
                journal.seek(offset)
                grown = journal.read()
            self._counted[file] = offset + len(grown), lines + grown.count(b"\n")
        return sum(lines for _, lines in self._counted.values())

    def stored(self, name: str) -> Counter[int]:
        """The values of the producer's samples, as the store answers, and how often each is there."""
        rows = self._rows("sample", name)
        decode = KINDS["sample"].decode
        return Counter(int(decode(read(record)[0].body).values[0]) for _, _, record in rows)

    def rows(self, name: str) -> list[Row]:
        """The producer's samples, as the store answers."""
        return self._rows("sample", name)

    def lost(self, name: str) -> list[Loss]:
        """The ledger's entries on the producer."""
        return [read(row[2])[0].message() for row in self._rows("loss", name)]

    def _rows(self, kind: str, name: str) -> list[Row]:
        """The store's answer; what it looks into after a crash is asked for again."""
        end = time.monotonic() + 60
        while True:
            try:
                with Looking(self) as backend:
                    return backend.rows(kind, name, 0, FOREVER)
            except StoreBroken:
                assert time.monotonic() < end, self.output(2000)
                time.sleep(0.1)

    def streams(self, name: str) -> list[Stream]:
        """How far the producer's streams are stored."""
        found: list[Stream] = []
        # A store that is just being made cannot be read yet.
        with contextlib.suppress(StoreBroken), Looking(self) as backend:
            for key, value in backend.streams():
                source, epoch = read_key(key)
                if source == name:
                    stream = Stream(source, epoch)
                    stream.load(value)
                    found.append(stream)
        return found

    def has_all(self, name: str, told: Sequence[Told]) -> bool:
        """Whether all these messages are stored or declared lost."""
        marks = {stream.epoch: stream.watermark for stream in self.streams(name)}
        last: dict[int, int] = {}
        for one in told:
            last[one.epoch] = max(last.get(one.epoch, 0), one.number)
        return all(marks.get(epoch, 0) >= number for epoch, number in last.items())


class Looking:
    """The store's files, opened for reading for a moment."""

    def __init__(self, programs: Programs) -> None:
        self._path = programs.folder / "var" / "store"

    def __enter__(self) -> LmdbBackend:
        self._backend = LmdbBackend(self._path, write=False)
        return self._backend

    def __exit__(self, *_: object) -> None:
        self._backend.close()


def until(seen: Callable[[], bool], seconds: float, what: str, programs: Programs) -> None:
    """Wait for ``seen``, a minute at least, since the machine may be busy; fails with what the programs wrote."""
    seconds = max(seconds, 60.0)
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}\n{programs.output(2000)}"
        time.sleep(0.05)

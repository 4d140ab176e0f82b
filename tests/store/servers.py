"""Servers for the tests, each on a port of its own and in a folder of its own; and which of them are installed."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import requests

from bus.secret import Secret
from tests.ports import free_port

SO_ATTACH_FILTER = 26
"""As Linux has it; Python does not name it."""
VICTORIA = ("victoria-metrics", "victoria-metrics-prod", "victoriametrics")
"""What its program is called, by Debian and by its makers."""


def missing() -> list[str]:
    """The backends whose server is not installed here: what is told of them is not tried."""
    return [name for name, found in (("postgres", programs()), ("victoriametrics", victoria())) if found is None]


def victoria() -> Path | None:
    """VictoriaMetrics' program; None when it is not installed."""
    return next((Path(found) for name in VICTORIA if (found := shutil.which(name))), None)


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


class Postgres:
    """A running server; ``stop`` leaves neither process nor files."""

    def __init__(self, binaries: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="guardia-pg-"))
        self._binaries = binaries
        # It refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        self.port = free_port()
        # What language this machine speaks is no matter of the tests.
        own = ("--encoding=UTF8", "--no-locale", "--no-sync")
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "guardia", *own)
        self.start()
        self.databases = 0

    def start(self) -> None:
        """Start it, again."""
        # After a crash it syncs all that it has: file by file, on a busy disk, that is a minute.
        # Its shared memory is in its folder: what a crash leaves of it elsewhere stays there.
        settings = (
            "listen_addresses=127.0.0.1",
            "max_connections=30",
            "recovery_init_sync_method=syncfs",
            "dynamic_shared_memory_type=mmap",
        )
        options = f"-p {self.port} -k {self._folder} " + " ".join(f"-c {one}" for one in settings)
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def halt(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` is as a crash."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", how, "stop")

    def database(self, how: str = "") -> Secret:
        """The URL of a database that nobody used yet; ``how`` it is made, in SQL."""
        self.databases += 1
        name = f"store{self.databases}"
        with psycopg.connect(f"postgresql://guardia@127.0.0.1:{self.port}/postgres", autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name} {how}")
        return Secret(f"postgresql://guardia:not-a-secret@127.0.0.1:{self.port}/{name}")

    def stop(self) -> None:
        """End it, and remove everything."""
        self.halt("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        ran = subprocess.run(
            [self._binaries / program, *words],
            cwd=self._folder,
            user=self._user,
            env={**os.environ, "PGCTLTIMEOUT": "240"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
        )
        assert ran.returncode == 0, ran.stderr


class Victoria:
    """A running VictoriaMetrics; ``stop`` leaves neither process nor files."""

    def __init__(self, program: Path) -> None:
        self._program = program
        self._folder = Path(tempfile.mkdtemp(prefix="guardia-vm-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, again."""
        options = {
            "storageDataPath": self._folder / "data",
            "httpListenAddr": f"127.0.0.1:{self.port}",
            "retentionPeriod": "100y",
            "dedup.minScrapeInterval": "1ms",
            "search.latencyOffset": "0s",
            "memory.allowedBytes": "200MB",
        }
        with (self._folder / "log").open("ab") as log:
            command = [str(self._program), *(f"-{name}={value}" for name, value in options.items())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 240
        while True:
            try:
                requests.get(f"{self.url}/health", timeout=5).raise_for_status()
                return
            except requests.RequestException:
                assert time.monotonic() < end, (self._folder / "log").read_text()
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)

    def halt(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default as a crash does."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(60)

    def database(self) -> Secret:
        """The URL; all tests share what it keeps."""
        return Secret(self.url)

    def stop(self) -> None:
        """End it, and remove everything."""
        self.halt()
        shutil.rmtree(self._folder, ignore_errors=True)


class Vanishing:
    """Stands between a client and a server on this machine, until neither hears anything of the other any more.

    The kernel drops what comes to its sockets, so that nothing is acknowledged: as where a cable was pulled.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port = self._listens.getsockname()[1]
        self._word: bytes | None = None
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def __enter__(self) -> Vanishing:
        return self

    def __exit__(self, *_: object) -> None:
        self._listens.shutdown(socket.SHUT_RDWR)
        self._listens.close()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(60)
        for end in self._ends:
            end.close()

    def vanish(self) -> None:
        """From now on nothing comes through."""
        nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0, keep no byte
        program = struct.pack("HL", 1, ctypes.addressof(nothing))
        for end in self._ends:
            end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def vanish_when_asked(self, word: bytes) -> None:
        """Vanish as soon as the client has said this, which the server hears."""
        self._word = word

    def _begin(self, what: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=what, args=given))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listens.accept()[0]
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            self._ends += [client, server]
            self._begin(self._pump, client, server)
            self._begin(self._pump, server, client)

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := one.recv(65536):
                other.sendall(said)
                if self._word is not None and self._word in said:
                    self.vanish()
            other.shutdown(socket.SHUT_WR)

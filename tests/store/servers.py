"""A PostgreSQL server for the tests, on a port of its own and in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

from bus.secret import Secret


def programs() -> Path | None:
    """Where PostgreSQL's programs are; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return Path(there).parent if there else None


class Server:
    """A running server; ``stop`` leaves neither process nor files."""

    def __init__(self, binaries: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="guardia-pg-"))
        self._binaries = binaries
        # It refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port = int(held.getsockname()[1])
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "guardia", "--no-sync")
        self.start()
        self.databases = 0

    def start(self) -> None:
        """Start it, again."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -c max_connections=30"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def halt(self, how: str = "fast") -> None:
        """Stop it; ``immediate`` is as a crash."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", how, "stop")

    def database(self) -> Secret:
        """The URL of a database that nobody used yet."""
        self.databases += 1
        name = f"store{self.databases}"
        with psycopg.connect(f"postgresql://guardia@127.0.0.1:{self.port}/postgres", autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}")
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
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr

"""The hub as people start it: the real supervisord with etc/guardia.conf, in a folder and on ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeVar
from xmlrpc.client import ServerProxy

import requests
from supervisor.xmlrpc import SupervisorTransport

from tests.ports import free_ports

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
T = TypeVar("T")


def until(seen: Callable[[], T | None], seconds: float, what: str) -> T:
    """What ``seen`` returns once it is true; fails with ``what`` after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = seen()
        if found:
            return found
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        time.sleep(0.05)


class Hub:
    """A supervised hub; ``stop`` leaves no process behind."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.etc = folder / "etc"
        (self.etc / "var").mkdir(parents=True)
        shutil.copy(PROJECT / "etc" / "guardia.conf", self.etc)
        self.door, self.receipts, self.api = free_ports(3)
        self.config = self.etc / "guardia.toml"
        self.write(settings)
        self.log = folder / "supervisord.out"
        self.environment: dict[str, str] = {}
        """What else is in the environment of supervisord, and of commands."""
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, settings: str, api: str = "port") -> None:
        """Write the configuration; ``api`` is how its key is spelled."""
        text = (
            f'[bus]\ndoor = "tcp://127.0.0.1:{self.door}"\nreceipts = "tcp://127.0.0.1:{self.receipts}"\n'
            f'vitals_seconds = 2\n[api]\n{api} = {self.api}\nworkers = 2\n[agent]\nname = "web-1"\n{settings}'
        )
        # Programs that wait for a better file never see half of it.
        new = self.config.with_suffix(".new")
        new.write_text(text)
        new.rename(self.config)

    def start(self, *around: str) -> None:
        """Start supervisord, by the command ``around`` if there is one."""
        inherited = ("SUPERVISOR_", "GUARDIA_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
        environment |= {"PATH": f"{BIN}:{environment['PATH']}", **self.environment}
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                [*around, BIN / "supervisord", "-c", self.etc / "guardia.conf"],
                env=environment,
                cwd="/",
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until(lambda: (self.etc / "var" / "supervisor.sock").exists(), 60, "supervisord listens")

    @property
    def pid(self) -> int:
        """The process of supervisord."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Stop supervisord with all it started; kills what does not go."""
        if self._process is None:
            return
        pids = self.pids().values()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        finally:
            for pid in (*pids, self._process.pid):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def programs(self) -> dict[str, dict[str, Any]]:
        """What supervisord says of each program; empty while it does not answer."""
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.etc}/var/supervisor.sock")
        try:
            infos: Any = ServerProxy("http://127.0.0.1", transport=transport).supervisor.getAllProcessInfo()
        except OSError:
            return {}
        return {info["name"]: info for info in infos}

    def pids(self) -> dict[str, int]:
        """The process of each running program."""
        return {name: info["pid"] for name, info in self.programs().items() if info["pid"]}

    def all_run(self) -> bool:
        """Whether every program is up for good."""
        programs = self.programs()
        return bool(programs) and all(info["statename"] == "RUNNING" for info in programs.values())

    def ask(self, path: str) -> Any:
        """The API's answer; None while there is none."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.api}/api/v1/{path}", timeout=10)
        except requests.RequestException:
            return None
        return answer.json() if answer.ok else None

    def last_seen(self) -> str | None:
        """When the host was seen last, as the API tells."""
        servers = (self.ask("servers") or {}).get("servers", [])
        return servers[0].get("last_seen") if servers else None

    def guardia(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``guardia`` with these arguments on this hub."""
        return subprocess.run(
            [BIN / "guardia", *arguments],
            env={**os.environ, "GUARDIA_CONFIG": str(self.config), "LC_ALL": "C.UTF-8", **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


class Receiver:
    """A web server that keeps what is posted to ``url``."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def is_alive(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

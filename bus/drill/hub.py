"""A hub of real programs in a scratch folder: started, killed, stopped, started again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOMS = {
    "collector": ("bus.command", "collector"),
    "store-writer": ("bus.command", "store", "writer"),
    "store-reader": ("bus.command", "store", "reader"),
    "api": ("bus.command", "api"),
}
"""What runs, as arguments of ``python -m``."""
AGENTS = "agents"
"""The word for all processes of hosts."""


class ScratchHub:
    """The programs by name, and the processes of hosts as ``agents-1`` and so on."""

    def __init__(self, hosts: Sequence[str], rate: float, processes: int) -> None:
        """``rate`` in samples a second and host; the hosts are shared out over ``processes``."""
        # The paths of ipc sockets are short, and so must the folder's be.
        self.folder = Path(tempfile.mkdtemp(prefix="guardia-drill-"))
        self.home = self.folder / "var"
        door, receipts, api = _free_ports(3)
        (self.folder / "guardia.toml").write_text(
            f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\n'
            f"[api]\nport = {api}\nworkers = 1\n[store]\nfree_bytes = 0\n"
        )
        self.commands: dict[str, tuple[str, ...]] = dict(ROOMS)
        for number in range(processes):
            name = f"{AGENTS}-{number + 1}"
            self.commands[name] = (
                "bus.drill.hosts",
                name,
                str(rate),
                str(self.folder / f"{name}.journal"),
                *hosts[number::processes],
            )
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start a program."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("GUARDIA_", "SUPERVISOR"))
        }
        environment["GUARDIA_CONFIG"] = str(self.folder / "guardia.toml")
        with (self.folder / f"{name}.out").open("ab") as out:
            self._running[name] = subprocess.Popen(  # noqa: S603, our own programs
                [sys.executable, "-m", *self.commands[name]], env=environment, stdout=out, stderr=out
            )

    def quiet(self) -> None:
        """From their next start on the hosts tell nothing new."""
        for name in self.names(AGENTS):
            module, process, _, *rest = self.commands[name]
            self.commands[name] = (module, process, "0", *rest)

    def kill(self, name: str) -> None:
        """End a program without a word."""
        self._end(name, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """Ask a program to end, and wait until it has."""
        self._end(name, signal.SIGTERM)

    def freeze(self, name: str) -> None:
        """Stop a program in its tracks."""
        self._running[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._running[name].send_signal(signal.SIGCONT)

    def ended(self) -> list[str]:
        """Programs that are not running though nobody ended them."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def names(self, room: str) -> list[str]:
        """The programs that a word of ``--kill`` means."""
        return [name for name in self.commands if name == room or name.startswith(f"{room}-")]

    def words(self, name: str) -> str:
        """The end of what a program wrote."""
        with contextlib.suppress(OSError):
            return (self.folder / f"{name}.out").read_text(errors="replace")[-1000:]
        return ""

    def journals(self) -> list[Path]:
        """The journals of all processes of hosts."""
        return sorted(self.folder.glob("*.journal"))

    def promised(self) -> int:
        """How many samples the hosts made durable."""
        return sum(file.read_bytes().count(b"\n") for file in self.journals())

    def close(self, *, keep: bool = False) -> None:
        """End everything; the folder goes too unless it is to be looked at."""
        for process in self._running.values():
            process.kill()
            process.wait(20)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self._running.pop(name)
        process.send_signal(number)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in sockets]

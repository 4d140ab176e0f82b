"""The programs of one supervisord, as it and what they left on the disk show them."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bus import home
from bus.exits import WRONG, unwritable

STARTING, RUNNING, BACKOFF, EXITED, FATAL = 10, 20, 30, 100, 200
"""States of a process as supervisord numbers them."""
_SECRET = re.compile(r"""["']file:([^"'\n]+)["']""")


@dataclass(frozen=True, slots=True)
class Seen:
    """A program as supervisord and its beat show it; times are of the wall clock, in seconds."""

    name: str
    state: int
    pid: int = 0
    started: float = 0.0
    stopped: float = 0.0
    exit_code: int = 0
    beat: float | None = None
    changed: float = 0.0
    """When its configuration was last written, where that is another than the watchdog's."""
    waits: bool = False
    """Its main loop is within a call that waits for a disk."""
    mute: str = ""
    """Why no beat can be written where its own is: its silence says nothing. Empty: it can."""


def seen(info: Mapping[str, Any], run: Path) -> Seen:
    """A program from supervisord's ``getAllProcessInfo`` and its beat."""
    beat = None
    with contextlib.suppress(OSError):
        beat = (run / f"{info['name']}.beat").stat().st_mtime
    pid, waits = info["pid"], waits_for_disk(info["pid"])
    return Seen(info["name"], info["state"], pid, info["start"], info["stop"], info["exitstatus"], beat, waits=waits)


def waits_for_disk(pid: int) -> bool:
    """Whether the main thread of a process is in a call that no signal ends: the kernel's state D."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"D"
    return False


def mute(folder: Path, touch: Callable[[Path], None] = os.utime) -> str:
    """Why the disk of this home takes no beat, as the file beside the beats shows; empty where it does.

    What another user alone may write, or nobody wrote yet, says nothing about the disk.
    """
    path = folder / home.SUPERVISOR
    try:
        touch(path)
    except OSError as error:
        if error.errno in home.PASSING:
            return unwritable(OSError(error.errno, error.strerror, str(path)))  # utime does not say which
    return ""


@dataclass
class Homes:
    """Where the programs have their files: with the watchdog, or beside a configuration that their command names."""

    path: Path
    folder: Path
    environment: Mapping[str, str]
    touch: Callable[[Path], None] = os.utime
    """Writes to a file as a beat does."""
    others: dict[str, Path] = field(default_factory=dict)
    """By program: the configuration that its command names."""
    _asked: Sequence[tuple[str, int]] = ()
    _mute: Mapping[Path, str] = field(default_factory=dict)
    _looking: threading.Thread | None = None

    def programs(self, supervisor: Any) -> list[Seen]:
        """The programs but the watchdog itself; what their commands are is asked when one was started."""
        own = self.environment.get("SUPERVISOR_PROCESS_NAME", "watchdog")
        infos = [info for info in supervisor.getAllProcessInfo() if info["name"] != own]
        now = [(info["name"], info["pid"]) for info in infos]
        if now != self._asked:
            self.others = {
                one["name"]: home.config_path(named, self.environment)
                for one in supervisor.getAllConfigInfo()
                if (named := _named(one["command"]))
            }
            for path in self.others.values():
                with contextlib.suppress(OSError):
                    home.supervisor_noted(self.of(path), self.environment["SUPERVISOR_SERVER_URL"])
            self._asked = now
        self.look()
        return [self._seen(info) for info in infos]

    def look(self) -> None:
        """Look whether beats can be written, for the next turn; a disk may take for ever to say so."""
        if self._looking is None or not self._looking.is_alive():
            folders = {self.folder, *map(self.of, self.others.values())}
            self._looking = threading.Thread(target=self._look, args=(folders,), name="look", daemon=True)
            with contextlib.suppress(RuntimeError):  # the system has no thread more: another time
                self._looking.start()

    def _look(self, folders: Iterable[Path]) -> None:
        self._mute = {folder: mute(folder, self.touch) for folder in folders}

    def of(self, path: Path) -> Path:
        """The folder of a configuration's programs."""
        return home.home_path(path, self.environment)

    def _seen(self, info: Mapping[str, Any]) -> Seen:
        path = self.others.get(info["name"])
        there = self.folder if path is None else self.of(path)
        found = replace(seen(info, there / "run"), mute=self._mute.get(there, ""))
        if path is None:
            return found
        return replace(found, changed=changed(path, there / home.TOKENS)) if is_wrong(found) else found


def _named(command: str) -> str:
    """The configuration that a command names; empty when it names none."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quotation mark is lacking: supervisord says so, and starts it never
        return ""
    return next((words[place + 1] for place, word in enumerate(words[:-1]) if word == "--config"), "")


def is_wrong(seen: Seen) -> bool:
    """Whether a program waits for its configuration to be mended."""
    return seen.state == EXITED and seen.exit_code == WRONG


def changed(path: Path, tokens: Path) -> float:
    """When the configuration came to be as it is, or the file of a secret in it was made, written or made private.

    Or that of ``tokens``, without which the API listens to no other machines.
    """
    found = 0.0
    with contextlib.suppress(OSError):
        found = tokens.stat().st_ctime
    with contextlib.suppress(OSError, UnicodeDecodeError):
        # Not when it was written: a former version that is put back, or what a link leads to, may be older.
        found = max(found, path.stat().st_ctime, path.lstat().st_ctime)
        for name in _SECRET.findall(path.read_text(encoding="utf-8")):
            with contextlib.suppress(OSError):
                found = max(found, (path.parent / name).stat().st_ctime)
    return found

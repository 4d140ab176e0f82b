"""The writes of a process and its children, in their order, as strace tells them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALLS = (
    "openat,open,close,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,"
    "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,clone,clone3,fork,vfork"
)
BORN = ("clone", "clone3", "fork", "vfork")
_LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_UNDER = re.compile(r'(AT_FDCWD|\d+), "((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Op:
    """One act: ``write`` (or ``synced`` write), ``size``, ``sync``, ``create``, ``folder``, ``rename``, ``exchange``,
    ``remove``, ``say``.
    """

    what: str
    file: int = 0
    path: str = ""
    to: str = ""
    offset: int = 0
    data: bytes = b""


@cache
def can_trace() -> bool:
    """Whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


def recorded(module: str, folder: Path, log: Path, *arguments: str) -> list[Op]:
    """Run ``python -m module folder ...`` to its end; what it did to files below ``folder``, and what it said."""
    tracer = ["strace", "-f", "-o", str(log), "-xx", "-s", "1000000", "-e", f"trace={CALLS}"]
    subprocess.run(
        [*tracer, sys.executable, "-m", module, str(folder), *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=600,
    )
    return _Reading(str(folder)).ops_of(log)


Call = tuple[str, str, str, int]
"""(thread, call, arguments, result)."""


def _calls(log: Path) -> Iterator[Call]:
    """What did not fail, in the order in which it ended."""
    begun: dict[str, str] = {}
    with log.open() as lines:
        for whole in lines:
            thread, _, line = whole.rstrip("\n").partition(" ")
            line = line.lstrip()
            if line.endswith(_UNFINISHED):
                begun[thread] = line.removesuffix(_UNFINISHED)
                continue
            if resumed := _RESUMED.match(line):
                line = begun.pop(thread, "") + line[resumed.end() :]
            found = _LINE.match(line)
            if found and int(found[3]) >= 0:
                yield thread, found[1], found[2], int(found[3])


def moved(name: str, old: str, new: str) -> str:
    """What a name is after ``old`` became ``new``."""
    return new + name[len(old) :] if name == old or name.startswith(old + "/") else name


def swapped(name: str, one: str, other: str) -> str:
    """What a name is after two changed places."""
    found = moved(name, one, other)
    return found if found != name else moved(name, other, one)


class _Reading:
    """Follows descriptors and names."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._open: dict[tuple[str, int], tuple[int, bool, str]] = {}
        self._at: dict[tuple[str, int], int] = {}
        self._names: dict[str, int] = {}
        self._count = 0

    def ops_of(self, log: Path) -> list[Op]:
        ops: list[Op] = []
        # A child may be heard before the call that made it has ended.
        process: dict[str, str] = {}
        for thread, call, arguments, result in _calls(log):
            if call in BORN and "CLONE_THREAD" in arguments:
                process[str(result)] = process.get(thread, thread)
        first = ""
        for thread, call, arguments, result in _calls(log):
            whose = process.get(thread, thread)
            first = first or whose
            if call not in BORN:
                ops += self._read(whose, call, arguments, result, may_say=whose == first)
        return ops

    def _read(self, whose: str, call: str, arguments: str, result: int, *, may_say: bool) -> list[Op]:
        if call in ("open", "openat"):
            return self._opened(whose, self._paths(whose, arguments)[0], arguments, result)
        if call.startswith(("rename", "unlink", "rmdir", "mkdir")):
            return self._named(call, self._paths(whose, arguments), arguments)
        number = int(arguments.partition(",")[0])
        key = whose, number
        if call == "close":
            self._open.pop(key, None)
            return []
        if number == 1 and call == "write" and key not in self._open:
            return [Op("say", data=_texts(arguments)[0])] if may_say else []
        if key not in self._open:
            return []
        file, synced, path = self._open[key]
        if call in ("fsync", "fdatasync"):
            return [Op("sync", file, path)]
        if call == "lseek":
            self._at[key] = result
            return []
        if call == "ftruncate":
            return [Op("size", file, offset=int(arguments.rpartition(",")[2]))]
        if call == "fallocate":
            return []
        data = b"".join(_texts(arguments))[:result]
        if call in ("write", "writev"):
            offset = self._at.get(key, 0)
            self._at[key] = offset + result
        else:
            numbers = arguments.rsplit(", ", 2)
            offset = int(numbers[-1] if call != "pwritev2" else numbers[-2])
        return [Op("synced" if synced else "write", file, path, offset=offset, data=data)]

    def _named(self, call: str, paths: list[str], arguments: str) -> list[Op]:
        if not paths[0].startswith(self._folder):
            return []
        if call.startswith("mkdir"):
            return [Op("folder", path=paths[0])]
        if not call.startswith("rename"):
            self._names.pop(paths[0], None)
            return [Op("remove", path=paths[0])]
        one, other = paths
        if "RENAME_EXCHANGE" in arguments:
            self._names = {swapped(name, one, other): file for name, file in self._names.items()}
            return [Op("exchange", path=one, to=other)]
        file = self._names.get(one, 0)
        self._names = {moved(name, one, other): file for name, file in self._names.items() if name != other}
        return [Op("rename", file, one, other)]

    def _opened(self, whose: str, path: str, arguments: str, number: int) -> list[Op]:
        key = whose, number
        if not path.startswith(self._folder):
            self._open.pop(key, None)
            return []
        ops = []
        if path not in self._names:
            self._count += 1
            self._names[path] = self._count
            if "O_CREAT" in arguments:
                ops.append(Op("create", self._count, path))
        elif "O_TRUNC" in arguments:
            ops.append(Op("size", self._names[path]))
        self._open[key] = self._names[path], "O_DSYNC" in arguments or "O_SYNC" in arguments, path
        self._at[key] = 0
        return ops

    def _paths(self, whose: str, arguments: str) -> list[str]:
        """The paths in a call, those below an open folder too."""
        under = _UNDER.findall(arguments)
        if not under:
            return [text.decode() for text in _texts(arguments)]
        found = []
        for folder, text in under:
            path = _text(text).decode()
            if folder != "AT_FDCWD" and not path.startswith("/"):
                known = self._open.get((whose, int(folder)))
                path = os.path.join(known[2] if known else "", path)
            found.append(path)
        return found


def _text(found: str) -> bytes:
    return bytes.fromhex(found.replace("\\x", ""))


def _texts(arguments: str) -> list[bytes]:
    return [_text(found) for found in _TEXT.findall(arguments)]

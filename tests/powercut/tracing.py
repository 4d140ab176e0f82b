"""The writes of a process, in their order, as strace tells them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALLS = (
    "openat,open,close,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,"
    "fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir"
)
_LINE = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Op:
    """One act: ``write`` (or ``synced`` write), ``size``, ``sync``, ``create``, ``rename``, ``remove``, ``say``."""

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
        timeout=100,
    )
    return _Reading(str(folder)).ops_of(log)


class _Reading:
    """Follows descriptors and names."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._open: dict[int, tuple[int, bool, str]] = {}
        self._at: dict[int, int] = {}
        self._names: dict[str, int] = {}
        self._count = 0

    def ops_of(self, log: Path) -> list[Op]:
        ops = []
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
                    ops += self._read(found[1], found[2], int(found[3]))
        return ops

    def _read(self, call: str, arguments: str, result: int) -> list[Op]:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        if call in ("open", "openat"):
            return self._opened(texts[0].decode(), arguments, result)
        if call.startswith(("rename", "unlink", "rmdir")):
            paths = [text.decode() for text in texts]
            if not paths[0].startswith(self._folder):
                return []
            if call.startswith("rename"):
                self._names = {self._moved(name, *paths): file for name, file in self._names.items()}
                return [Op("rename", path=paths[0], to=paths[1])]
            self._names.pop(paths[0], None)
            return [Op("remove", path=paths[0])]
        number = int(arguments.partition(",")[0])
        if call == "close":
            self._open.pop(number, None)
            return []
        if number == 1 and call == "write":
            return [Op("say", data=texts[0])]
        if number not in self._open:
            return []
        file, synced, path = self._open[number]
        if call in ("fsync", "fdatasync"):
            return [Op("sync", file, path)]
        if call == "lseek":
            self._at[number] = result
            return []
        if call == "ftruncate":
            return [Op("size", file, offset=int(arguments.rpartition(",")[2]))]
        if call == "fallocate":
            return []
        data = b"".join(texts)[:result]
        if call in ("write", "writev"):
            offset = self._at.get(number, 0)
            self._at[number] = offset + result
        else:
            numbers = arguments.rsplit(", ", 2)
            offset = int(numbers[-1] if call != "pwritev2" else numbers[-2])
        return [Op("synced" if synced else "write", file, path, offset=offset, data=data)]

    def _opened(self, path: str, arguments: str, number: int) -> list[Op]:
        if not path.startswith(self._folder):
            self._open.pop(number, None)
            return []
        ops = []
        if path not in self._names:
            self._count += 1
            self._names[path] = self._count
            if "O_CREAT" in arguments:
                ops.append(Op("create", self._count, path))
        elif "O_TRUNC" in arguments:
            ops.append(Op("size", self._names[path]))
        self._open[number] = self._names[path], "O_DSYNC" in arguments or "O_SYNC" in arguments, path
        self._at[number] = 0
        return ops

    @staticmethod
    def _moved(name: str, old: str, new: str) -> str:
        return new + name[len(old) :] if name == old or name.startswith(old + "/") else name

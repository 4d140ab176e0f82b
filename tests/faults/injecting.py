"""Lets calls of the system fail in a process and its children: those that write to files below a folder.

The kernel asks about each of them (seccomp_unotify(2)): what LMDB and Parquet do in C is asked about as well as what
Python does, and nothing has to be compiled or preloaded. An answer is an error in place of the call, a part of a
write, or that the call may go on.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATH, AT, FD, OPEN, OPEN_AT, MAP, TWO, TWO_AT = "path", "at", "fd", "open", "open at", "map", "two", "two at"
CALLS = {
    "open": (2, OPEN),
    "openat": (257, OPEN_AT),
    "write": (1, FD),
    "pwrite64": (18, FD),
    "writev": (20, FD),
    "pwritev": (296, FD),
    "pwritev2": (328, FD),
    "ftruncate": (77, FD),
    "fallocate": (285, FD),
    "fsync": (74, FD),
    "fdatasync": (75, FD),
    "copy_file_range": (326, "third"),
    "sendfile": (40, FD),
    "mkdir": (83, PATH),
    "mkdirat": (258, AT),
    "rmdir": (84, PATH),
    "unlink": (87, PATH),
    "unlinkat": (263, AT),
    "rename": (82, TWO),
    "renameat": (264, TWO_AT),
    "renameat2": (316, TWO_AT),
    "chmod": (90, PATH),
    "utimensat": (280, AT),
    "mmap": (9, MAP),
}
"""Those that write, by their numbers on x86_64, and where they say to what file."""
ARCH = 0xC000003E
NOT_FOR_READING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_DIRECTORY
_BY_NUMBER = {number: (name, form) for name, (number, form) in CALLS.items()}
_LIBC = ctypes.CDLL(None, use_errno=True)
_SECCOMP, _PIDFD_GETFD = 317, 438
_NOTIFY, _ALLOW = 0x7FC00000, 0x7FFF0000
_LISTENER = 1 << 3
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_ASKED = struct.Struct("<QIIiIQ6Q")
_ANSWER = struct.Struct("<QqiI")
_GO_ON = 1
MOST_PATH = 4096
SHORT = -1
"""An answer: a write writes half of what it was given."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that writes to ``path``; ``size`` bytes, if it says how many.

    Files are opened by ``create`` if they may be new, else by ``open``, and folders by ``look``. ``over``: it writes
    over what the disk has room for already.
    """

    name: str
    path: str
    size: int = 0
    over: bool = False


Decide = Callable[[Call], int]
"""The error that a call ends with; 0 for none, or ``SHORT``."""


@cache
def can_inject() -> bool:
    """Whether this system lets calls be asked about."""
    if platform.machine() != "x86_64" or os.uname().sysname != "Linux":
        return False
    probe = os.fork()
    if probe == 0:
        with suppress(OSError):
            _listen()
            os._exit(0)
        os._exit(1)
    return os.waitpid(probe, 0)[1] == 0


def ran(act: Callable[[], None], below: Path, decide: Decide, seconds: float = 300.0) -> int:
    """Run ``act`` in a child, whose calls to files below a folder are decided about; its exit code, negative: a signal.

    A child that takes longer is killed.
    """
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            listener = _listen()
            socket.send_fds(theirs, [b"f"], [listener])
            os.close(listener)
            theirs.recv(1)
            act()
            code = 0
        finally:
            os._exit(code)
    theirs.close()
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    ours.send(b"g")
    try:
        _supervised(child, fds[0], str(below), decide, time.monotonic() + seconds)
    finally:
        os.close(fds[0])
        ours.close()
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _supervised(child: int, listener: int, below: str, decide: Decide, until: float) -> None:
    end = os.pidfd_open(child)
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(end, select.POLLIN)
    try:
        while time.monotonic() < until:
            ready = dict(poll.poll(1000))
            if listener in ready and ready[listener] & select.POLLIN:
                _answered(listener, below, decide)
            elif end in ready or listener in ready:
                return
    finally:
        os.close(end)


def _answered(listener: int, below: str, decide: Decide) -> None:
    asked = bytearray(_ASKED.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, asked)
    except OSError:
        return  # who asked is dead
    key, process, _, number, _, _, *arguments = _ASKED.unpack(asked)
    value = error = 0
    goes_on = _GO_ON
    with suppress(OSError, ValueError):  # who asked is dead
        call = _call(process, number, arguments, below)
        answer = decide(call) if call is not None else 0
        if answer == SHORT:
            value, goes_on = _half(process, number, arguments), 0
        elif answer:
            error, goes_on = -answer, 0
    with suppress(OSError):
        fcntl.ioctl(listener, _SEND, _ANSWER.pack(key, value, error, goes_on))


def _call(process: int, number: int, arguments: list[int], below: str) -> Call | None:
    """What is asked about, if it is below the folder."""
    name, form = _BY_NUMBER[number]
    if form in (FD, MAP, "third"):
        place = {FD: 0, MAP: 4, "third": 2}[form]
        path = os.readlink(f"/proc/{process}/fd/{_signed(arguments[place])}")
    elif form in (PATH, OPEN, TWO):
        path = _path(process, None, arguments[0])
    else:
        path = _path(process, _signed(arguments[0]), arguments[1])
    if not path.startswith(below):
        return None
    if form in (OPEN, OPEN_AT):
        flags = arguments[1 if form == OPEN else 2]
        name = "look" if flags & os.O_DIRECTORY else "create" if flags & os.O_CREAT else "open"
    size = arguments[2] if name in ("write", "pwrite64") else 0
    return Call(
        name, path, size, name == "pwrite64" and _is_over(process, number=arguments[0], end=size + arguments[3])
    )


def _is_over(process: int, number: int, end: int) -> bool:
    found = os.stat(f"/proc/{process}/fd/{_signed(number)}")
    return end <= found.st_size <= found.st_blocks * 512


def _path(process: int, folder: int | None, pointer: int) -> str:
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(pointer)
        text = memory.read(min(MOST_PATH, 4096 - pointer % 4096))
        if b"\0" not in text:
            text += memory.read(MOST_PATH)
    name = os.fsdecode(text.partition(b"\0")[0])
    if name.startswith("/"):
        return name
    above = "cwd" if folder is None or folder < 0 else f"fd/{folder}"
    return os.path.join(os.readlink(f"/proc/{process}/{above}"), name)


def _half(process: int, number: int, arguments: list[int]) -> int:
    """Write half of it in the place of who asked; returns how many bytes."""
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        memory.seek(arguments[1])
        data = memory.read(arguments[2] // 2)
    whose = os.pidfd_open(_leader(process))
    try:
        file = _LIBC.syscall(_PIDFD_GETFD, whose, arguments[0], 0)
    finally:
        os.close(whose)
    if file < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    try:
        return os.write(file, data) if number == CALLS["write"][0] else os.pwrite(file, data, arguments[3])
    finally:
        os.close(file)


def _leader(thread: int) -> int:
    with open(f"/proc/{thread}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Tgid:"))


def _signed(number: int) -> int:
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


def _listen() -> int:
    """Have this process and its children asked about from now on; returns where the questions come."""
    if _LIBC.prctl(38, 1, 0, 0, 0):  # no new privileges
        raise OSError(ctypes.get_errno(), "prctl")
    program = b"".join(_filter())
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, padding, and where they are.
    prog = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer)))
    listener = _LIBC.syscall(_SECCOMP, 1, _LISTENER, prog)
    if listener < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(listener)


def _filter() -> Iterator[bytes]:
    load, equal, any_of, done = 0x20, 0x15, 0x45, 0x06

    def op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("<HBBI", code, yes, no, value)

    plain = [number for number, form in CALLS.values() if form not in (OPEN, OPEN_AT, MAP)]
    yield op(load, 4)
    yield op(equal, ARCH, 1, 0)
    yield op(done, _ALLOW)
    yield op(load, 0)
    for place, number in enumerate(plain):
        yield op(equal, number, len(plain) - place - 1 + 4, 0)
    # Open, open at, map; then: allow, ask, and what looks at their arguments.
    yield op(equal, CALLS["open"][0], 4, 0)
    yield op(equal, CALLS["openat"][0], 5, 0)
    yield op(equal, CALLS["mmap"][0], 6, 0)
    yield op(done, _ALLOW)
    yield op(done, _NOTIFY)
    yield op(load, 16 + 1 * 8)
    yield op(any_of, NOT_FOR_READING, 4, 5)
    yield op(load, 16 + 2 * 8)
    yield op(any_of, NOT_FOR_READING, 2, 3)
    yield op(load, 16 + 4 * 8)
    yield op(equal, 0xFFFFFFFF, 1, 0)
    yield op(done, _NOTIFY)
    yield op(done, _ALLOW)


ERRORS = {
    "EIO": errno.EIO,
    "ENOSPC": errno.ENOSPC,
    "EDQUOT": errno.EDQUOT,
    "EROFS": errno.EROFS,
    "EMFILE": errno.EMFILE,
}
_OPENING = ("create", "open", "look")
_NO_ROOM = (
    *("create", "write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate", "mkdir", "mkdirat"),
    *("rename", "renameat", "renameat2", "fsync", "fdatasync", "copy_file_range", "sendfile"),
)


def may_end_with(call: Call, error: int) -> int:
    """What a call ends with on a disk, or in a process, of which this error is; 0 when it may go on."""
    if call.name == "mmap":
        return errno.ENOMEM if error in (errno.EIO, errno.EMFILE) else 0
    ends = {
        errno.EIO: True,
        errno.EMFILE: call.name in _OPENING,
        errno.EROFS: call.name not in ("look", "fsync", "fdatasync"),
    }
    return error if ends.get(error, call.name in _NO_ROOM) else 0

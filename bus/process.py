"""What a program asks of the operating system: one copy of itself, no orphans, a stack when it hangs."""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import fcntl
import gc
import logging
import mmap
import os
import re
import resource
import signal
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_MAPPING = re.compile(r"(?P<begin>[0-9a-f]+)-(?P<end>[0-9a-f]+) (?P<rights>\S{4}) \S+ \S+ \d+ *(?P<path>.*)")
_MADV_DONTNEED, _MADV_HUGEPAGE = 4, 14
_ATTR = struct.Struct("=IIQiIQQQ")
"""``struct sched_attr``: its size, policy, flags, nice, priority, how long a turn is, two for realtime."""
_SCHED_ATTR = {"x86_64": (315, 314), "aarch64": (275, 274)}
"""The numbers of sched_getattr(2) and sched_setattr(2), for which the C library has no names."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SHORT_TURN = 100_000
"""The shortest that there is, ns."""
_SHOWN = 15
"""Bytes of a process's name that the kernel keeps."""


def boot_id() -> str:
    """What tells this start of this machine from all others; empty where the kernel does not say."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Lock:
    """A lock that ends with the process; the file keeps the number of the process that holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def take(self) -> int | None:
        """None when it is ours now, else the number of the process that has it (0: unknown); raises ``OSError``."""
        # Where root asks for the lock of another user's hub a link of that user's could lead to any file.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        file = os.fdopen(descriptor, "a+", encoding="ascii", errors="replace")  # held until the process ends
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            text = file.read().strip()
            file.close()
            return int(text) if text.isdigit() else 0
        try:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):  # what could not be written is tried once more
                file.close()
            raise OSError(error.errno, error.strerror, str(self.path)) from None
        self._file = file
        return None

    def release(self) -> None:
        """Let another copy have it."""
        if self._file is not None:
            self._file.close()
            self._file = None


def harden(*, supervised: bool) -> None:
    """No core dump with keys in it; children that can be waited for; under supervisord, end when supervisord does."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # Handed down by who started us: nobody would learn how a child ended, and each would seem to have succeeded.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if supervised:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if is_left_behind(os.getppid()):
            signal.raise_signal(signal.SIGTERM)  # nobody tells us of a death that was before we asked


def is_left_behind(parent: int, proc: Path = Path("/proc")) -> bool:
    """Whether whoever ``parent`` is took us over from a supervisord that died: in a container it may be one itself."""
    try:
        command, name = (proc / f"{parent}/cmdline").read_bytes(), (proc / f"{parent}/comm").read_text().strip()
    except OSError:
        return False
    return (parent == 1 or name == "systemd") and b"supervisord" not in command


def affordable(wanted: int, told: str, log: logging.Logger, *, spare: int, each: int = 1, beyond: int = 0) -> int:
    """How many of ``wanted``, at least ten, the system has open files for: ``each`` for one, ``spare`` for all else.

    It is asked for enough, and for so many ``beyond`` them, if it has them. If those that are needed are fewer, the
    log is told so, as ``told``: "only %d connections are possible".
    """
    need = wanted * each + spare
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < need + beyond:
        files = max(files, need + beyond if most == resource.RLIM_INFINITY else min(need + beyond, most))
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    possible = max(10, min(wanted, (files - spare) // each))
    if possible < wanted:
        words = "%s, since the system lets this process open %d files (ulimit -n)"
        log.warning(words, told % possible, files)
    return possible


def one_heap() -> None:
    """Let all threads share one heap: each of its own costs more memory than waiting for one another costs time."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def keep_heap(most: int) -> None:
    """Keep up to so many bytes of heap that nobody uses, for whoever needs large pieces of it again and again.

    By default each piece of 128 kB and more goes back to the kernel; to get it again, page by page and cleared, takes
    as long as what is done with it. ``trim_heap`` gives back what was kept.
    """
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, most)
    libc.mallopt(_M_TRIM_THRESHOLD, most)


def large_pages(most: int) -> None:
    """Have the next so many bytes that the heap grows by come in pages of 2 MB, if the kernel lets programs ask for it.

    Each page of 4 kB that is touched for the first time is a turn into the kernel, and a line of its tables ever after.
    To be said again after ``trim_heap``; ``most`` has to be less than what ``keep_heap`` was told. None of it is
    memory before it is used.
    """
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    begin = libc.malloc(most)
    if begin:
        first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
        libc.madvise(first, begin + most - first, _MADV_HUGEPAGE)
        libc.free(begin)


def take_short_turns(length: int = SHORT_TURN) -> bool:
    """Ask for turns on the processor of so many ns, for whoever does little for somebody who waits.

    Of two who wait, Linux (6.12 and later) gives the processor to the one whose turn would end sooner, also when
    another one's is under way; nobody's share of the time becomes another by this. False where there is no such thing.
    """
    calls = _SCHED_ATTR.get(os.uname().machine)
    if calls is None:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    told = ctypes.create_string_buffer(_ATTR.size)
    if libc.syscall(calls[0], 0, told, _ATTR.size, 0):
        return False
    size, policy, flags, nice, priority, _, *rest = _ATTR.unpack(told.raw)
    wanted = _ATTR.pack(size, policy, flags, nice, priority, length, *rest)
    return policy == os.SCHED_OTHER and not libc.syscall(calls[1], 0, wanted, 0)


def collect_seldom() -> None:
    """Look for cycles that nobody uses once in 50,000 new objects, for whoever makes many that last and few cycles.

    By default it is once in 700. What is there now is not looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def trim_heap() -> None:
    """Give the kernel what of the heap nobody uses."""
    ctypes.CDLL(None).malloc_trim(0)


def give_back() -> None:
    """Let go of memory that only the start needed: unused heap, and pages of libraries, which come back when touched.

    A page of a file that was never written to is not lost by this: the kernel reads it anew, as a rule from its cache
    (madvise(2), MADV_DONTNEED). What the linker wrote to and then made read-only is left alone.
    """
    gc.collect()
    libc = ctypes.CDLL(None)
    libc.malloc_trim(0)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    with open("/proc/self/smaps", encoding="utf-8", errors="replace") as maps:
        for begin, end in untouched(maps):
            libc.madvise(begin, end - begin, _MADV_DONTNEED)


def let_go(path: Path) -> None:
    """Let go of what is in memory of a file that is mapped to be read alone; it comes back when it is touched.

    The kernel may keep it in its cache as before, but it is no memory of this process any more.
    """
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    whole = os.path.realpath(path)
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        for line in maps:
            found = _MAPPING.match(line)
            if found and found["path"] == whole and "w" not in found["rights"]:
                begin = int(found["begin"], 16)
                libc.madvise(begin, int(found["end"], 16) - begin, _MADV_DONTNEED)


def untouched(maps: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The read-only mappings of files, in the text of /proc/PID/smaps, that hold nothing but what is in the file."""
    span: tuple[int, int] | None = None
    for line in maps:
        found = _MAPPING.match(line)
        if found:
            of_file = found["path"].startswith("/") and "w" not in found["rights"]
            span = (int(found["begin"], 16), int(found["end"], 16)) if of_file else None
        elif span and line.startswith("Anonymous:"):
            if line.split()[1] == "0":
                yield span
            span = None


def call_itself(name: str) -> None:
    """Let process lists show ``name``, where they would show the same word for every program."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, f"gd-{name}".encode()[:_SHOWN], 0, 0, 0)


def stacks_into(path: Path) -> None:
    """On SIGABRT (the watchdog's) and SIGUSR1 write every thread's stack to ``path``.

    To be said again where somebody else took these signals meanwhile, as gunicorn does in each worker.
    """
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (the handler needs it as long as the process lives)
    faulthandler.disable()  # what is enabled already is not looked at again
    faulthandler.enable(file)
    faulthandler.unregister(signal.SIGUSR1)
    faulthandler.register(signal.SIGUSR1, file, all_threads=True)

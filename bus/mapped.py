"""The files of an LMDB environment, opened on a disk that may be full.

LMDB writes its lock file through a map, where a full disk is SIGBUS and no error: the file gets its blocks before.
What a failed opening leaves of a new data file is no database, and would be taken for a damaged one the next time.
LMDB syncs its file, and not the folders in which the file's name is.
"""

from __future__ import annotations

import errno
import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from bus.folder import sync_folder

FILE_DAMAGED = (
    lmdb.CorruptedError,
    lmdb.PageNotFoundError,
    lmdb.InvalidError,
    lmdb.VersionMismatchError,
    lmdb.PanicError,
    lmdb.IncompatibleError,
)
"""What LMDB raises over a file that is not what was written."""

LINE = 64
"""A line of the processor's cache: so much has each reader in the lock file, and its head two of them."""

READERS = 126
"""So many readers an environment has where nobody asks for more."""

EMPTY = 2 * mmap.PAGESIZE
"""A file of LMDB to which nothing was committed yet is its two heads."""

FULL = ("No space left", "Disk quota exceeded", "File too large", "Input/output error", "Read-only file system")
"""What the system says of a disk that takes nothing now, in LMDB's words."""

PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says of a disk or a process, and not of a file."""

OF_THE_FILE = (signal.SIGABRT, signal.SIGBUS, signal.SIGSEGV, signal.SIGFPE, signal.SIGILL)
"""What a process is killed by over a file that it reads."""

DEEP = 3
"""So many folders above it may have been made for an environment: ``store/rows/sample/20261123T19``."""


def is_full(error: Exception) -> bool:
    """Whether LMDB's error says that nothing can be written now; True for some that say only that a write failed.

    A write that ends short for lack of room is told as an input/output error. A disk that really fails is told so too:
    then LMDB refuses everything from the next try on (MDB_PANIC), which is no lack of room any more.
    """
    return any(words in str(error) for words in FULL)


def is_passing(error: Exception) -> bool:
    """Whether an error of LMDB or the system says nothing about what is in the file."""
    return any(os.strerror(code) in str(error) for code in PASSING)


SOUND, DAMAGED, NOT_NOW = 0, 4, 3
"""How a child leaves that looked into a file. 1 and 2 are Python's, as where it has no memory, or no file, to begin."""


def looked(code: int) -> int:
    """What a child found of a file that it looked into, by the ``code`` that it ended with.

    One that was ended by somebody or for want of memory, or could not begin, says nothing about the file.
    """
    if code == DAMAGED or -code in OF_THE_FILE:
        return DAMAGED
    return SOUND if code == SOUND else NOT_NOW


def was_killed(code: int) -> bool:
    """Whether a child that read a file, and ended with ``code``, was ended by somebody or for want of memory.

    That says nothing about the file; neither does Ctrl-C, which reaches children too.
    """
    return code < 0 and -code not in OF_THE_FILE


@contextmanager
def room_for(folder: Path, readers: int = READERS, *, write: bool = True) -> Iterator[None]:
    """Around the opening of the environment in ``folder`` for so many readers; raises ``OSError``.

    Who only reads does so on a disk that cannot be written as well: there LMDB goes without a lock.
    """
    data = folder / "data.mdb"
    fresh = not data.exists()
    # Whoever made it may have been killed before its name was durable; what is committed to it later has to stay.
    unsettled = fresh or (write and data.stat().st_size <= EMPTY)
    try:
        allocated(folder / "lock.mdb", LINE * (readers + 2))
    except OSError as error:
        if write or error.errno != errno.EROFS:
            raise
    try:
        yield
    except Exception:
        if fresh:
            data.unlink(missing_ok=True)
        raise
    if unsettled:
        for directory in (folder, *folder.parents[:DEEP]):
            sync_folder(directory)


def allocated(path: Path, size: int) -> None:
    """Make a file that has room for so many bytes, or give one that is there its blocks; raises ``OSError``."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fresh = os.fstat(file).st_size == 0
        try:
            # Of a file that is there already nothing changes but that its holes get blocks.
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if fresh:
                path.unlink(missing_ok=True)
            raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        os.close(file)

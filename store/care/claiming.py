"""A folder in which one command works at a time: two at once would take each other's files for their own.

The lock is the folder's own: it leaves no file, and ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bus.folder import sync_folder


class Refused(Exception):
    """It cannot be done; the text is a sentence that says why."""


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[int]:
    """Hold ``folder`` against whoever claims it too, or raise ``Refused``; raises ``OSError`` where it is not there.

    It gives the open folder. Where the file system has no such locks, as some of the network, nobody is kept out.
    """
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another command is at work in {folder}; try again when it is done") from None
        except OSError:
            pass
        if not _is(held, folder):  # it was given its name meanwhile, or removed
            raise Refused(f"another command has just been at work in {folder}; try again")
        yield held
    finally:
        os.close(held)


@contextlib.contextmanager
def idle(folder: Path) -> Iterator[bool]:
    """Whether no command is at work in ``folder``; then none begins until the end. False where nobody can know."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            alone = _is(held, folder)
        except OSError:
            alone = False
        yield alone
    finally:
        os.close(held)


@contextlib.contextmanager
def made_alone(folder: Path) -> Iterator[None]:
    """An empty ``folder``, claimed; what somebody left there who died is removed, and all of it at the end.

    What was given another name by then stays. The names of folders that are made for it are on the disk at once.
    """
    made = [above for above in folder.parents if not above.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for above in made:
        sync_folder(above.parent)
    with claimed(folder) as held:
        try:
            _emptied(folder)
            yield
        finally:
            if _is(held, folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is(held: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held), folder.stat())
    except FileNotFoundError:
        return False


def _emptied(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()

"""A folder that the hub keeps things in: made so that it lasts, changed by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 10.0
"""Seconds; what is done alone takes milliseconds, unless the disk hangs."""
PAUSE = 0.005


def make_private(folder: Path) -> None:
    """Make ``folder`` where it is not there, for its owner alone, so that it survives a power cut."""
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    hand_over(folder)
    sync_folder(folder.parent)


def hand_over(made: Path, descriptor: int | None = None) -> None:
    """Give what root has made to whoever owns the folder that it is in; ``descriptor`` is of the file where it is open.

    A hub that runs as a user of its own has to read and write what somebody makes who types a command as root.
    """
    if os.geteuid() != 0:
        return
    # By an open folder, as below: a path may lead elsewhere by now.
    around = os.open(made.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        owner = os.fstat(around)
        if owner.st_uid and descriptor is None:
            os.chown(made.name, owner.st_uid, owner.st_gid, dir_fd=around, follow_symlinks=False)
        elif owner.st_uid and descriptor is not None:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
    finally:
        os.close(around)


def shut(folder: Path, owner: int) -> None:
    """Let nobody into ``folder`` but its owner.

    Root does so only where that is ``owner``: a link of his may lead to the folder of somebody else.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.geteuid() != 0 or os.fstat(descriptor).st_uid == owner:
            os.fchmod(descriptor, 0o700)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None  # what is open has no name of its own
    finally:
        os.close(descriptor)


def hand_over_all(made: Path, owner: os.stat_result) -> None:
    """Give what root has made, with all that is in it, to the ``owner`` of something else.

    By open folders and never by a path through them: who owns the folder around it may put a link to /etc in its way.
    """
    if os.geteuid() == 0 and owner.st_uid:
        try:
            os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)
        except FileNotFoundError:
            return
        for _, _, files, folder in os.fwalk(made) if made.is_dir() else ():
            os.fchown(folder, owner.st_uid, owner.st_gid)
            for name in files:
                with contextlib.suppress(FileNotFoundError):  # the hub goes on meanwhile
                    os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)


def sync_folder(folder: Path) -> None:
    """Make durable which names are in ``folder``: a file that is synced may lose its own in a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone(folder: Path, seconds: float = PATIENCE) -> Iterator[None]:
    """Hold ``folder``, made where it is not there, against everybody else who asks for it so: to read, decide, change.

    The lock is the folder's own: it takes no room on a full disk, leaves no file, and ends with its process. Raises
    ``TimeoutError`` when somebody else has it for ``seconds``.
    """
    make_private(folder)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + seconds
        while not _locked(held):
            if time.monotonic() >= until:
                raise TimeoutError(f"another command has been changing {folder} for {seconds:g} s; try again")
            time.sleep(PAUSE)
        yield
    finally:
        os.close(held)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""The file of a spool's journal: made once with all its blocks, then written entry by entry.

    journal = Journal(folder / "journal", 262_144)
    journal.ready()                 it can be written: opened, and made if it was not there
    journal.begin(life)             from its start on, once the spool's file says that this is its life
    journal.write(epoch, ...)       durable when this returns True; False when it is full, or the disk failed
    journal.read()                  what it holds

Its blocks are written with zeros before they are used, so that an entry changes nothing of the file but its bytes: one
write on a descriptor with O_DSYNC is all, and no block has to be found for it. What an earlier life left stands there
until it is written over, and is not taken for an entry of this one, since it has another life in its checksum.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bus import failpoints
from bus.folder import sync_folder
from bus.spool.entry import PAGE, Watermark, first_life, packed_entry


class Journal:
    """One journal; who has the spool's lock has it for himself."""

    def __init__(self, path: Path, size: int) -> None:
        """``size``: bytes, whole pages; 0 for a spool that does without."""
        self.path = path
        self._size = size
        self._file: int | None = None
        self._life = self._place = 0
        self._at: int | None = None
        self._failed = False
        self._given_up = not size

    # -- writing ---

    def ready(self) -> bool:
        """Whether a life can begin. After it could not be made it is not tried again until ``retry``."""
        if self._file is None and not self._given_up:
            try:
                if not self.path.exists() or self.path.stat().st_size != self._size:
                    self._make()
                # Whoever made it may have died before its name was durable.
                sync_folder(self.path.parent)
                self._file = os.open(self.path, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC)
            except OSError:
                self._given_up = True
        return self._file is not None and not self._failed

    def _make(self) -> None:
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            try:
                failpoints.at("journal.make")
                self._reserve(file)
                # Page by page: the system then keeps single pages, and writing one is a sixth less work.
                for at in range(0, self._size, PAGE):
                    os.pwrite(file, bytes(PAGE), at)
                os.fsync(file)
            except OSError:
                self.path.unlink(missing_ok=True)
                raise
        finally:
            os.close(file)

    def _reserve(self, file: int) -> None:
        """Say at once that there is no room, where writing would take what is left from others first."""
        try:
            os.posix_fallocate(file, 0, self._size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                raise

    def retry(self) -> None:
        """Try again to make it, if that failed."""
        self._given_up = not self._size

    @property
    def failed(self) -> bool:
        """Whether the last write failed: what it wrote may be on the disk, or not."""
        return self._failed

    @property
    def begun(self) -> bool:
        """Whether a life has begun here."""
        return self._at is not None

    def begin(self, life: int) -> None:
        """Write from the start on."""
        self._life, self._place, self._at = life, 0, 0

    def stop(self) -> None:
        """Write nothing more until a new life begins."""
        self._at = None

    def write(
        self,
        epoch: int,
        first: int,
        packed: Sequence[bytes],
        running: float,
        generation: int,
        watermarks: Sequence[Watermark],
    ) -> bool:
        """Make an entry durable as the next of this life. False: it is not, and no more is taken if the disk failed."""
        at, file = self._at, self._file
        if at is None or file is None:
            return False
        data = packed_entry(self._life, self._place, epoch, first, packed, running, generation, watermarks)
        end = at + len(data)
        if end > self._size:
            return False
        try:
            failpoints.at("journal.write")
            if os.pwrite(file, data, at) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            failpoints.at("journal.written")
        except OSError:
            # Nobody knows what of it is on the disk: only another life makes that void.
            self._failed, self._at = True, None
            return False
        self._at = end
        self._place += 1
        return True

    def void(self) -> None:
        """The spool's file names no life: begin with a new file if the last write to this one failed."""
        self.stop()
        if self._failed:
            self.close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
                self._failed = False

    # -- reading ---

    def first_life(self) -> int | None:
        """The life of the entry that it begins with; None where it begins with none, or cannot be read."""
        with suppress(OSError):
            return first_life(self.read()[0])
        return None

    def read(self) -> tuple[bytes, str]:
        """(its bytes, what is wrong with them or ""): pages that cannot be read are zeros. Raises ``OSError``."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return b"", "is gone"
        parts, wrong = [], ""
        try:
            for at in range(0, os.fstat(file).st_size, PAGE):
                try:
                    parts.append(os.pread(file, PAGE, at))
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    parts.append(bytes(PAGE))
                    wrong = "cannot be read"
        finally:
            os.close(file)
        return b"".join(parts), wrong

    def close(self) -> None:
        """Let go of it."""
        self.stop()
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

"""When each token was last let in, to the minute: the times of empty files, one a token.

Any number of workers write them, and ``guardia token list`` reads them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from api.auth import Token
from bus.timing import SECOND

EACH_NS = 60 * SECOND
"""A token's file is touched this often at most."""


def folder_of(tokens: Path) -> Path:
    """Where they are, beside the file of tokens."""
    return tokens.with_name("used")


def last_used(tokens: Path, token: Token) -> int | None:
    """When it was let in, ns since the epoch; None: never, nor where an earlier token of its name was."""
    try:
        at = _path(folder_of(tokens), token.name).stat().st_mtime_ns
    except OSError:
        return None
    return at if at >= token.created_at else None


class Used:
    """Writes it for one worker; where nothing can be written, nothing is, for nobody is to be kept out by it."""

    def __init__(self, tokens: Path) -> None:
        self._folder = folder_of(tokens)
        self._at: dict[str, int] = {}

    def mark(self, name: str, now: int) -> None:
        """The token of this name was let in, at ``now`` (ns since the epoch)."""
        if 0 <= now - self._at.get(name, -EACH_NS) < EACH_NS:
            return
        self._at[name] = now
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            file = os.open(_path(self._folder, name), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
            try:
                os.utime(file, ns=(now, now))
            finally:
                os.close(file)


def _path(folder: Path, name: str) -> Path:
    """Names are kept from being paths: a file that was written by hand may have any."""
    return folder / f"{name.replace('/', '_')}.used"

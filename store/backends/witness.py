"""Whether a store is an older copy of itself, told by a file beside it (rule R5).

The file ``<store>.generation`` stands outside the store's folder, so that a copy put in the folder's place does not
bring its own. It says of which generation the store was and how many commits it had. A store with fewer commits was
restored: it gets a new generation, and its producers offer again what they still keep.
"""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from zlib import crc32

_FORM = struct.Struct(">QQI")


class Witness:
    """The file beside the store. It is written without fsync: one that is older than the store is no harm."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def judged(self, generation: int, commits: int, now: int, *, copy: bool = False) -> int:
        """The generation of a store that says it is of ``generation`` (0: new) with so many commits; ``now`` in ns.

        One that says it is a ``copy`` gets a new one in any case.

        A generation is the ms since 1970 of its beginning, shifted left by 16, and larger than any known before.
        """
        seen, had = self._read()
        if not copy and generation and generation >= seen and (generation > seen or commits >= had):
            return generation
        return max(now // 1_000_000 << 16, max(seen, generation) + (1 << 16))

    def note(self, generation: int, commits: int) -> None:
        """Remember how far the store is. What cannot be written now is written the next time."""
        head = struct.pack(">QQ", generation, commits)
        fresh = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            fresh.write_bytes(head + struct.pack(">I", crc32(head)))
            fresh.rename(self._path)

    def _read(self) -> tuple[int, int]:
        try:
            content = self._path.read_bytes()
        except OSError:
            return 0, 0
        if len(content) != _FORM.size or crc32(content[:16]) != _FORM.unpack(content)[2]:
            return 0, 0
        generation, commits, _ = _FORM.unpack(content)
        return generation, commits

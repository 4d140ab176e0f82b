"""Which file systems there are, from the text of /proc/self/mountinfo. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.names import skipped

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_FELL = frozenset({b"emergency_ro", b"shutdown"})
"""What ext4 says of itself after a fault, where it still calls itself ``rw`` (Linux 6.18 does)."""


class Mount(NamedTuple):
    """One file system where it is mounted."""

    point: str
    path: bytes
    """The mount point as the system calls take it."""
    device: bytes
    kind: str
    source: bytes
    """What was mounted: a device's path, or what stands for it."""
    fell_read_only: bool
    """Whether it takes no more writes though it was mounted for them, as after a fault on its disk."""


def mounts(text: bytes, skip_kinds: Sequence[str], skip_points: Sequence[str]) -> list[Mount]:
    """The file systems that count, each once.

    A line is ``36 35 98:0 /root /mount/point options tags - type source options``. Of several mounts of one device
    the one that shows all of it is taken, then the shortest; of several at one point, the last, which is on top.
    ``skip_kinds`` do not hold for the root, unless it is of one that nobody can write to, and is always full.
    """
    on_top: dict[bytes, tuple[bytes, Mount, bool]] = {}
    for line in text.split(b"\n"):  # a mount point may have any other end of a line in it
        before, _, after = line.partition(b" - ")
        words, (kind, source, options) = before.split(b" "), (after + b"  ").split(b" ", 2)
        if len(words) < 6:
            continue
        path, flags = _unescaped(words[4]), options.strip().split(b",")
        fixed, asked_for = flags[0] == b"ro", words[5].split(b",")[0] == b"ro"
        fell = not asked_for and (fixed or not _FELL.isdisjoint(flags))
        point = path.decode("utf-8", "replace")
        mount = Mount(point, path, words[2], kind.decode("utf-8", "replace"), _unescaped(source), fell)
        on_top.pop(path, None)
        on_top[path] = (words[3], mount, fixed)
    best: dict[bytes, tuple[bytes, Mount]] = {}
    for root, mount, fixed in on_top.values():
        if (mount.point != "/" or fixed) and skipped(mount.kind, skip_kinds):
            continue
        known = best.get(mount.device)
        if known is None or _rank(root, mount) < _rank(*known):
            best[mount.device] = (root, mount)
    # The globs come last: what is left out at its own place does not come back by a bind mount.
    kept = [mount for _, mount in best.values() if not skipped(mount.point, skip_points)]
    return sorted(kept, key=lambda mount: mount.point)


def _rank(root: bytes, mount: Mount) -> tuple[bool, int, str]:
    return root != b"/", len(mount.point), mount.point


def _unescaped(path: bytes) -> bytes:
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), path)

"""Names from the host made fit to travel. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_NO_NAME = re.compile(r"[^A-Za-z0-9._:-]+")
_NO_INSTANCE = re.compile(r"[\[\]\x00-\x1f\x7f]")
_LONGEST_INSTANCE = 160
_GLOB = re.compile(r"[*?[]")


def host(host_name: str) -> str:
    """The name of a host whose own name is ``host_name``: short, and of the letters that a name may have."""
    short = _NO_NAME.sub("-", host_name.partition(".")[0]).strip("-")
    return short[:128] or "localhost"


def instance(text: str) -> str:
    """``text`` as it may stand between the brackets of a metric's name."""
    return _NO_INSTANCE.sub("_", sendable(text))[:_LONGEST_INSTANCE] or "_"


def sendable(text: str) -> str:
    """``text`` with question marks for bytes that are none, which Python keeps as lone surrogates."""
    return text.encode("utf-8", "replace").decode()


def literal(globs: Iterable[str]) -> list[str]:
    """Those of ``globs`` that mean one name alone."""
    return [glob for glob in globs if not _GLOB.search(glob)]


def skipped(name: str, globs: Iterable[str]) -> bool:
    """Whether one of ``globs`` means ``name``."""
    return any(fnmatchcase(name, glob) for glob in globs)

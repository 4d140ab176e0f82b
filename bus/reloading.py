"""What is said of a configuration that was read again: nobody shall take for changed what waits for a start. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def said(path: Path, first: Mapping[str, Any], again: Mapping[str, Any], later: Iterable[str]) -> str:
    """A sentence for the log. ``later`` names tables, or settings as ``api.port``, that only a start takes up.

    ``first`` is what was read at the start, and is what such settings still are.
    """
    changed = [_shown(name) for name in later if _value(first, name) != _value(again, name)]
    more = f"; what changed in {', '.join(changed)} is used from the next start on" if changed else ""
    return f"read {path} again{more}"


def _value(settings: Mapping[str, Any], name: str) -> Any:
    table, _, key = name.partition(".")
    return getattr(settings[table], key) if key else settings[table]


def _shown(name: str) -> str:
    table, _, key = name.partition(".")
    return f"[{table}] {key}".rstrip()

"""Tables as TOML text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def value(one: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, str):
        # JSON's escapes are TOML's too, but for DEL, which JSON leaves as it is.
        return json.dumps(one, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(one, Mapping):
        inside = ", ".join(f"{key(name)} = {value(inner)}" for name, inner in one.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(one, Sequence):
        return f"[{', '.join(map(value, one))}]"
    return repr(one)


def key(name: str) -> str:
    """A key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else value(name)


def table(header: str, entries: Mapping[str, Any], comment: str = "") -> str:
    """A table under its header, as ``[api]`` or ``[[hosts]]``."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += [header, *(f"{key(name)} = {value(one)}" for name, one in entries.items())]
    return "\n".join(lines) + "\n"

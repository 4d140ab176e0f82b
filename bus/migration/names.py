"""Names of the first Guardia made fit for ours. Pure."""

from __future__ import annotations

import re

_NO_NAME = re.compile(r"[^A-Za-z0-9._:-]+")
LONGEST = 128


def fit(name: str) -> str:
    """``name`` with a dash for whatever a name may not have, as ``My Shop`` becomes ``My-Shop``; may be empty."""
    found = _NO_NAME.sub("-", name).strip("-")[:LONGEST]
    return "" if found in (".", "..") else found

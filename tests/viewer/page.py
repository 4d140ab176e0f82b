"""Writes the tables of ``docs/viewer.md`` anew from what the program uses: ``python -m tests.viewer.page``."""

from __future__ import annotations

import re
from pathlib import Path

from viewer import commands, keys
from viewer.program import settings_text

PAGE = Path(__file__).resolve().parents[2] / "docs" / "viewer.md"


def tables() -> tuple[str, ...]:
    """The tables that the page has."""
    return keys.markdown(), commands.markdown(), settings_text()


def renewed(page: str) -> str:
    """The page with each of its tables as it is now, found by its first line."""
    for table in tables():
        found = re.search(rf"^{re.escape(table.partition(chr(10))[0])}\n(\|.*\n)+", page, flags=re.MULTILINE)
        if found:
            page = page[: found.start()] + table + page[found.end() :]
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""``guardia view``: the terminal viewer."""

from __future__ import annotations

import sys

from viewer.program import main

__all__ = ["main"]

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

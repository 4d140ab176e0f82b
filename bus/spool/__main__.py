"""Reads everything in a spool's file: ``python -m bus.spool PATH`` leaves with 0 when that was possible."""

import sys
from pathlib import Path

from bus.spool.file import SpoolFile

print(f"{SpoolFile(Path(sys.argv[1]), 1 << 40).walk()} rows can be read")

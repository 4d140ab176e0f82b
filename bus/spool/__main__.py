"""Reads everything in a spool's file: ``python -m bus.spool PATH``; see ``bus.spool.doubt`` for how it leaves."""

import sys
from pathlib import Path

from bus.delivery.retention import NoRoom
from bus.spool.doubt import DAMAGED, NOT_NOW
from bus.spool.file import Damaged, SpoolFile

try:
    print(f"{SpoolFile(Path(sys.argv[1]), 1 << 40).walk()} rows can be read")
except NoRoom as error:
    print(error, file=sys.stderr)
    raise SystemExit(NOT_NOW) from None
except Damaged as error:
    print(error, file=sys.stderr)
    raise SystemExit(DAMAGED) from None

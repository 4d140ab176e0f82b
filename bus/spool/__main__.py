"""Reads everything in a spool's file: ``python -m bus.spool PATH``; see ``bus.spool.doubt`` for how it leaves."""

import sys
from pathlib import Path

from bus.delivery.retention import NoRoom
from bus.mapped import DAMAGED, NOT_NOW
from bus.process import harden
from bus.spool.file import SpoolFile

harden(supervised=True)  # who waits for the answer may end
try:
    print(f"{SpoolFile(Path(sys.argv[1]), 1 << 40, readahead=True).walk()} rows can be read")
except NoRoom as error:
    print(error, file=sys.stderr)
    raise SystemExit(NOT_NOW) from None
except MemoryError:
    raise SystemExit(NOT_NOW) from None
except Exception as error:  # whatever its bytes are taken for
    print(error, file=sys.stderr)
    raise SystemExit(DAMAGED) from None

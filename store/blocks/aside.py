"""Files of blocks that are not what their place says: put aside, or left alone when a later Guardia wrote them."""

from __future__ import annotations

import time
from pathlib import Path

from bus.timing import DAY, HOUR
from store.blocks.listing import Index
from store.blocks.pressing import Damaged, LeftAlone, Newer
from store.blocks.segments import Segment
from store.folders import entries
from store.spans import MONTH, name_of, span_of

BAD = ".bad-"


def put_aside(path: Path) -> None:
    """Keep a file that cannot be read for whoever wants to look at it.

    Raises ``LeftAlone`` instead where it is not the file's fault, and ``OSError``.
    """
    try:
        segment = Segment(path)
        segment.close()
        if not misplaced(segment.index, path):
            raise LeftAlone(f"{path} could not be opened a moment ago")
    except Newer as error:
        raise Newer(f"{error}: it is left alone") from None
    except FileNotFoundError:
        return
    except OSError as error:
        raise LeftAlone(f"{path} cannot be opened now: {error.strerror}") from None
    except LeftAlone:
        raise
    except (Damaged, ValueError):
        pass
    path.rename(path.with_name(f"{path.name}{BAD}{int(time.time())}"))


def aside(folder: Path) -> list[Path]:
    """What was put aside in the folder of blocks."""
    return sorted(entries(folder, f"*/*/*{BAD}*"))


def misplaced(index: Index, path: Path) -> str:
    """Which file it is, when it is not the one that its name says, as after two were given each other's names."""
    kind, tier, name = path.parts[-3:]
    span = span_of(name)
    ours = (index.kind, index.tier, index.start, index.end)
    if span is not None and ours == (kind, tier, span.start, span.end):
        return ""
    length = {HOUR: "1h", DAY: "1d"}.get(index.end - index.start, MONTH)
    return f"it is {index.kind}/{index.tier}/{name_of(index.start, length)} under another name"

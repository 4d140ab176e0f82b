"""How far an import is: what was acknowledged, on disk, so that it goes on after whatever ended it."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from pathlib import Path

from bus.keys import write_private
from store.importing.source import COLUMNS, START, Position


class Journal:
    """Positions in the source by table, and rows told; only what the store acknowledged is kept.

    One that was to begin later than ``since`` (ms) says nothing about the rows before: the import is begun anew. So it
    is with one that was ended, and went on later than where it was.
    """

    def __init__(self, folder: Path, source: Path, since: int = 0) -> None:
        digest = hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]
        self.path = folder / f"{digest}.json"
        self._under_way: deque[tuple[int, str, Position, int]] = deque()
        self.positions: dict[str, Position] = {}
        self._since = self._asked = since
        self.rows = 0
        """Rows that the store acknowledged, in this run and before."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            if int(kept.get("since", 0)) > since:
                return
            self.positions = {table: (int(at), str(name)) for table, (at, name) in kept["positions"].items()}
            if all(self.after(table)[0] >= since for table in COLUMNS):
                self._since = int(kept.get("since", 0))
            self.rows = int(kept["rows"])
        except FileNotFoundError:
            pass
        except (ValueError, KeyError, TypeError, AttributeError):
            # It can only be begun anew: what is told again is kept once.
            self.positions, self.rows = {}, 0

    def after(self, table: str) -> Position:
        """Where to go on."""
        return self.positions.get(table, START)

    def told(self, messages: int, table: str, position: Position, rows: int = 1) -> None:
        """A row was told, or none for one that was left out; ``messages`` is how many messages were told by then."""
        self._under_way.append((messages, table, position, rows))

    def acknowledged(self, messages: int) -> bool:
        """So many messages are on the store's disk; whether that is news."""
        news = False
        while self._under_way and self._under_way[0][0] <= messages:
            _, table, self.positions[table], rows = self._under_way.popleft()
            self.rows += rows
            news = True
        return news

    def keep(self) -> None:
        """Make it durable."""
        write_private(self.path, json.dumps({"positions": self.positions, "rows": self.rows, "since": self._since}))

    def forget(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)
        self.positions, self.rows, self._since = {}, 0, self._asked

"""Tells the rows of a source, a few at a time, never more than the hub can take."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bus.delivering import Deliverer
from bus.fields import Unfit
from bus.messages import Facts, Layout, Message, Sample, is_name, layout_id
from bus.migration.names import fit
from store.importing.journal import Journal
from store.importing.rows import MILLISECOND, check, readings
from store.importing.source import COLUMNS, Source

ROWS_A_TURN = 1000
MOST_UNACKNOWLEDGED = 10_000
"""The spool would hold more; the point is that the hub's own agents wait behind little."""
MOST_LAYOUTS = 10_000


class Telling:
    """All rows from the journal's positions on; ``names`` says what hosts and services are called now."""

    def __init__(
        self, source: Source, journal: Journal, deliverer: Deliverer, names: Mapping[str, str], since: int
    ) -> None:
        self._source = source
        self._journal = journal
        self._deliverer = deliverer
        self._names = names
        self._since = since
        self._rows = self._all()
        self._fit = lru_cache(10_000)(fit)
        self._layouts: set[tuple[str, int]] = set()
        self._facts: dict[str, Facts] = {}
        # What an earlier run left in the spool goes first and is counted with the rest.
        self._messages = deliverer.courier.sender.unacknowledged
        self.over = False
        """Whether every row was told."""
        self.why: dict[str, int] = {}
        """Rows that cannot be told at all, by the reason; of twenty reasons."""
        self.left_out = 0

    def turn(self) -> bool:
        """Tell some rows, and take note of what was acknowledged; whether more might be told at once."""
        room = (MOST_UNACKNOWLEDGED - self._waiting()) // 3
        for _ in range(min(ROWS_A_TURN, room)):
            found = next(self._rows, None)
            if found is None:
                self.over = True
                break
            self._row(*found)
        self._deliverer.flush()
        self._journal.acknowledged(self._messages - self._waiting())
        return not self.over and room >= ROWS_A_TURN

    @property
    def done(self) -> bool:
        """Whether every row was told and acknowledged."""
        return self.over and not self._waiting()

    def _waiting(self) -> int:
        courier = self._deliverer.courier
        return courier.sender.unacknowledged + courier.pending

    def _all(self) -> Iterator[tuple[str, sqlite3.Row]]:
        for table in self._source.tables:
            for row in self._source.rows(table, self._journal.after(table), self._since):
                yield table, row

    def _row(self, table: str, row: sqlite3.Row) -> None:
        old, at = row[COLUMNS[table][0]], row["timestamp"]
        name = self._names.get(old) or self._fit(old)
        if not is_name(name):
            rows = self._left_out(f"no name can be made of {old[:40]!r}")
        else:
            try:
                rows = (self._sample if table == "metrics" else self._check)(name, at * MILLISECOND, row)
            except Unfit as fault:
                rows = self._left_out(str(fault)[:100])
        self._journal.told(self._messages, table, (at, old), rows)

    def _left_out(self, why: str) -> int:
        self.left_out += 1
        if why in self.why or len(self.why) < 20:
            self.why[why] = self.why.get(why, 0) + 1
        return 0

    def _check(self, name: str, at: int, row: sqlite3.Row) -> int:
        self._tell(check(dict(row)), name, at)
        return 1

    def _sample(self, name: str, at: int, row: sqlite3.Row) -> int:
        values, facts = readings(dict(row))
        if facts is not None and self._facts.get(name) != facts:
            self._facts[name] = facts
            self._tell(facts, name, at)
        if not values:
            return self._left_out("no number in it")
        names = tuple(values)
        layout = layout_id(names)
        if (name, layout) not in self._layouts:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts.add((name, layout))
            self._tell(Layout(names), name, at)
        self._tell(Sample(layout, tuple(values.values())), name, at)
        return 1

    def _tell(self, message: Message, name: str, at: int) -> None:
        self._deliverer.tell(message, at=at, subject=name)
        self._messages += 1

"""The layouts in PostgreSQL: learnt, heard of, and forgotten when all rows of their time are dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bus.messages import layout_id
from bus.timing import DAY
from store.backends.postgres_tables import Db
from store.backends.values import layouts_of, names_of
from store.batch import Batch
from store.keys import LAYOUT, SAMPLE_CODE, kept_at
from store.layouts import NOBODY, Ledger


class TableLayouts:
    """A writer's; what is done to the table holds with the transaction, of which ``noted`` says that it is over."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._ids: set[int] = set()
        """Those that are on the server's disk."""

    def load(self, db: Db, now: int) -> None:
        """What is there; of layouts that an earlier version kept is heard just now."""
        found = db.execute("SELECT id, octet_length(names), source, heard, needed FROM layouts")
        for packed, size, source, heard, needed in found:
            layout = LAYOUT.unpack(packed)[0]
            self._ids.add(layout)
            self._ledger.load(layout, source, size, heard or now, needed)
            if not heard:
                self._ledger.changed.add(layout)

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept; see ``Backend``."""
        return self._ledger.learn(layout_id(names), source, sum(map(len, names)) + len(names), now, most)

    def keep(self, db: Db, batch: Batch, now: int) -> set[int]:
        """Keep what is announced, and what was heard of those that are known; gives it to ``noted``."""
        new: set[int] = set()
        for record in batch.layouts:
            names = names_of(record)
            layout = layout_id(names)
            if names and layout not in self._ids and layout not in new:
                self._ledger.learn(layout, NOBODY, sum(map(len, names)), now, 0)
                db.execute(
                    "INSERT INTO layouts VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (LAYOUT.pack(layout), "\n".join(names)),
                )
                new.add(layout)
            elif names:
                self._ledger.hear(layout, now)
        for layout, at in _ahead(batch, now):
            self._ledger.need(layout, at)
        changed = self._ledger.changed & (self._ids | new)
        if changed:
            kept = [(layout, self._ledger[layout]) for layout in changed]
            db.execute(
                "UPDATE layouts SET source = n.source, heard = n.heard, needed = n.needed"
                " FROM unnest(%s::bytea[], %s::text[], %s::bigint[], %s::bigint[]) AS n(id, source, heard, needed)"
                " WHERE layouts.id = n.id",
                (
                    [LAYOUT.pack(layout) for layout, _ in kept],
                    [one.source for _, one in kept],
                    [one.heard for _, one in kept],
                    [one.needed for _, one in kept],
                ),
            )
        return changed

    def noted(self, changed: set[int]) -> None:
        """What ``keep`` gave is on the server's disk."""
        self._ids |= changed
        self._ledger.changed -= changed

    def forget(self, db: Db, before: int) -> list[int]:
        """Take away those heard of, and needed, last before this: all rows of that time are dropped.

        Not those of newest samples.
        """
        stale = self._ledger.stale(before - 2 * DAY)
        for layout in stale:
            if layout not in self._ids:  # it was announced by what was not stored
                self._ledger.forget(layout)
        stale = [layout for layout in stale if layout in self._ids]
        if not stale:
            return []
        newest = layouts_of(bytes(record) for (record,) in db.execute("SELECT record FROM series"))
        gone = [layout for layout in stale if layout not in newest]
        db.execute("DELETE FROM layouts WHERE id = ANY(%s)", ([LAYOUT.pack(layout) for layout in gone],))
        return gone

    def gone(self, layouts: Sequence[int]) -> None:
        """What ``forget`` gave is gone."""
        for layout in layouts:
            self._ledger.forget(layout)
            self._ids.discard(layout)


def _ahead(batch: Batch, now: int) -> Iterator[tuple[int, int]]:
    """(layout, time) of the samples in periods to come: whose clock is fast is kept for longer than what is heard."""
    for (code, start), groups in batch.groups.items():
        if code == SAMPLE_CODE and start > now:
            for group in groups.values():
                for _, record in group.dated():
                    at = kept_at(record)
                    yield from ((layout, at) for layout in layouts_of([record]))

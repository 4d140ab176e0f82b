"""The layouts in PostgreSQL: learnt, heard of, and forgotten when all rows of their time are dropped."""

from __future__ import annotations

from collections.abc import Sequence

from bus.messages import layout_id
from store.backends.postgres_tables import Db
from store.backends.values import layouts_of, names_of
from store.keys import DAY, LAYOUT
from store.layouts import NOBODY, Kept, Ledger


class TableLayouts:
    """A writer's; what is done to the table holds with the transaction, of which ``noted`` says that it is over."""

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._ids: set[int] = set()

    def load(self, db: Db, now: int) -> None:
        """What is there; of layouts that an earlier version kept is heard just now."""
        for packed, size, source, heard in db.execute("SELECT id, octet_length(names), source, heard FROM layouts"):
            layout = LAYOUT.unpack(packed)[0]
            self._ids.add(layout)
            self._ledger.load(layout, Kept(source, size, heard or now))
            if not heard:
                self._ledger.changed.add(layout)

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept; see ``Backend``."""
        return self._ledger.learn(layout_id(names), source, sum(map(len, names)) + len(names), now, most)

    def keep(self, db: Db, records: Sequence[bytes], now: int) -> set[int]:
        """Keep what these records announce, and what was heard of those that are known; gives it to ``noted``."""
        for record in records:
            names = names_of(record)
            layout = layout_id(names)
            if names and layout not in self._ids:
                self._ledger.learn(layout, NOBODY, sum(map(len, names)), now, 0)
                db.execute(
                    "INSERT INTO layouts VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (LAYOUT.pack(layout), "\n".join(names)),
                )
                self._ids.add(layout)
            elif names:
                self._ledger.hear(layout, now)
        changed = self._ledger.changed & self._ids
        if changed:
            kept = [(layout, self._ledger[layout]) for layout in changed]
            db.execute(
                "UPDATE layouts SET source = n.source, heard = n.heard"
                " FROM unnest(%s::bytea[], %s::text[], %s::bigint[]) AS n(id, source, heard) WHERE layouts.id = n.id",
                ([LAYOUT.pack(layout) for layout, _ in kept], [k.source for _, k in kept], [k.heard for _, k in kept]),
            )
        return changed

    def noted(self, changed: set[int]) -> None:
        """What ``keep`` gave is on the server's disk."""
        self._ledger.changed -= changed

    def forget(self, db: Db, before: int) -> list[int]:
        """Take away those heard of last before this: all rows of that time are dropped. Not those of newest samples."""
        stale = [layout for layout in self._ledger.stale(before - 2 * DAY) if layout in self._ids]
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

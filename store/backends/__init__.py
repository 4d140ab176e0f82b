"""Where records are kept: one class each, behind one contract.

Growth is one file here and one line in ``BACKENDS``; ``tests/store/test_backends.py`` runs over every member.

``lmdb`` is the usual one, and most of what is here is its own:
    its state     beginning, formats, values, layouts, newest, numbers, witness
    its rows      partitions, listed, leaving, regrouping, exchange
    its files     environments, doubt, walking
    its past      past (rows and blocks as one), with sealed, scope, lacking, names, tails
``memory`` and ``postgres`` (postgres_server, postgres_tables, postgres_layouts) stand alone. ``victoriametrics``
(victoria_lines, shipping) is an lmdb that brings its samples to a server.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, cast

from bus.questions import Stored, Subject
from bus.secret import Secret
from store.batch import Batch
from store.columns import Steps, columns
from store.pieces import Piece, of_columns
from store.rows import Row

Streams = tuple[Sequence[tuple[bytes, bytes]], Sequence[bytes]]
"""(pairs to put, keys to delete before) of ``bus.delivery.receiver``; opaque here."""


class StoreBroken(Exception):
    """The files are damaged or the disk fails; the text names the file. Nothing was acknowledged."""


class StoreFull(StoreBroken):
    """There is no room to commit; nothing of the batch was acknowledged, try it again when there is."""


class StoreDamaged(StoreBroken):
    """A file does not hold what was written to it."""


def busy() -> bool:
    """Of who has other things to do: he is not idle."""
    return False


class Backend(Protocol):
    """What the writer and the reader need of a place that keeps records."""

    shared: bool
    """Whether another process sees what this one commits. If not, the writer answers the questions itself."""

    generation: int
    """Which life of this store: larger after it was restored from a copy. Only a writer knows it."""

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        """Make the batch durable, and how far that brings the streams, never these without the rows.

        Raises ``StoreFull`` or ``StoreBroken``: then nothing may be acknowledged. Rows without their streams may be
        left by that, or by a kill; the producers send them again, and they fold onto themselves.
        """

    def streams(self) -> list[tuple[bytes, bytes]]:
        """How far each stream is stored: all pairs that ``commit`` was given and not told to delete since."""

    def subjects(self, kind: str) -> list[Subject]:
        """All subjects that ever had a record of ``kind``, by name."""

    def latest(self, kind: str, subjects: tuple[str, ...] | None) -> list[Stored]:
        """The newest record of each of ``subjects`` (None: all), by name."""

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        """The records between ``start`` and ``end`` (ns, both included) by time, each once."""

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        """The newest ``limit`` of ``rows``, oldest first."""

    def finest(self, subject: str, at: int) -> int:
        """How long the shortest spans are that are still known of a host at a time, ns; 0 where there may be rows."""

    def pieces(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The metrics of a host that match, between two times (both included), in steps of the grid, by time."""

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names behind the ids that are known."""

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept, also by the commit that brings them.

        Those that are known are; new ones as long as their source has no more than ``most`` bytes of them.
        """

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
        """Drop what is older than ``keep[kind]`` ns, in whole partitions; returns how many records went.

        While room is ``short``, what is dated far ahead of when it came goes before that.
        """

    def statistics(self) -> dict[str, object]:
        """The fields of ``bus.questions.StoreStatistics`` that this backend knows."""

    def damage(self) -> dict[str, float]:
        """Readings: ``damaged_total``, what was found damaged since the start; partitions ``put_aside`` by now;
        ``unremoved``, files and folders that should be gone; a writer's ``dead_readers_total``, processes that were
        killed while they had files open, and whose places it cleared.
        """

    def refresh(self, idle: Callable[[], bool] = busy) -> None:
        """Look again at what another process may have made or removed.

        A writer tidies up a little, and goes on with that for as long as it is ``idle``.
        """

    def close(self) -> None:
        """Give back files and memory; twice is no fault."""


def pieces_of_rows(
    backend: Backend, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int
) -> list[Piece]:
    """``Backend.pieces`` of one that keeps rows alone."""
    found = columns(backend.rows("sample", subject, start, end), globs, backend.layouts)
    piece = of_columns("rows", found, grid, start, end)
    return [] if piece is None else [piece]


BACKENDS = {
    "lmdb": "store.backends.lmdb:LmdbBackend",
    "memory": "store.backends.memory:MemoryBackend",
    "postgres": "store.backends.postgres:PostgresBackend",
    "victoriametrics": "store.backends.victoriametrics:VictoriaMetricsBackend",
}
ELSEWHERE = frozenset({"postgres", "victoriametrics"})
"""Backends that are a server, for which ``[store] url`` is needed."""


def opened(name: str, path: Path, *, write: bool, url: Secret | None = None, archive: Path | None = None) -> Backend:
    """The backend ``name`` over the folder ``path``; a reader (not ``write``) changes nothing there.

    ``archive`` is where lmdb's old days are.

    Raises ``StoreBroken`` when it cannot be used.
    """
    module, _, kind = BACKENDS[name].partition(":")
    try:
        found = getattr(importlib.import_module(module), kind)
    except ModuleNotFoundError as error:
        raise StoreBroken(f"the backend {name} needs {error.name}: pip install 'guardia[{name}]'") from None
    if name in ELSEWHERE:
        return cast(Backend, found(path, write=write, url=url))
    return cast(Backend, found(path, write=write, archive=archive) if archive else found(path, write=write))

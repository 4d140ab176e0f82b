"""Records in LMDB: one environment per kind and period, one for state.

Always ``sync=True``: a commit that returned is on disk. The data's partitions commit before the state, so that a
crash between them leaves rows which nothing acknowledged; the replay falls on them. Series numbers are the one
exception: they are committed before the first row that uses them.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lmdb

from bus import failpoints
from bus.home import PASSING
from bus.messages import BY_CODE, KINDS
from bus.questions import Stored, Subject
from bus.timing import HOUR, MINUTE
from store.backends import StoreBroken, StoreFull, Streams, busy
from store.backends.beginning import be_sure, begin_anew, why
from store.backends.doubt import Presence, after_the_dead
from store.backends.environments import environment, explained
from store.backends.exchange import Place, take_restored
from store.backends.formats import brought_up, databases, mended, read_meta, with_prefix, write_meta
from store.backends.layouts import StateLayouts, names_in
from store.backends.leaving import Leaving, counted
from store.backends.listed import start_of
from store.backends.newest import NewestRecords, Numbered
from store.backends.numbers import Numbers, number_of
from store.backends.partitions import Partitions
from store.backends.past import Past
from store.backends.values import (
    NOBODY,
    disk_bytes,
    pack_series,
    pack_stream,
    told_of,
    unpack_latest,
    unpack_series,
    unpack_stream,
)
from store.backends.witness import Witness
from store.batch import Batch
from store.blocks.files import Blocks
from store.columns import Steps
from store.folders import entries
from store.keys import FAR, LAYOUT, NUMBER, SAMPLE, partition, series_key
from store.pieces import Piece
from store.returning import returning
from store.rows import Row, group

log = logging.getLogger("guardia")
DUE_AFTER = HOUR
"""So long after its end a partition is sealed as a rule, and gone."""


class LmdbBackend:
    """See ``store.backends.Backend``. One process may ``write``; many may read beside it."""

    shared = True
    generation = 0

    def __init__(self, path: Path, *, write: bool, archive: Path | None = None) -> None:
        self._path = path
        self._at_state = state = path / "state"
        self._write = write
        self._remembered = Numbers()
        if write:
            take_restored(path)
            state.mkdir(parents=True, exist_ok=True)
        for doubted in after_the_dead(path):
            log.warning("a process died at %s: it is looked into", doubted)
        be_sure(state)
        if write:
            begin_anew(path)
        self._presence = Presence(path)
        self._partitions = Partitions(path / "rows", self._presence, write=write)
        blocks = Blocks(path / "blocks", self._partitions.note, passing=_refuse)
        self._past = Past(self._partitions, blocks, self.layouts, archive)
        try:
            with self._presence.at(state):
                self._state = environment(state, write=write, databases=8)
                self._db = databases(self._state, write=write)
                self._place = Place(path, write=write)
                if write:
                    self._load()
        except (StoreBroken, lmdb.Error) as error:
            if hasattr(self, "_state"):
                self._state.close()  # whoever tries it again is this process, which may not open a file twice
            self._presence.close()
            raise StoreBroken(why(state, error)) from None
        self._leaving = Leaving(self._partitions, lambda: self._meta, self._keep_meta)
        if write:
            self._leaving.go_on()

    @property
    def partitions(self) -> Partitions:
        """The rows' partitions, for the sealer."""
        return self._partitions

    @property
    def damaged(self) -> list[str]:
        """What was found damaged since the start, a sentence each."""
        return self._partitions.damaged

    def damage(self) -> dict[str, float]:
        """How much was found damaged, and is put aside; see ``Backend``."""
        rows = self._partitions
        found = {"damaged_total": len(self.damaged), "put_aside": len(rows.put_aside()), "unremoved": len(rows.stuck)}
        dead = {"dead_readers_total": rows.dead_readers} if self._write else {}
        return {name: float(n) for name, n in {**found, **dead}.items()} | self._past.damage()

    # -- writing ---

    def _load(self) -> None:
        self._halfway = True  # the last life may have ended in the middle of a commit
        self._partitions.dead_readers += self._state.reader_check()
        self._meta: dict[str, Any] = brought_up(self._state, self._db, self._at_state)
        series, self._following = mended(
            self._state, self._db, lambda what: self._partitions.note(f"{self._at_state}: {what}")
        )
        self._numbers: dict[int, dict[bytes, int]] = {code: {} for code in BY_CODE}
        """Of each kind, by its code, the series' numbers by subject."""
        for key, number in series.items():
            self._numbers.setdefault(key[0], {})[key[1:]] = number
        self._layouts = StateLayouts(self._state, self._db, time.time_ns())
        self._newest = NewestRecords(self._db)
        self._witness = Witness(self._path.with_name(self._path.name + ".generation"))
        known = int(self._meta.get("generation", 0))
        commits, copy = int(self._meta.get("commits", 0)), bool(self._meta.pop("copy", False))
        self.generation = self._witness.judged(known, commits, time.time_ns(), copy=copy)
        self._renewed = bool(known) and self.generation != known
        if self.generation != known:
            self._meta["generation"] = self.generation
            with self._state.begin(write=True) as txn:
                write_meta(txn, self._db, self._meta)

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        """Make the batch durable; see ``Backend``."""
        halfway, self._halfway = self._halfway, True
        try:
            self._intern(batch, now)
            self._commits = int(self._meta.get("commits", 0)) + 1
            counts: dict[str, int] = {}
            told: list[tuple[int, Numbered]] = []
            for (code, start), groups in batch.groups.items():
                kind, numbers = BY_CODE[code].name, self._numbers[code]
                numbered = [(numbers[subject], subject, group) for (subject, _), group in groups.items()]
                counts[kind] = counts.get(kind, 0) + self._commit_partition(kind, start, numbered, halfway)
                told.append((code, numbered))
            failpoints.at("store.before_commit")
            self._commit_state(told, counts, now, streams)
            self._halfway = False
        except lmdb.Error as error:
            raise explained(error, self._path) from None
        except OSError as error:
            if error.errno in PASSING:  # as of a folder that cannot be made now
                raise StoreFull(str(error)) from None
            raise StoreBroken(f"{self._path}: {error}") from None

    def _intern(self, batch: Batch, now: int) -> None:
        """Give new series their numbers and keep new layouts, durably, before any row needs them."""
        series: dict[bytes, bytes] = {}
        fresh: dict[tuple[int, bytes], int] = {}
        following = self._following
        for (code, _), groups in batch.groups.items():
            numbers = self._numbers[code]
            for subject, minute in groups:
                if subject not in numbers and (code, subject) not in fresh:
                    group = groups[subject, minute]
                    key = series_key(BY_CODE[code].name, subject)
                    series[key] = pack_series(key, following, group.at)
                    fresh[code, subject] = following
                    following += 1
        layouts = self._layouts.fresh(batch.layouts, now)
        if not series and not layouts:
            return
        with self._state.begin(write=True) as txn:
            for key, value in series.items():
                txn.put(key, value, db=self._db["series"])
            for found, value in layouts.items():
                txn.put(LAYOUT.pack(found), value, db=self._db["layouts"])
        for (code, subject), number in fresh.items():
            self._numbers[code][subject] = number
        self._following = following
        self._layouts.ids.update(layouts)

    def _commit_partition(self, kind: str, start: int, groups: Numbered, halfway: bool) -> int:
        path = self._partitions.path(kind, partition(kind, start))
        rows = sorted([(number, g.begin // MINUTE, group(g.received, g.pieces, g.changes)) for number, _, g in groups])
        records = sum([g.count for _, _, g in groups])
        self._partitions.put(path, self._commits, rows, records, again=halfway)
        return records

    def _commit_state(
        self, told: list[tuple[int, Numbered]], counts: dict[str, int], now: int, streams: Streams
    ) -> None:
        meta = dict(self._meta, commits=self._commits, last_commit=now)
        meta["records"] = {
            kind: int(self._meta.get("records", {}).get(kind, 0)) + counts.get(kind, 0)
            for kind in {*self._meta.get("records", {}), *counts}
        }
        with self._presence.at(self._at_state), self._state.begin(write=True) as txn:
            for key in streams[1]:
                txn.delete(key, db=self._db["streams"])
            with txn.cursor(self._db["streams"]) as cursor:
                cursor.putmulti(sorted((key, pack_stream(key, value)) for key, value in streams[0]))
            for code, groups in told:
                self._newest.gather(txn, code, groups)
            due = self._newest.put(txn, now)
            began = self._newest.put_first(txn, told)
            heard = self._layouts.put_heard(txn)
            write_meta(txn, self._db, meta)
        self._meta = meta
        self._newest.committed(now, all_of_it=due)
        self._newest.began(began)
        self._layouts.noted(heard)
        if due:
            self._witness.note(self.generation, self._commits)

    def _write_latest(self) -> None:
        """Write what still waits, if that can be."""
        with contextlib.suppress(lmdb.Error):
            with self._state.begin(write=True) as txn:
                self._newest.put(txn, FAR)
            self._newest.committed(None, all_of_it=True)

    def may_learn(self, source: str, names: tuple[str, ...], now: int, most: int) -> bool:
        """Whether the names of a layout are kept; see ``Backend``."""
        return self._layouts.may_learn(source, names, now, most)

    def streams(self) -> list[tuple[bytes, bytes]]:
        """How far each stream is stored; see ``Backend``. One that is damaged begins anew: it is offered again."""
        with self._reading() as txn:
            pairs = ((bytes(key), unpack_stream(key, value)) for key, value in txn.cursor(self._db["streams"]))
            return [(key, stream) for key, stream in pairs if stream is not None]

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
        """Drop whole partitions whose last instant is older than ``keep[kind]``; see ``Backend``."""
        dropped, uncounted = self._leaving.dropped(keep, now, short=short)
        meta = {**self._meta, "last_cleanup": now}
        for kind, records in uncounted.items():
            meta = counted(meta, "deleted", kind, records)
        self._keep_meta(meta)
        with contextlib.suppress(lmdb.Error):  # on a full disk it waits
            self._layouts.forget_unused(self._partitions, now)
        return dropped

    def _note_sealed(self, kind: str, path: Path) -> bool:
        """A partition is about to leave the rows for the blocks; False when it has to stay."""
        if kind == SAMPLE:
            self._layouts.hear(self._past.sealed.layouts(path), time.time_ns())
        return self._leaving.note("sealed", kind, path)

    def _keep_meta(self, meta: dict[str, Any]) -> bool:
        with contextlib.suppress(lmdb.Error):
            with self._state.begin(write=True) as txn:
                write_meta(txn, self._db, meta)
            self._meta = meta
            return True
        return False

    # -- reading ---

    def subjects(self, kind: str) -> list[Subject]:
        """All subjects of ``kind``; see ``Backend``."""
        if kind not in KINDS:
            return []
        prefix = series_key(kind, b"")
        found = []
        with self._reading() as txn:
            for key, value in with_prefix(txn.cursor(self._db["series"]), prefix):
                number, first_at = unpack_series(key, value) or (NOBODY, 0)
                stored = unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                if stored is not None:
                    found.append(told_of(key[len(prefix) :].decode(), first_at, stored))
        return found

    def latest(self, kind: str, subjects: tuple[str, ...] | None) -> list[Stored]:
        """The newest record of each subject; see ``Backend``."""
        if kind not in KINDS:
            return []
        found = []
        with self._reading() as txn:
            if subjects is None:
                cursor = txn.cursor(self._db["series"])
                series = [unpack_series(*pair) for pair in with_prefix(cursor, series_key(kind, b""))]
            else:
                keys = [series_key(kind, name.encode()) for name in sorted(set(subjects))]
                pairs = [(key, txn.get(key, db=self._db["series"])) for key in keys]
                series = [unpack_series(key, value) for key, value in pairs if value]
            for number, _ in filter(None, series):
                stored = unpack_latest(txn.get(NUMBER.pack(number), db=self._db["latest"]))
                if stored is not None:
                    found.append(stored)
        return found

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        """The records in a range; see ``Backend``."""
        number = self._series_number(kind, subject)
        return [] if number is None or start > end else self._past.rows(kind, subject, number, start, end)

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        """The newest rows in a range; see ``Backend``."""
        number = self._series_number(kind, subject)
        if number is None or start > end or limit <= 0:
            return []
        return self._past.newest_rows(kind, subject, number, start, end, limit)

    def finest(self, subject: str, at: int) -> int:
        """How long the shortest spans known of a host are; see ``Backend``."""
        return self._past.finest(subject, at)

    def pieces(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The metrics of a host in steps; see ``Backend``."""
        number = self._series_number("sample", subject)
        return [] if number is None else self._past.pieces(subject, number, globs, grid, start, end)

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids; see ``Backend``."""
        known = {wanted for wanted in ids if 0 <= wanted < 2**64}
        with self._reading() as txn:
            found = names_in(txn, self._db["layouts"], known)
        return found | self._past.names(known - found.keys())

    def statistics(self) -> dict[str, Any]:
        """What the store holds; see ``Backend``."""
        with self._reading() as txn:
            meta = read_meta(txn, self._db) or {}
        files = [*entries(self._path / "rows", "*/*/data.mdb"), self._at_state / "data.mdb"]
        sealed = self._past.statistics(self._path / "blocks", meta.get("deleted", {}))
        known = ("records", "deleted", "commits", "last_cleanup", "last_commit", "generation")
        return {
            **{name: meta[name] for name in known if meta.get(name) is not None},
            **sealed,
            "bytes": sum(disk_bytes(file) for file in files) + sealed["bytes"],
            "partitions": sum(start_of(file.parent.name) is not None for file in files),
            "returning": returning(self._partitions, (), DUE_AFTER, time.time_ns(), seals=True),
        }

    def refresh(self, idle: Callable[[], bool] = busy) -> None:
        """Let go of what another process removed; write what is due when no commit comes."""
        self._place.check()
        self._partitions.refresh()
        self._past.refresh()
        if self._write:
            self._partitions.take_over()
            self._past.sealed.unlink(time.time_ns(), self._note_sealed, self._leaving.stays, idle)
            self._partitions.look()
            if not self._halfway:  # else what the last commit left would be joined with others'
                self._partitions.regroup()
            if self._newest:
                self._write_latest()
            self._partitions.dead_readers += self._state.reader_check()

    def close(self) -> None:
        """Close every file."""
        if self._write and self._newest:
            self._write_latest()
        if self._write:
            self._witness.note(self.generation, int(self._meta.get("commits", 0)))
        self._past.close()
        self._partitions.close()
        self._state.close()
        self._presence.close()

    def _series_number(self, kind: str, subject: str) -> int | None:
        self._place.check()  # in another store it may have another one
        return self._remembered.of(kind, subject, self._read_number)

    def _read_number(self, key: bytes) -> int | None:
        with self._reading() as txn:
            return number_of(key, txn.get(key, db=self._db["series"]))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[lmdb.Transaction]:
        self._place.check()
        try:
            with self._presence.at(self._at_state), self._state.begin() as txn:
                yield txn
        except lmdb.Error as error:
            raise StoreBroken(f"{self._at_state}: {error}") from None


def _refuse(why: str) -> None:
    """No answer is given without what cannot be read just now."""
    raise StoreBroken(why)

"""Samples in VictoriaMetrics for as long as it likes; here only the young ones, and all that is no sample.

A batch is committed to LMDB first, with fsync: that is what a receipt means. A thread brings the samples to the
server (``store/backends/shipping.py``). Rows leave the disk here when they are older than ``LOCAL`` and are on the
server's; from then on they are remade of what it kept: milliseconds, and about twelve significant digits.
"""

from __future__ import annotations

import itertools
import json
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lmdb
import requests

from bus.fields import Unfit
from bus.messages import BY_CODE, layout_id
from bus.patience import patient
from bus.secret import Secret
from bus.timing import HOUR
from bus.wire import Malformed
from store.backends import StoreBroken, Streams, busy, pieces_of_rows
from store.backends.doubt import DOUBT, is_doubted
from store.backends.formats import series_of_record
from store.backends.leaving import counted
from store.backends.lmdb import LmdbBackend
from store.backends.shipping import FLUSH_SECONDS, Parcel, Shipper, said
from store.backends.values import names_of
from store.backends.victoria_lines import MS, merged, places, remade, selector
from store.batch import Batch
from store.columns import Steps, layout_of
from store.durable import rewrite
from store.keys import EARLIEST, kept_at, partition, partition_start, period
from store.pieces import Piece
from store.rows import Damaged, Row, salvaged, spread

LOCAL = 24 * HOUR
"""Samples younger than this are kept here too, as they came."""
WINDOW = 6 * HOUR
"""So much is asked of the server at once."""
SLICE = 50
"""Groups of a parcel that is read from the disk again."""
AT_A_TIME = 8
"""Such parcels between two commits."""
UNKNOWN_SECONDS = 600.0
"""So long samples wait for the layout that says what their numbers are."""
MOST_UNKNOWN = 1000
"""Of more the first waits no longer."""
MOST_NAMELESS = 10_000
"""So many layouts of which no names came are remembered."""
MOST_LAYOUTS = 1000
CLOSE_SECONDS = 10.0
ANSWER_SECONDS = 20.0
"""So long the server may take over one question: who waits for longer is ended by the watchdog."""
Rows = dict[str, list[Row]]
log = logging.getLogger("guardia")


class VictoriaMetricsBackend(LmdbBackend):
    """See ``store.backends.Backend``."""

    def __init__(
        self, path: Path, *, write: bool, url: Secret, local: int = LOCAL, flush_seconds: float = FLUSH_SECONDS
    ) -> None:
        try:
            self._places = places(url.reveal())
        except ValueError as error:
            raise StoreBroken(f"[store] url: {error}") from None
        self._url = url
        self._local = local
        self._session = requests.Session()
        self._patience = patient(self._session)
        self._remade: OrderedDict[int, tuple[str, ...]] = OrderedDict()
        super().__init__(path, write=write)
        self._file = path / "shipped.json"
        self._told: dict[str, int] = self._read_told()
        self._noted: dict[str, int] = {}
        self._touched: dict[int, int] = {}
        self._shipper: Shipper | None = None
        if write:
            of_this = self._told.get("generation") == self.generation
            if self._renewed:
                # What came to the server since the copy was taken, and what it alone had, is not in here.
                self._told["local_from"] = max(self._told.get("local_from", 0), time.time_ns())
            self._unknown: dict[int, tuple[float, int]] = {}
            """Layouts of samples that nobody told: since when, and up to which commit there was none of them."""
            self._nameless: deque[int] = deque()
            self._hindered = False
            self._names = super().layouts(tuple(self._layouts.ids)) | {0: ()}  # of a sample that cannot be read
            mark = self._told.get("mark", 0) if of_this else 0
            self._shipper = Shipper(self._places, url, mark, self._known, flush_seconds)
            self._first = self._committed
            self._round = 0
            self._behind = self._shipper.mark < self._committed
            self._pass: Iterator[Rows] | None = None
            self._until = 0

    @property
    def _committed(self) -> int:
        return int(self._meta.get("commits", 0))

    # -- writing ---

    def commit(self, batch: Batch, now: int, streams: Streams = ((), ())) -> None:
        """Make the batch durable here, and hand its samples on; see ``Backend``."""
        super().commit(batch, now, streams)
        for record in batch.layouts:
            if names := names_of(record):
                self._learn(names)
        rows: Rows = {}
        for (code, start), groups in batch.groups.items():
            if BY_CODE[code].name == "sample":
                self._touched[start] = self._committed
                for (subject, _), group in groups.items():
                    kept = rows.setdefault(subject.decode(), [])
                    kept += [(kept_at(record), received, record) for received, record in group.dated()]
        self._miss(rows, self._committed - 1)
        self._look_back()
        if self._behind:
            return
        assert self._shipper is not None
        if not rows and not self._unknown and self._shipper.mark == self._committed - 1:
            self._shipper.mark = self._committed  # nothing of it goes there, and nothing before it waits
        elif not self._hand_over(rows, self._committed):
            self._behind = True

    def _miss(self, rows: Rows, before: int) -> None:
        """Note layouts that nobody told yet: until they come, no mark after ``before`` is handed on."""
        for layout in {layout_of(row[2]) for held in rows.values() for row in held} - self._names.keys():
            self._unknown.setdefault(layout, (time.monotonic(), before))
        while len(self._unknown) > MOST_UNKNOWN:
            self._learn_nothing(next(iter(self._unknown)))

    def _learn_nothing(self, layout: int) -> None:
        """Whose names never come can be read by nobody, wherever it is."""
        del self._unknown[layout]
        self._names[layout] = ()
        self._nameless.append(layout)
        if len(self._nameless) > MOST_NAMELESS and not self._names.get(forgotten := self._nameless.popleft()):
            self._names.pop(forgotten, None)

    def _learn(self, names: tuple[str, ...]) -> None:
        layout = layout_id(names)
        self._names[layout] = names
        if self._unknown.pop(layout, None) is not None:
            # What was sent of it had no names: it is sent again.
            self._behind, self._pass = True, None

    def _known(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names of layouts, for the thread: LMDB is the loop's alone."""
        return {layout: names for layout in ids if (names := self._names.get(layout))}

    def _hand_over(self, rows: Rows, mark: int | None) -> bool:
        assert self._shipper is not None
        if mark is not None:
            mark = min([mark, *(before for _, before in self._unknown.values())])
        return self._shipper.put(Parcel(self._round, rows, mark))

    def _look_back(self) -> None:
        """Send again what the server lost, and what there was no room for; a slice at a time."""
        shipper = self._shipper
        assert shipper is not None
        if shipper.bug is not None:
            raise shipper.bug
        for layout, (since, _) in list(self._unknown.items()):
            if time.monotonic() - since > UNKNOWN_SECONDS:
                self._learn_nothing(layout)
        if shipper.round != self._round:
            self._round, self._behind, self._pass = shipper.round, True, None
        for _ in range(AT_A_TIME):
            if not self._behind or not shipper.room:
                return
            if self._pass is None:
                self._until = self._committed
                self._pass = self._since(shipper.mark)
            try:
                rows = next(self._pass, None)
            except (StoreBroken, lmdb.Error, OSError) as error:
                # Nothing goes from here before all was read.
                if not self._hindered:
                    log.warning("VictoriaMetrics: %s; samples are sent when it can be read", error)
                self._hindered, self._pass = True, None
                return
            if rows is not None:
                self._miss(rows, shipper.mark)
                self._hand_over(rows, None)
                continue
            self._hindered, self._pass = False, None
            if self._hand_over({}, self._until):
                self._behind = self._until < self._committed

    def _since(self, mark: int) -> Iterator[Rows]:
        """The samples of commits after ``mark``, by host, in slices; raises as ``newer`` does."""
        found = ((path, value) for path in self._paths() for value in self._partitions.newer(path, mark))
        while part := list(itertools.islice(found, SLICE)):
            rows: Rows = {}
            for path, value in part:
                for row in self._spread(path, value):
                    rows.setdefault(series_of_record(row[2])[0][1:].decode(), []).append(row)
            yield rows

    def _paths(self) -> Iterator[Path]:
        """All partitions of samples; raises ``StoreBroken`` while one is looked into: what is in it would be missed."""
        listing = self._partitions.listing("sample")
        noted = [path.with_name(path.name.removesuffix(DOUBT)) for _, path in listing.doubts]
        for path in sorted([*noted, *(path for _, path in listing.sound)]):
            if is_doubted(path):
                raise StoreBroken(f"{path} is looked into")
            if (path / "data.mdb").exists():  # else it was removed meanwhile
                yield path

    def _spread(self, path: Path, value: bytes) -> list[Row]:
        """The rows of a group; what is damaged is left out, and told."""
        try:
            return list(spread(value))
        except (Damaged, Malformed) as error:
            rows = list(salvaged(value))
            self._partitions.note(f"{path}: a group: {error}; {len(rows)} records of it are whole")
            return rows

    def retain(self, keep: dict[str, int], now: int, *, short: bool = False) -> int:
        """Drop what is too old; samples that the server has go from here as soon as they are older than ``LOCAL``."""
        assert self._shipper is not None
        dropped = super().retain(keep, now, short=short)
        self._names = {one: names for one, names in self._names.items() if not names or one in self._layouts.ids}
        sample = keep.get("sample")
        if sample is None or sample <= self._local:
            return dropped
        limit = partition_start(partition("sample", now - self._local))
        for path in self._partitions.between("sample", None, limit - 1):
            if self._is_there(path) and not self._partitions.stuck.waits(path):
                self._let_go(path)
        return dropped

    def _let_go(self, path: Path) -> None:
        """From now on the server alone has this partition, if that can be written down before."""
        self._told["local_from"] = max(self._told.get("local_from", 0), partition_start(path.name) + period("sample"))
        if not self._write_told():
            return
        records = self._partitions.count(path)
        noted = self._leaving.note("moved", "sample", path)
        if not self._partitions.remove(path):
            self._leaving.stays()
        elif not noted:
            self._keep_meta(counted(self._meta, "moved", "sample", records))

    def _is_there(self, path: Path) -> bool:
        """Whether the server has all of a partition on its disk."""
        assert self._shipper is not None
        touched = self._touched.get(partition_start(path.name), self._first)
        return not self._behind and self._shipper.mark >= touched

    # -- reading ---

    def rows(self, kind: str, subject: str, start: int, end: int) -> list[Row]:
        """The records in a range; what is no more here is asked of the server."""
        local = super().rows(kind, subject, start, end)
        before = min(end, self._local_from - 1)
        if kind != "sample" or start > before:
            return local
        return merged(self._asked(subject, max(start, EARLIEST), before, time.monotonic() + ANSWER_SECONDS), local)

    def newest_rows(self, kind: str, subject: str, start: int, end: int, limit: int) -> list[Row]:
        """The newest rows in a range; the server is asked for windows that grow, until it has no newer ones."""
        found = super().newest_rows(kind, subject, start, end, limit)
        last, until = min(end, self._local_from - 1), time.monotonic() + ANSWER_SECONDS
        first = max(start, EARLIEST, self._first_at(subject)) if kind == "sample" else end
        window = HOUR // 6
        # What is here is not newer than what is there alone, as where a host told of the day before yesterday late.
        while kind == "sample" and limit > 0 and last >= first and (len(found) < limit or found[-limit][0] <= last):
            begin = max(first, last - window)
            found = merged(self._asked(subject, begin, last, until), found)
            last, window = begin - 1, min(window * 2, WINDOW * 28)
        return found[-limit:] if limit > 0 else []

    def pieces(self, subject: str, globs: Sequence[str], grid: Steps, start: int, end: int) -> list[Piece]:
        """The metrics of a host in steps; see ``Backend``."""
        if start < self._local_from:
            return pieces_of_rows(self, subject, globs, grid, start, end)
        return super().pieces(subject, globs, grid, start, end)

    def layouts(self, ids: tuple[int, ...]) -> dict[int, tuple[str, ...]]:
        """The names behind layout ids, those of remade samples with them."""
        known = {wanted: self._remade[wanted] for wanted in ids if wanted in self._remade}
        return known | super().layouts(ids)

    def _asked(self, host: str, start: int, end: int, until: float) -> list[Row]:
        found: list[Row] = []
        begin = -(-start // MS)
        window = WINDOW // MS
        while begin <= end // MS:
            stop = min(end // MS, begin + window - 1)
            query = {"match[]": selector(host), "start": begin / 1000, "end": stop / 1000}
            left = until - time.monotonic()
            try:
                if left <= 0:
                    raise requests.Timeout
                with self._patience.lasting(left):
                    answer = self._session.post(f"{self._places.select}/api/v1/export", data=query, timeout=left)
            except requests.Timeout:
                raise StoreBroken(f"VictoriaMetrics took more than {ANSWER_SECONDS:g} s: ask for less time") from None
            except requests.RequestException as error:
                raise StoreBroken(f"VictoriaMetrics: {said(error, self._url)}") from None
            if answer.status_code != requests.codes.ok:
                raise StoreBroken(f"VictoriaMetrics answered {answer.status_code}: {answer.text[:200]}")
            try:
                rows, names = remade(host, answer.content.splitlines())
            except Unfit:
                if begin == stop:
                    raise
                window = (stop - begin + 1) // 2  # what came and went in it is more than one sample may have
                continue
            except (ValueError, LookupError, TypeError, AttributeError):
                raise StoreBroken(f"VictoriaMetrics answered what is no export: {answer.text[:200]!r}") from None
            if rows:
                self._remember(names)
                found += [row for row in rows if start <= row[0] <= end]
            # Where nothing is, longer steps are taken: years may lie before the first sample.
            begin, window = stop + 1, WINDOW // MS if rows else window * 2
        return found

    def _remember(self, names: tuple[str, ...]) -> None:
        self._remade[layout_id(names)] = names
        while len(self._remade) > MOST_LAYOUTS:
            self._remade.popitem(last=False)

    def _first_at(self, subject: str) -> int:
        return next((one.first_at for one in self.subjects("sample") if one.subject == subject), EARLIEST)

    # -- what is where ---

    @property
    def _local_from(self) -> int:
        """Samples before this instant may be on the server alone."""
        if not self._write:
            self._told = self._read_told()
        return self._told.get("local_from", 0)

    def damage(self) -> dict[str, float]:
        """Readings, with how many commits the server does not have yet."""
        waiting = 0 if self._shipper is None else max(0, self._committed - self._shipper.mark)
        return super().damage() | ({} if self._shipper is None else {"unshipped_commits": float(waiting)})

    def statistics(self) -> dict[str, Any]:
        """See ``Backend``; that the server is away is what answers may lack, as the writer finds it."""
        told = self._told if self._write else self._read_told()
        away = "VictoriaMetrics takes no samples; they wait here, and what is there alone does not answer"
        return super().statistics() | ({"lacking": away} if told.get("away") else {})

    def refresh(self, idle: Callable[[], bool] = busy) -> None:
        """Send on, and note how far the server is."""
        super().refresh(idle)
        if self._shipper is not None:
            self._look_back()
            self._write_told()

    def close(self) -> None:
        """Give the thread some seconds to bring the rest."""
        if self._shipper is not None:
            self._shipper.close(0.0 if self._shipper.error else CLOSE_SECONDS)
            self._write_told()
            self._shipper = None
        self._session.close()
        super().close()

    def _read_told(self) -> dict[str, int]:
        try:
            return {str(key): int(value) for key, value in json.loads(self._file.read_bytes()).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            log.error("damaged: %s: %s; samples are sent again", self._file, error)
            return {"local_from": time.time_ns()}

    def _write_told(self) -> bool:
        """Have on the disk how far the server is; False when it cannot be written now."""
        assert self._shipper is not None
        away = int(bool(self._shipper.error))
        told = {**self._told, "mark": self._shipper.mark, "generation": self.generation, "away": away}
        if told == self._noted:
            return True
        self._told = told
        try:
            rewrite(self._file, json.dumps(told))
            self._noted = dict(told)
        except OSError as error:
            log.error("%s: %s", self._file, error.strerror)
            return False
        return True

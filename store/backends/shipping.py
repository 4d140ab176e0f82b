"""Brings samples to VictoriaMetrics in a thread of its own, and knows which of them are on its disk.

An import that was answered is in the server's memory for some seconds. Taking a snapshot makes it write that to its
disk, with fsync; the snapshot itself is removed at once. Rows that it is just moving from one place in its memory to
another, within a second, need not be among that: only what was sent before the flush *before* counts as kept.
A server that started anew since, or a connection that broke, means that what was not flushed has to be sent again:
the ``round`` goes up, and the backend begins again after ``mark``.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from dataclasses import dataclass

import requests

from bus.secret import Secret
from store.backends.victoria_lines import Places, lines
from store.columns import Layouts, columns
from store.rows import Row

FLUSH_SECONDS = 5.0
PATIENCE = 30.0
"""Seconds for one request."""
MOST_WAITING = 1000
MOST_BYTES = 64 << 20
"""Parcels, and bytes of records, in the queue; more are read from the disk again."""
LONGEST_BODY = 8 << 20
"""Bytes of one import; the server takes a line of 32 MB at most."""
BACKOFF = 1.0, 30.0
Rows = list[Row]


class Refused(Exception):
    """The server answered, and not as it should; the text is a sentence."""


@dataclass(frozen=True)
class Parcel:
    """Rows by host, of ``round``; when they are kept, everything up to commit ``mark`` is (None: not yet)."""

    round: int
    rows: dict[str, Rows]
    mark: int | None

    @property
    def bytes(self) -> int:
        """What it weighs."""
        return sum(len(row[2]) for rows in self.rows.values() for row in rows)


class Shipper:
    """The thread; all that it shows may be read at any time."""

    def __init__(self, places: Places, secret: Secret, mark: int, layouts: Layouts, flush_seconds: float) -> None:
        self.mark = mark
        """Everything up to this commit is on the server's disk."""
        self.round = 0
        self.error = ""
        """Why nothing can be brought there now; empty while it can."""
        self.bug: Exception | None = None
        """What ended the thread, which nothing should; for the loop to raise."""
        self.values = 0
        self._places = places
        self._secret = secret
        self._layouts = layouts
        self._flush_seconds = flush_seconds
        self._queue: queue.Queue[Parcel | None] = queue.Queue(MOST_WAITING)
        self._waiting = 0
        self._lock = threading.Lock()
        self._sent: int | None = None
        self._settled: int | None = None
        """Up to where it was sent before the last flush."""
        self._dirty = self._fresh = False
        self._flushed = time.monotonic()
        self._lives: tuple[str, ...] | None = None
        self._session = requests.Session()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="shipping", daemon=True)
        self._thread.start()

    def put(self, parcel: Parcel) -> bool:
        """Take a parcel; False when too many wait."""
        if not self.room:
            return False
        self._queue.put(parcel)
        self._weigh(parcel.bytes)
        return True

    @property
    def room(self) -> bool:
        """Whether a parcel would be taken."""
        return self._waiting < MOST_BYTES and not self._queue.full()

    def _weigh(self, size: int) -> None:
        with self._lock:
            self._waiting += size

    def close(self, seconds: float) -> None:
        """Bring what waits, for so long."""
        self._closing.set()
        end = time.monotonic() + seconds
        while self._thread.is_alive() and time.monotonic() < end:
            try:
                self._queue.put(None, timeout=0.1)
                break
            except queue.Full:
                continue
        self._thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        try:
            self._ship()
        except Exception as error:
            self.bug = error
        finally:
            self._session.close()

    def _ship(self) -> None:
        pause = BACKOFF[0]
        going = True
        while going:
            try:
                parcel = self._queue.get(timeout=self._flush_seconds / 5)
                going = parcel is not None
            except queue.Empty:
                parcel = None
            try:
                if parcel is not None:
                    self._weigh(-parcel.bytes)
                    if parcel.round == self.round:
                        self._send(parcel)
                due = time.monotonic() - self._flushed >= self._flush_seconds
                if self._dirty and (due or self._closing.is_set() or not going):
                    self._flush()
                pause = BACKOFF[0]
            except (requests.RequestException, Refused, ValueError) as error:
                self._fail(error)
                self._closing.wait(pause)
                pause = min(pause * 2, BACKOFF[1])
                going = going and not self._closing.is_set()

    def _send(self, parcel: Parcel) -> None:
        if self._lives is None and parcel.rows:
            self._lives = self._born()
        body: list[bytes] = []
        size = 0
        for host, rows in parcel.rows.items():
            found = columns(sorted(rows, key=lambda row: row[0]), ("*",), self._layouts)
            for line in lines(host, found):
                body.append(line)
                size += len(line)
                if size > LONGEST_BODY:
                    self._import(body)
                    body, size = [], 0
            self.values += sum(len(values) for values in found.values.values())
        if body:
            self._import(body)
        if parcel.mark is not None:
            self._sent = parcel.mark
            if not self._dirty:
                self.mark = max(self.mark, self._sent)

    def _import(self, body: list[bytes]) -> None:
        answer = self._session.post(f"{self._places.insert}/api/v1/import", data=b"".join(body), timeout=PATIENCE)
        _fine(answer)
        self._dirty = self._fresh = True

    def _flush(self) -> None:
        for storage in self._places.storages:
            taken = self._session.get(f"{storage}/snapshot/create", timeout=PATIENCE)
            name = _fine(taken).json().get("snapshot")
            if not name:
                raise Refused(f"no snapshot: {taken.text[:200]}")
            self._session.get(f"{storage}/snapshot/delete", params={"snapshot": name}, timeout=PATIENCE)
        if self._born() != self._lives:
            raise Refused("the server started anew before it had written everything")
        self._flushed = time.monotonic()
        # Where nothing was sent since the flush before, all that was sent is kept.
        kept = self._settled if self._fresh else self._sent
        if kept is not None:
            self.mark = max(self.mark, kept)
        self._settled, self._dirty, self._fresh = self._sent, self._fresh, False
        if self.error:
            logging.getLogger("guardia").warning("VictoriaMetrics takes samples again")
            self.error = ""

    def _born(self) -> tuple[str, ...]:
        """When each node that keeps samples was started."""
        found = []
        for storage in self._places.storages:
            text = _fine(self._session.get(f"{storage}/metrics", timeout=PATIENCE)).text
            found.append(next((line for line in text.splitlines() if line.startswith("vm_app_start_timestamp")), ""))
        return tuple(found)

    def _fail(self, error: Exception) -> None:
        self.round += 1
        self._sent = self._settled = self._lives = None
        self._dirty = self._fresh = False
        sentence = said(error, self._secret)
        if not self.error:
            logging.getLogger("guardia").error("VictoriaMetrics: %s; samples wait here", sentence)
        self.error = sentence


def _fine(answer: requests.Response) -> requests.Response:
    if answer.status_code >= 300:
        raise Refused(f"{answer.status_code}: {answer.text[:200]}")
    return answer


def said(error: Exception, secret: Secret) -> str:
    """What went wrong, on one line, without the address, which may hold a password."""
    text = _failed(error) if isinstance(error, requests.RequestException) else str(error)
    for word in secret.reveal().split():
        text = text.replace(word, "…")
    return " ".join(text.split())[:300]


def _failed(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer within {PATIENCE:g} s"
    # What the system said stands at the end of a chain, each link of which names the address.
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__context__
    return "it cannot be reached" if isinstance(error, requests.ConnectionError) else type(error).__name__

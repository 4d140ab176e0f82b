"""The connection to PostgreSQL: transactions, and what it means when one fails."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from bus.secret import Secret
from store.backends import StoreBroken, StoreFull
from store.backends.postgres_tables import Db

CONNECT_SECONDS = 5
TRANSACTION_SECONDS = 20
"""So long a transaction may take altogether: with connecting less than the watchdog lets a program be (30 s)."""
IDLE_SECONDS = 30
"""So long the server waits for the next word of a transaction: of who was cut off it may hear nothing for hours."""
SILENT_SECONDS = 15
"""So long a server may be silent that vanished from the network: less than the watchdog lets a program be (30 s)."""
PROBES = 3
"""Questions whether it is still there, within the second half of that."""
SLOW = "another session holds a lock, a standby does not answer, or it has too much to do"
UNREADABLE = "[store] url cannot be read; expected postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for an @ in it"


class Server:
    """One connection, made when it is needed, and anew after it broke; ``url`` as libpq takes it."""

    def __init__(self, url: Secret, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._open: Db | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._open is not None

    @contextlib.contextmanager
    def using(self) -> Iterator[Db]:
        """A transaction; raises ``StoreFull`` or ``StoreBroken``, and connects anew after the latter."""
        try:
            if self._open is None:
                self._open = self._connected()
            with _bounded(self._open), self._open.transaction():
                yield self._open
        except StoreBroken:
            self.close()
            raise
        except psycopg.errors.DiskFull as error:
            raise StoreFull(f"PostgreSQL: {_sentence(error)}") from None
        except (psycopg.DataError, psycopg.IntegrityError):
            raise  # one record's fault, not the server's: the crash fence finds it
        except psycopg.Error as error:
            self.close()
            raise StoreBroken(f"PostgreSQL: {_sentence(error)}") from None

    def asked(self, query: str | sql.Composable, *values: Any) -> list[Any]:
        """The rows that answer a query; raises as ``using`` does."""
        with self.using() as db:
            return db.execute(query, values).fetchall()  # type: ignore[arg-type]

    def close(self) -> None:
        """End the connection; twice is no fault."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connected(self) -> Db:
        url = self._url.reveal()
        try:
            # What stands behind the first @ is taken for the host, and told as one that nobody knows.
            if "://" in url and urlsplit(url).netloc.count("@") > 1:
                raise StoreBroken(UNREADABLE)
            # Said here, since a database made in the locale C (SQL_ASCII) would tell bytes in place of text.
            db: Db = psycopg.connect(url, autocommit=True, client_encoding="utf8", **_patience(url))
        except (psycopg.ProgrammingError, ValueError):
            # libpq quotes what it could not read, which may be the password.
            raise StoreBroken(UNREADABLE) from None
        db.execute("SELECT set_config('search_path', %s, false)", (self._schema,))
        # Where nobody can be asked to give up, as behind a pool, the server does so by itself.
        db.execute("SELECT set_config('statement_timeout', %s, false)", (f"{TRANSACTION_SECONDS + CONNECT_SECONDS}s",))
        db.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", (f"{IDLE_SECONDS}s",))
        db.execute("SET synchronous_commit = on")
        # A plan for any times, which the server would make for what is asked often, locks the tables of all times.
        db.execute("SET plan_cache_mode = force_custom_plan")
        return db


@contextlib.contextmanager
def _bounded(db: Db) -> Iterator[None]:
    """Within the block the server is waited for so long and no longer; raises ``StoreBroken`` then.

    Its own limit is for each statement anew, and not for the end of a transaction, at which it may wait for a standby.
    """
    over = threading.Event()

    def give_up() -> None:
        over.set()
        with contextlib.suppress(psycopg.Error):  # it is away: then the connection breaks by itself
            db.cancel_safe(timeout=CONNECT_SECONDS)

    timer = threading.Timer(TRANSACTION_SECONDS, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # else what it asks for, or is about to, could end what comes next
        if over.is_set():
            raise StoreBroken(f"PostgreSQL: not done within {TRANSACTION_SECONDS} s: {SLOW}") from None


def _patience(url: str) -> dict[str, Any]:
    """What is waited for at most, in libpq's words; what the URL says itself holds. Raises ``ProgrammingError``.

    The kernel by itself gives up after a quarter of an hour while something is on its way, and otherwise never.
    """
    ours = {
        "keepalives_idle": max(1, SILENT_SECONDS // 2),
        "keepalives_interval": max(1, SILENT_SECONDS // 2 // PROBES),
        "keepalives_count": PROBES,
        "tcp_user_timeout": SILENT_SECONDS * 1000,
    }
    theirs = conninfo_to_dict(url)
    return {"connect_timeout": CONNECT_SECONDS, **{name: value for name, value in ours.items() if name not in theirs}}


def _sentence(error: psycopg.Error) -> str:
    """What the server or the network said, on one line; the URL, which holds the password, is not in it."""
    return " ".join(str(error).split())[:300] or type(error).__name__

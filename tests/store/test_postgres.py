"""PostgreSQL's own trials: another process reads, the server ends in the middle, the URL is wrong."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.messages import Layout, Sample
from bus.secret import Secret
from store.backends import StoreBroken, opened, postgres_server, postgres_tables
from store.backends import postgres as postgres_backend
from store.backends.postgres import PostgresBackend
from store.layouts import EACH
from tests.store.given import DAY, HOUR, LAYOUT, NOON, SECOND, batch, layout, numbers, sample, told
from tests.store.servers import Postgres, Vanishing

LATE = NOON + HOUR


def test_a_reader_sees_what_was_committed_and_what_ends_the_writer_is_kept(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    writer = PostgresBackend(tmp_path / "store", write=True, url=url)
    reader = PostgresBackend(tmp_path / "elsewhere", write=False, url=url)
    writer.commit(batch([layout(), sample(1)]), LATE, ([(b"web-1\x00" + bytes(8), b"state")], []))
    assert numbers(reader.rows("sample", "web-1", 0, LATE)) == [1]
    postgres.halt("immediate")
    with pytest.raises(StoreBroken, match="PostgreSQL"):
        writer.commit(batch([sample(2)]), LATE)
    with pytest.raises(StoreBroken):
        reader.rows("sample", "web-1", 0, LATE)
    postgres.start()

    writer.commit(batch([sample(3)]), LATE)
    assert numbers(reader.rows("sample", "web-1", 0, LATE)) == [1, 3]
    assert reader.streams() == [(b"web-1\x00" + bytes(8), b"state")]
    writer.close()
    reader.close()


def test_a_database_of_a_server_without_a_language_tells_text_all_the_same(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database("ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    backend = PostgresBackend(tmp_path / "store", write=True, url=url)
    backend.commit(batch([layout(), sample(1)]), LATE)
    assert [one.subject for one in backend.subjects("sample")] == ["web-1"]
    assert numbers(backend.rows("sample", "web-1", 0, LATE)) == [1]
    backend.close()


def test_a_store_opened_again_goes_on_with_its_generation_counts_and_newest(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    first = PostgresBackend(tmp_path / "store", write=True, url=url)
    first.commit(batch([sample(5)]), LATE)
    first.commit(batch([sample(6)]), LATE)
    first.close()
    again = PostgresBackend(tmp_path / "store", write=True, url=url)

    assert again.generation == first.generation
    assert again.statistics()["commits"] == 2
    assert [one.last_at for one in again.subjects("sample")] == [NOON + 6 * SECOND]
    again.close()


def test_names_that_a_commit_could_not_keep_are_kept_by_the_next(postgres: Postgres, tmp_path: Path) -> None:
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    told_at_once = batch([layout(), sample(1)])
    with pytest.raises(psycopg.IntegrityError):
        backend.commit(told_at_once, LATE, ([(None, b"no key")], []))  # type: ignore[list-item]
    backend.commit(told_at_once, LATE)
    assert backend.layouts((LAYOUT.id,)) == {LAYOUT.id: LAYOUT.names}
    backend.close()


def test_names_count_as_much_after_a_new_start_as_before(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    for _ in range(2):
        backend = PostgresBackend(tmp_path / "store", write=True, url=url)
        assert backend.may_learn("web-1", LAYOUT.names, NOON, 2 * EACH)
        backend.commit(batch([layout()]), LATE)
        assert not backend.may_learn("web-1", ("one.more",), NOON, 2 * EACH)
        backend.close()


def test_a_database_put_back_to_an_older_copy_gets_a_new_generation(postgres: Postgres, tmp_path: Path) -> None:
    url, older = postgres.database(), postgres.database()
    first = PostgresBackend(tmp_path / "store", write=True, url=url)
    for number in range(1, 5):
        first.commit(batch([sample(number)]), LATE)
    first.close()
    restored = PostgresBackend(tmp_path / "store", write=True, url=older)

    assert restored.generation > first.generation
    restored.close()


def test_layouts_are_forgotten_after_all_rows_of_their_time(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    first = PostgresBackend(tmp_path / "store", write=True, url=url)
    old, shared = Layout(("old.value",)), LAYOUT.id
    first.commit(batch([told(old, 1), told(Sample(old.id, (1.0,)), 2), layout(), sample(3)]), NOON)
    assert not first.may_learn("web-1", ("more.value",), NOON, 300)
    first.close()
    again = PostgresBackend(tmp_path / "store", write=True, url=url)
    again.retain({"sample": DAY}, NOON + 2 * DAY)
    assert again.layouts((old.id, shared)).keys() == {old.id, shared}
    again.retain({"sample": DAY}, NOON + 4 * DAY)
    assert again.layouts((old.id, shared)).keys() == {shared}, "the newest sample of a host needs it"
    again.close()


def test_the_names_of_rows_of_a_fast_clock_are_kept_as_long_as_these(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.database()
    fast, ahead = Layout(("fast.value",)), NOON + 30 * DAY
    first = PostgresBackend(tmp_path / "store", write=True, url=url)
    records = [told(fast, 1), told(Sample(fast.id, (1.0,)), 2, at=ahead), layout(), sample(3, at=NOON + 31 * DAY)]
    first.commit(batch(records), NOON)
    first.close()
    again = PostgresBackend(tmp_path / "store", write=True, url=url)
    for day, known in ((10, True), (30, True), (31, True), (34, False)):
        again.retain({"sample": DAY}, NOON + day * DAY)
        rows = again.rows("sample", "web-1", ahead, ahead)
        assert (fast.id in again.layouts((fast.id,))) is known
        assert known or not rows
    again.close()


def test_what_is_wrong_with_the_server_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    url = Secret("postgresql://guardia:tell-nobody@127.0.0.1:1/store")
    with pytest.raises(StoreBroken) as failure:
        opened("postgres", tmp_path / "store", write=True, url=url)

    assert "tell-nobody" not in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_reader_before_the_writer_says_that_there_is_nothing_yet(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match="the writer makes them"):
        PostgresBackend(tmp_path / "store", write=False, url=postgres.database())


HISTORY = st.lists(st.lists(st.integers(-7300, 7300), max_size=8), max_size=4)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORY, st.integers(-7400, 7400), st.integers(-7400, 7400), st.integers(0, 20))
def test_it_answers_as_a_plain_list_would(
    postgres: Postgres, tmp_path: Path, history: list[list[int]], begin: int, end: int, limit: int
) -> None:
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    plain: set[int] = set()
    for seconds in history:
        plain |= set(seconds)
        records = [sample(8000 + second, at=NOON + second * SECOND) for second in seconds]
        backend.commit(batch(records, received=LATE), LATE)
    start, stop = NOON + begin * SECOND, NOON + end * SECOND
    wanted = sorted(second for second in plain if begin <= second <= end)

    assert numbers(backend.rows("sample", "web-1", start, stop)) == wanted
    assert numbers(backend.newest_rows("sample", "web-1", start, stop, limit)) == (wanted[-limit:] if limit else [])
    backend.close()


@pytest.mark.parametrize(
    "url",
    [
        "hunter2 of the database",
        "postgres//guardia:hunter2@db-1/store",
        "postgresql://guardia:hunter2%zz@db-1/store",
        "postgresql://guardia:more@hunter2@db-1/store",
        "postgresql://guardia:hunter2@[::1/store",
    ],
)
def test_a_url_that_cannot_be_read_is_named_without_the_password_in_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match=r"\[store\] url cannot be read") as caught:
        PostgresBackend(tmp_path / "store", write=True, url=Secret(url))
    assert "hunter2" not in str(caught.value)


def test_a_clock_that_was_set_back_keeps_neither_the_newest_nor_the_witness_waiting(
    postgres: Postgres, tmp_path: Path
) -> None:
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    backend.commit(batch([layout(), sample(1)]), NOON + 1000 * DAY)
    for number in (2, 3):
        backend.commit(batch([sample(number)]), NOON + number * SECOND)

    assert backend._witness._read() == (backend.generation, 3)
    assert [one.last_at for one in backend.subjects("sample")] == [NOON + 3 * SECOND]
    backend.close()


def test_what_was_announced_and_not_stored_leaves_its_sources_account(postgres: Postgres, tmp_path: Path) -> None:
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    assert backend.may_learn("web-1", ("queue[1].length",), NOON, 500)
    assert not backend.may_learn("web-1", ("queue[2].length",), NOON, 500)

    backend.retain({"sample": DAY}, NOON + 9 * DAY)

    assert backend.may_learn("web-1", ("queue[2].length",), NOON + 9 * DAY, 500)
    backend.close()


def test_a_backup_that_reads_for_hours_holds_up_neither_storing_nor_a_new_start(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "TRANSACTION_SECONDS", 5)
    monkeypatch.setattr(postgres_tables, "DROP_SECONDS", 0.1)
    url = postgres.database()
    backend = PostgresBackend(tmp_path / "store", write=True, url=url)
    backend.commit(batch([layout(), sample(1)]), LATE)
    with psycopg.connect(url.reveal()) as backup:  # as pg_dump does
        found = backup.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'p')"
            " AND relnamespace = 'guardia'::regnamespace"
        )
        for (table,) in found.fetchall():
            backup.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        backend.commit(batch([sample(2, at=NOON + 2 * HOUR)]), LATE)
        assert backend.retain({"sample": HOUR}, NOON + 2 * HOUR) == 0, "it is tried again later"
        backend.close()
        backend = PostgresBackend(tmp_path / "store", write=True, url=url)
        backend.commit(batch([sample(3, at=NOON + 2 * HOUR + SECOND), sample(4, at=NOON + 3 * HOUR)]), LATE)
        assert [at for at, _, _ in backend.rows("sample", "web-1", 0, NOON + DAY)] == [
            NOON + SECOND,
            NOON + 2 * HOUR,
            NOON + 2 * HOUR + SECOND,
            NOON + 3 * HOUR,
        ]
    assert backend.retain({"sample": HOUR}, NOON + 2 * HOUR) == 1
    assert numbers(backend.rows("sample", "web-1", 0, NOON + 2 * HOUR)) == [7200]
    assert backend.statistics()["deleted"] == {"sample": 1}
    backend.close()


@pytest.mark.parametrize(("seconds", "each"), [(60.0, [5, 0]), (0.0, [2, 2, 1, 0])])
def test_of_very_many_tables_a_few_are_dropped_in_one_transaction(
    seconds: float, each: list[int], postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tables, "AT_ONCE", 2)
    monkeypatch.setattr(postgres_backend, "RETAIN_SECONDS", seconds)
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    backend.commit(batch([layout(), *(sample(1, at=NOON + hour * HOUR) for hour in range(6))]), LATE)
    assert [backend.retain({"sample": HOUR}, NOON + 6 * HOUR) for _ in each] == each
    assert [at for at, _, _ in backend.rows("sample", "web-1", 0, NOON + DAY)] == [NOON + 5 * HOUR]
    assert backend.statistics()["deleted"] == {"sample": 5}
    backend.close()


def test_a_question_that_is_put_often_locks_the_tables_of_its_own_time_alone(
    postgres: Postgres, tmp_path: Path
) -> None:
    backend = PostgresBackend(tmp_path / "store", write=True, url=postgres.database())
    backend.commit(batch([layout(), *(sample(1, at=NOON + hour * HOUR) for hour in range(5))]), LATE)
    for _ in range(20):
        with backend._server.using() as db:
            assert len(backend.rows("sample", "web-1", NOON, NOON + HOUR - 1)) == 1
            found = db.execute(
                "SELECT c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation"
                " WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relname LIKE 'rows_sample_%'"
            )
            assert found.fetchall() == [("rows_sample_20260131t12",)]
    backend.close()


def test_a_writer_whose_network_was_cut_amid_a_commit_keeps_the_next_one_from_nothing(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "TRANSACTION_SECONDS", 5)
    monkeypatch.setattr(postgres_server, "IDLE_SECONDS", 1)
    url = postgres.database()
    cut = PostgresBackend(tmp_path / "store", write=True, url=url)
    cut.commit(batch([layout(), sample(1)]), LATE)
    stored: list[int] = []

    def amid_a_commit() -> None:
        with cut._server.using() as db:
            db.execute("UPDATE meta SET value = value")  # the server hears no more of it
            following = PostgresBackend(tmp_path / "store", write=True, url=url)
            following.commit(batch([sample(2)]), LATE)
            stored.extend(numbers(following.rows("sample", "web-1", 0, LATE)))
            following.close()
            db.execute("SELECT 1")

    with pytest.raises(StoreBroken, match="terminat"):
        amid_a_commit()
    assert stored == [1, 2]


@pytest.mark.parametrize("what", ["lock", "standby"])
def test_a_server_that_makes_wait_is_given_up_before_the_watchdog_gives_up_the_writer(
    what: str, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_server, "TRANSACTION_SECONDS", 1)
    url = postgres.database()
    writer = PostgresBackend(tmp_path / "store", write=True, url=url)
    writer.commit(batch([layout(), sample(1)]), LATE)
    tried = [1]

    def commit_until_it_waits() -> None:
        # Commits wait for a standby once the checkpointer knows of it, which is later than who asked for it does.
        while True:
            tried.append(tried[-1] + 1)
            writer.commit(batch([sample(tried[-1])]), LATE)

    with psycopg.connect(url.reveal(), autocommit=True) as other:
        try:
            if what == "lock":
                other.execute("BEGIN")
                other.execute("LOCK TABLE guardia.meta IN ACCESS EXCLUSIVE MODE")
            else:
                # It waits at the end of a transaction, for which the server knows no limit.
                set_standby(other, "nobody")
            with pytest.raises(StoreBroken, match="not done within 1 s: another session holds a lock, a standby does"):
                commit_until_it_waits()
        finally:
            other.execute("ROLLBACK")
            set_standby(other, "")
    monkeypatch.undo()
    tried.append(tried[-1] + 1)
    writer.commit(batch([sample(number) for number in tried[-2:]]), LATE)
    assert numbers(writer.rows("sample", "web-1", 0, LATE)) == tried
    writer.close()


def set_standby(db: psycopg.Connection, name: str) -> None:
    """Have each transaction of the server wait for this standby, from soon on."""
    db.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
    db.execute("SELECT pg_reload_conf()")
    while db.execute("SHOW synchronous_standby_names").fetchone() != (name,):
        pass


@pytest.mark.parametrize("amid", [False, True])
def test_a_server_that_vanishes_from_the_network_is_given_up(
    amid: bool, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``amid`` an answer that is waited for nothing is on its way: then the kernel alone would wait for ever."""
    monkeypatch.setattr(postgres_server, "SILENT_SECONDS", 2)
    with Vanishing(postgres.port) as between:
        url = Secret(postgres.database().reveal().replace(f":{postgres.port}/", f":{between.port}/"))
        backend = PostgresBackend(tmp_path / "store", write=True, url=url)
        backend.commit(batch([layout(), sample(1)]), LATE)
        if amid:
            between.vanish_when_asked(b"pg_sleep")
            with pytest.raises(StoreBroken, match="PostgreSQL"):
                backend._server.asked("SELECT pg_sleep(60)")
        else:
            between.vanish()
            with pytest.raises(StoreBroken, match="PostgreSQL"):
                backend.commit(batch([sample(2)]), LATE)
        backend.close()


def test_what_the_url_says_of_patience_holds(postgres: Postgres, tmp_path: Path) -> None:
    url = Secret(postgres.database().reveal() + "?tcp_user_timeout=7000")
    backend = PostgresBackend(tmp_path / "store", write=True, url=url)
    with backend._server.using() as db, socket.socket(fileno=os.dup(db.fileno())) as ours:
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT) == postgres_server.PROBES
    backend.close()


def test_of_a_large_table_that_goes_is_told_what_the_server_knows_of_it(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database()
    backend = PostgresBackend(tmp_path / "store", write=True, url=url)
    backend.commit(batch([layout(), *(sample(n) for n in range(1, 8))]), LATE)
    backend.commit(batch([sample(n, at=NOON + 2 * HOUR + n * SECOND) for n in range(1, 6)]), LATE)
    with psycopg.connect(url.reveal(), autocommit=True) as db:
        db.execute("ANALYZE guardia.rows_sample_20260131t12")
        db.execute("DELETE FROM guardia.rows_sample_20260131t12 WHERE at > %s", (NOON + 4 * SECOND,))
    monkeypatch.setattr(postgres_tables, "COUNTED_BYTES", 0)
    assert backend.retain({"sample": HOUR}, NOON + 2 * HOUR) == 7, "as it was looked into last"
    assert backend.retain({"sample": HOUR}, NOON + 4 * HOUR) == 5, "nobody has looked into this one"
    backend.close()

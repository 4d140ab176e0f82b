"""The first Guardia's rows as ours, its file in pieces, and how far an import is."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Check, Facts, is_metric
from bus.progress import Progress
from bus.questions import Question, pack_question, read_answer
from store import answers
from store.backends.memory import MemoryBackend
from store.importing import command
from store.importing.command import main
from store.importing.journal import Journal
from store.importing.rows import check, readings
from store.importing.source import NO_NAME, NO_TIME, START, Held, NotASource, Source
from tests.store.given import NOON, batch
from tests.store.given import check as checked
from tests.store.importing.given import METADATA, NOON_MS, database, usual

if TYPE_CHECKING:
    from bus.asking import Asking

ROW: dict[str, Any] = {
    "cpu_avg": 12.5,
    "memory_used": 2000,
    "memory_total": 8000,
    "temp_avg": 50.0,
    "metadata": json.dumps(METADATA),
}


def test_a_row_becomes_readings_under_our_names_and_facts() -> None:
    values, facts = readings(ROW)
    assert values == {
        "cpu.percent": 12.5,
        "cpu.count": 2.0,
        "cpu[0].percent": 10.0,
        "cpu[0].mhz": 2400.0,
        "cpu[1].percent": 15.0,
        "memory.total": 8000.0,
        "memory.used": 2000.0,
        "memory.percent": 25.0,
        "swap.total": 1000.0,
        "swap.used": 0.0,
        "swap.percent": 0.0,
        "temperature[Package id 0].celsius": 50.0,
    }
    assert facts == Facts("web-1", "Debian", "12", "6.1", "x86_64", cpu_count=2, memory_total=8000)


def test_columns_stand_for_details_that_cannot_be_read() -> None:
    values, facts = readings({**ROW, "metadata": "{broken"})
    assert values == {
        "cpu.percent": 12.5,
        "memory.total": 8000.0,
        "memory.used": 2000.0,
        "memory.percent": 25.0,
        "temperature[average].celsius": 50.0,
    }
    assert facts is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cpus", "name", "usage", "memory", "total", "components", "temperature", "system", "arch"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values, json_values, json_values)
def test_whatever_stands_in_a_row_becomes_numbers_that_may_travel(details: Any, cpu: Any, used: Any) -> None:
    values, _ = readings({**ROW, "metadata": json.dumps(details), "cpu_avg": cpu, "memory_used": used})
    for name, value in values.items():
        assert is_metric(name)
        assert value is not None
        assert abs(value) < float("inf")


def test_a_check_keeps_what_it_found() -> None:
    row = {"url": "u", "status": "down", "response_time_ms": None, "http_status_code": 500, "error_message": "e"}
    assert check(row) == Check("down", url="u", http_status=500, error="e")
    assert check({**row, "status": "strange", "http_status_code": "x"}).status == "unknown"


def test_rows_come_by_time_from_anywhere_in_the_file(tmp_path: Path) -> None:
    source = Source(usual(tmp_path / "metrics.db", 700))
    keys = [(row["timestamp"], row["server_id"]) for row in source.rows("metrics", START, 0)]
    assert len(keys) == 1400
    assert keys == sorted(keys)
    for place in (0, 999, 1000, 1001):
        rest = [(row["timestamp"], row["server_id"]) for row in source.rows("metrics", keys[place], 0)]
        assert rest == keys[place + 1 :]
    since = list(source.rows("metrics", START, NOON_MS + 15_000 * 690))
    assert len(since) == 20
    days = source.held("service_checks", 0)
    assert [(day.name, day.first, day.last) for day in days] == [("My Shop", NOON_MS, NOON_MS + 60_000 * 699)]
    assert sum(day.rows for day in days) == 700


@pytest.mark.parametrize("index", ["", "CREATE INDEX by_time ON metrics (timestamp)"])
def test_rows_are_found_by_whichever_index_there_is(index: str, tmp_path: Path) -> None:
    rows = [(f"host-{n % 7}", NOON_MS + n // 5, 1.0, 1, 2, 3.0, "{}") for n in range(2500) if n % 11]
    path = database(tmp_path / "metrics.db", [*rows, ("late", NOON_MS + 400, 1.0, 1, 2, 3.0, "{}")])
    file = sqlite3.connect(path)
    file.execute(index or "SELECT 1")
    file.commit()
    found = read_through(Source(path))
    assert found == sorted(found)
    assert len(found) == len(rows) + 1
    for place in (0, 1, 3, 4, 700, len(found) - 2):
        assert read_through(Source(path), found[place]) == found[place + 1 :]
    assert read_through(Source(path), since=NOON_MS + 400) == [one for one in found if one[0] >= NOON_MS + 400]
    file.close()


def read_through(source: Source, after: tuple[int, str] = START, since: int = 0) -> list[tuple[int, str]]:
    """Times and names of the rows; each page has to be found by an index, not by reading all of the table."""
    questions: list[str] = []
    source._file.set_trace_callback(questions.append)
    found = [(row["timestamp"], row["server_id"]) for row in source.rows("metrics", after, since)]
    source._file.set_trace_callback(None)
    for question in questions:
        if question.startswith("SELECT server_id"):
            plan = "; ".join(row["detail"] for row in source._file.execute("EXPLAIN QUERY PLAN " + question))
            assert plan.startswith("SEARCH metrics USING INDEX"), plan
    return found


def test_text_that_is_no_unicode_is_read_all_the_same(tmp_path: Path) -> None:
    path = database(tmp_path / "metrics.db", [("a", NOON_MS, 1.0, 1, 2, 3.0, "{}")])
    file = sqlite3.connect(path)
    file.execute("UPDATE metrics SET server_id = CAST(x'61ff' AS TEXT)")
    file.commit()
    file.close()
    assert [row["server_id"] for row in Source(path).rows("metrics", START, 0)] == ["a\N{REPLACEMENT CHARACTER}"]
    assert [day.name for day in Source(path).held("metrics", 0)] == ["a\N{REPLACEMENT CHARACTER}"]


def test_what_only_the_lenient_reader_takes_is_read(tmp_path: Path) -> None:
    values, facts = readings(
        {**ROW, "metadata": '{"cpus": {"total": NaN, "average_usage": 1}, "system": {"name": "\\ud800"}}'}
    )
    assert "cpu.count" not in values
    assert facts is not None
    assert facts.os_name == "?"


def test_rows_that_nobody_could_tell_are_counted_and_left_out(tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "x.db")
    file.execute("CREATE TABLE metrics (server_id, timestamp, cpu_avg, memory_used, memory_total, temp_avg, metadata)")
    times: list[object] = [None, "2025-01-01T00:00:00Z", NOON_MS + 0.5, b"1", -1, 2**62, 0, NOON_MS]
    names: list[object] = [None, b"\xff", 5, ""]
    rows: list[tuple[object, object, object]] = [("a", time, 1.0) for time in times] + [
        (name, NOON_MS, 1.0) for name in names
    ]
    rows += [("b", NOON_MS + n, cpu) for n, cpu in enumerate([float("inf"), 1e300, float("nan"), "x", 5])]
    file.executemany("INSERT INTO metrics VALUES (?, ?, ?, 1, 2, 3, '{}')", rows)
    file.commit()
    file.close()
    source = Source(tmp_path / "x.db")
    told = [(row["server_id"], row["timestamp"]) for row in source.rows("metrics", START, 0)]
    assert told == [("a", 0), ("a", NOON_MS), *(("b", NOON_MS + n) for n in range(5))]
    assert source.unfit("metrics") == {NO_NAME: 4, NO_TIME: 6}
    assert [(day.name, day.rows, day.measured) for day in source.held("metrics", 0)] == [
        *(("a", 1, 1), ("a", 1, 1), ("b", 5, 1))
    ]


def test_a_host_whose_clock_was_at_1970_costs_a_question_for_each_of_its_days_only(tmp_path: Path) -> None:
    rows = [("a", at, 1.0, 1, 2, 3.0, "{}") for at in (0, NOON_MS, 9_000_000_000_000)]
    assert len(Source(database(tmp_path / "x.db", rows)).held("metrics", 0)) == 3


def test_a_file_that_another_holds_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = database(tmp_path / "x.db")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    connect: Any = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: connect(*args, **more, timeout=0))
    with pytest.raises(NotASource, match="is locked; stop the first Guardia, or import a copy"):
        Source(file).held("metrics", 0)
    holder.close()


def test_a_folder_is_said_to_be_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotASource, match="not a file"):
        Source(tmp_path)


def test_nothing_is_told_to_a_hub_that_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "guardia.toml").write_text("")
    file = usual(tmp_path / "metrics.db", 1)
    assert main([str(file), "--config", str(tmp_path / "guardia.toml")]) == 2
    assert "the hub is not running here" in capsys.readouterr().err


def test_a_file_that_this_user_may_not_read_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.db"
    path.write_bytes(b"x")
    path.chmod(0)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(NotASource, match=r"metrics\.db: permission denied"):
        Source(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no database at all, but long enough to be looked at" * 30, "not a database"), (b"", "neither a table")],
)
def test_what_is_no_such_file_is_refused(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.db").write_bytes(content)
    with pytest.raises(NotASource, match=said):
        Source(tmp_path / "x.db")
    with pytest.raises(NotASource, match="no such file"):
        Source(tmp_path / "none.db")
    (tmp_path / "guardia.toml").write_text("")
    assert main([str(tmp_path / "x.db"), "--config", str(tmp_path / "guardia.toml")]) == 100
    assert said in capsys.readouterr().err


def test_a_file_that_is_damaged_behind_its_head_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = usual(tmp_path / "metrics.db", 700)
    content = bytearray(file.read_bytes())
    content[3 * 4096 :] = b"\xa5" * (len(content) - 3 * 4096)
    file.write_bytes(content)
    (tmp_path / "guardia.toml").write_text("")
    assert main([str(file), "--config", str(tmp_path / "guardia.toml")]) == 100
    assert "malformed" in capsys.readouterr().err


def test_a_table_of_another_program_is_refused(tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "x.db")
    file.execute("CREATE TABLE metrics (server_id TEXT, timestamp INTEGER)")
    file.close()
    with pytest.raises(NotASource, match="has no column cpu_avg"):
        Source(tmp_path / "x.db")


def test_only_what_was_acknowledged_is_remembered(tmp_path: Path) -> None:
    source = database(tmp_path / "metrics.db")
    journal = Journal(tmp_path / "import", source)
    journal.told(3, "metrics", (10, "a"))
    journal.told(5, "metrics", (11, "a"))
    journal.told(5, "metrics", (11, "b"), 0)
    journal.told(6, "service_checks", (11, "shop"))
    assert not journal.acknowledged(2)
    assert journal.acknowledged(5)
    journal.keep()

    again = Journal(tmp_path / "import", source)
    assert (again.after("metrics"), again.after("service_checks"), again.rows) == ((11, "b"), START, 2)
    assert Journal(tmp_path / "import", source, since=5).rows == 2
    again.path.write_text("rubbish")
    assert Journal(tmp_path / "import", source).rows == 0
    again.forget()
    assert not again.path.exists()


def test_what_came_before_the_begin_of_an_import_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    source = database(tmp_path / "metrics.db")
    journal = Journal(tmp_path / "import", source, since=1000)
    journal.told(1, "metrics", (2000, "a"))
    journal.acknowledged(1)
    journal.keep()
    assert Journal(tmp_path / "import", source, since=1000).after("metrics") == (2000, "a")
    assert Journal(tmp_path / "import", source, since=3000).after("metrics") == (2000, "a")
    assert Journal(tmp_path / "import", source, since=999).after("metrics") == START


def test_what_a_later_begin_passed_over_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    source = database(tmp_path / "metrics.db")
    ended = Journal(tmp_path / "import", source)
    ended.told(1, "metrics", (2000, "a"))
    ended.told(2, "service_checks", (5000, "shop"))
    ended.acknowledged(2)
    ended.keep()
    done = Journal(tmp_path / "import", source, since=1500)
    done.keep()
    assert Journal(tmp_path / "import", source).after("metrics") == (2000, "a"), "nothing was passed over"

    later = Journal(tmp_path / "import", source, since=3000)
    later.told(1, "metrics", (9000, "a"))
    later.acknowledged(1)
    later.keep()
    assert Journal(tmp_path / "import", source, since=3000).after("metrics") == (9000, "a")
    assert Journal(tmp_path / "import", source).after("metrics") == START

    again = Journal(tmp_path / "import", source, since=4000)
    again.forget()
    again.told(1, "metrics", (9000, "a"))
    again.acknowledged(1)
    again.keep()
    assert Journal(tmp_path / "import", source).after("metrics") == START, "as after --again --since"


def test_the_begin_of_an_import_is_a_day_or_a_length_back_from_now(capsys: pytest.CaptureFixture[str]) -> None:
    parse = command._arguments().parse_args
    assert parse(["x.db", "--since", "2026-01-31"]).since == NOON_MS - 12 * 3_600_000
    for words in (["--since", "-90d"], ["--since", "90d"]):
        assert abs(parse(["x.db", *words]).since - (time.time() - 90 * 86_400) * 1000) < 60_000
    with pytest.raises(SystemExit):
        parse(["x.db", "--since", "long ago"])
    assert "is no time such as 2026-01-31, or 90d back from now" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_line_of_progress_is_longer_than_its_terminal_and_what_was_done_before_tells_no_speed() -> None:
    now = [0.0]
    stream = Terminal()
    progress = Progress("import", 200, stream, clock=lambda: now[0], began=100)
    now[0] = 10.0
    progress.at(150, "x" * 200)
    assert stream.getvalue().startswith("\rimport [######################--------]  75 %, 10 s left, xxx")
    assert len(stream.getvalue()) == len("\r") + 79 + len("\x1b[K")


def test_progress_is_a_line_now_and_then_where_there_is_no_terminal() -> None:
    now = [0.0]
    stream = io.StringIO()
    progress = Progress("import", 200, stream, clock=lambda: now[0])
    for second in range(25):
        now[0] = float(second)
        progress.at(second * 4, f"{second} rows")
    progress.close()
    lines = stream.getvalue().splitlines()
    assert lines == [
        "import [######------------------------]  20 %, 40 s left, 10 rows",
        "import [############------------------]  40 %, 30 s left, 20 rows",
    ]


def test_a_day_of_more_checks_than_an_answer_counts_is_compared_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_CHECKS", 7)
    backend = MemoryBackend()
    backend.commit(batch(checked(minute) for minute in range(100)), NOON)

    class Store:
        def ask(self, question: Question) -> Any:
            return read_answer(question, answers.Answers(backend).to(pack_question(question)))

    day = Held("shop", 100, 100, NOON // 1_000_000, NOON // 1_000_000 + 99 * 60_000)
    assert command._count(cast("Asking", Store()), "service_checks", "shop", day) == 100

"""The first Guardia's rows as ours, its file in pieces, and how far an import is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import Check, Facts, is_metric
from bus.progress import Progress
from store.importing.command import main
from store.importing.journal import Journal
from store.importing.rows import check, readings
from store.importing.source import START, NotASource, Source
from tests.store.importing.given import METADATA, NOON_MS, database, usual

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
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
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
    for place in (0, 499, 500, 1001):
        rest = [(row["timestamp"], row["server_id"]) for row in source.rows("metrics", keys[place], 0)]
        assert rest == keys[place + 1 :]
    since = list(source.rows("metrics", START, NOON_MS + 15_000 * 690))
    assert len(since) == 20
    assert [(held.name, held.rows) for held in source.held("service_checks", 0)] == [("My Shop", 700)]


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
    import sqlite3

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
    journal.told(6, "service_checks", (11, "shop"))
    assert not journal.acknowledged(2)
    assert journal.acknowledged(5)
    journal.keep()

    again = Journal(tmp_path / "import", source)
    assert (again.after("metrics"), again.after("service_checks"), again.rows) == ((11, "a"), START, 2)
    again.path.write_text("rubbish")
    assert Journal(tmp_path / "import", source).rows == 0
    again.forget()
    assert not again.path.exists()


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

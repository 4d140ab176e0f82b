"""What is exported as text is what is stored."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.messages import Alert, Layout, Sample
from bus.questions import Question
from bus.wire import Record
from store.answers import answer
from store.backends.memory import MemoryBackend
from store.exporting import command
from store.exporting.command import moment
from store.exporting.past import MOST_RECORDS, Past, Wanted
from store.exporting.text import Csv, JsonLines, heads, instant, records_of, samples_of
from store.keys import FAR
from tests.store.given import DAY, HOUR, LAYOUT, MINUTE, NOON, SECOND, batch, check, layout, sample, told

FOREVER = NOON + 90 * DAY
Ask = Callable[[Question], Any]


def store(*records: Any) -> Ask:
    """A store that holds these, to be asked."""
    backend = MemoryBackend(Path(), write=True)
    backend.commit(batch([layout(), layout("db-1")]), NOON)
    backend.commit(batch(records), NOON)
    return lambda question: answer(backend, question)


def past(ask: Ask, kind: str = "sample", **more: Any) -> Past:
    """Everything of a kind that is in the store."""
    return Past(ask, Wanted(kind, more.pop("start", 0), more.pop("end", FOREVER), **more))


def seconds(found: Past) -> list[int]:
    """The seconds after noon of all records, in the order in which they come."""
    return [(at - NOON) // SECOND for one in found.extents() for _, rows in found.pieces(one) for at, _, _ in rows]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 40 * 86_400), unique=True, max_size=40),
    st.integers(0, 86_400 * 40),
    st.integers(0, 86_400 * 40),
)
def test_pieces_give_every_record_once_and_in_order(times: list[int], start: int, length: int) -> None:
    ask = store(*(sample(n + 1, at=NOON + second * SECOND) for n, second in enumerate(times)))
    found = past(ask, start=NOON + start * SECOND, end=NOON + (start + length) * SECOND)
    assert seconds(found) == sorted(second for second in times if start <= second <= start + length)


def test_what_came_late_or_was_imported_is_exported_too() -> None:
    ask = store(sample(1), sample(2, at=NOON - 400 * DAY), sample(3, at=NOON - 399 * DAY), sample(4))
    found = past(ask)
    (extent,) = found.extents()
    assert NOON - 401 * DAY <= extent.start <= NOON - 400 * DAY
    assert extent.end == NOON + 4 * SECOND
    assert seconds(found) == [-400 * 86_400, -399 * 86_400, 1, 4]


def test_many_records_in_little_time_come_in_pieces_that_are_full_at_most() -> None:
    count = 3 * MOST_RECORDS
    ask = store(*(sample(n + 1, at=NOON + n * SECOND // 100) for n in range(count)))
    found = past(ask)
    (extent,) = found.extents()
    sizes = [len(rows) for _, rows in found.pieces(extent)]
    assert sum(sizes) == count
    assert max(sizes) < MOST_RECORDS


def test_who_fits_is_exported_and_the_hub_only_when_it_is_named() -> None:
    ask = store(sample(1), sample(1, host="db-1"), sample(1, host="guardia.api-1"))
    assert [one.subject for one in past(ask).extents()] == ["db-1", "web-1"]
    assert [one.subject for one in past(ask, subjects=("web-*",)).extents()] == ["web-1"]
    assert [one.subject for one in past(ask, subjects=("guardia.*",)).extents()] == ["guardia.api-1"]


def test_a_name_or_a_reading_that_nothing_has_is_told_with_the_nearest() -> None:
    ask = store(sample(1), sample(1, host="db-1"))
    assert past(ask).misnamed() == past(ask, subjects=("web-*", "db-1")).misnamed() == ""
    assert past(ask, subjects=("db-1", "wbe-1")).misnamed() == "no sample of wbe-1 is stored; did you mean web-1?"
    assert past(ask, subjects=("x*",)).misnamed() == "no sample of x* is stored; there are: db-1, web-1"
    assert past(ask, "check", subjects=("shop",)).misnamed() == "no check of shop is stored; there are none"
    for metric, said in (
        ("cpu.*", ""),
        ("cpu.percnt", "nothing there is called cpu.percnt; did you mean cpu.percent?"),
    ):
        found = past(ask, metrics=(metric,))
        assert found.unread() == "", "nothing was read yet"
        written(Csv, found, metrics=(metric,))
        assert found.unread() == said
        stepped = past(ask, metrics=(metric,))
        for extent in stepped.extents():
            assert list(stepped.steps(extent, HOUR))
        assert stepped.unread() == said


def test_brackets_of_a_reading_stand_for_themselves() -> None:
    disks = Layout(("disk[/].percent", "disk[/var].percent", "cpu.percent"))
    values = Sample(disks.id, (1.0, 2.0, 3.0))
    ask = store(told(disks, 1), told(values, 2, at=NOON), told(values, 3, at=NOON + SECOND))
    found = past(ask, metrics=("disk[*].percent",))
    assert len(written(Csv, found, metrics=("disk[*].percent",)).splitlines()) == 5
    assert found.unread() == ""


def written(form: type[Csv | JsonLines], found: Past, kind: str = "sample", metrics: tuple[str, ...] = ("*",)) -> str:
    """The whole export."""
    stream = io.StringIO()
    made = form(stream)
    made.begin(heads(kind, stepped=False))
    for extent in found.extents():
        for _, rows in found.pieces(extent):
            if kind == "sample":
                made.samples(samples_of(found, rows, metrics))
            else:
                made.records(records_of(rows))
    return stream.getvalue()


def test_samples_as_csv_have_a_line_a_reading_and_as_json_a_line_a_sample() -> None:
    ask = store(sample(1), sample(2, at=NOON + 1), told(Sample(LAYOUT.id, (None, 7.5)), 3, at=NOON + 2 * SECOND))
    assert written(Csv, past(ask)).splitlines() == [
        "time,host,metric,value",
        "2026-01-31T12:00:00.000000001Z,web-1,cpu.percent,2.0",
        "2026-01-31T12:00:00.000000001Z,web-1,memory.used,200.0",
        "2026-01-31T12:00:01.000Z,web-1,cpu.percent,1.0",
        "2026-01-31T12:00:01.000Z,web-1,memory.used,100.0",
        "2026-01-31T12:00:02.000Z,web-1,memory.used,7.5",
    ]
    lines = [json.loads(line) for line in written(JsonLines, past(ask), metrics=("cpu.*",)).splitlines()]
    assert lines[0] == {"time": "2026-01-31T12:00:00.000000001Z", "host": "web-1", "values": {"cpu.percent": 2.0}}
    assert lines[2]["values"] == {"cpu.percent": None}


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_read_back_from_csv_as_it_was(value: float) -> None:
    rows = list(csv.reader(io.StringIO(written(Csv, past(store(told(Sample(LAYOUT.id, (value, 0.0)), 1)))))))
    assert float(rows[1][3]) == value


def test_other_records_have_their_fields() -> None:
    alert = told(Alert("cpu", "firing", reason='above "90"', labels={"a": "b"}), 1, host="alerter", subject="web-1")
    ask = store(check(0), check(1, "down"), alert)
    rows = list(csv.DictReader(io.StringIO(written(Csv, past(ask, "check"), "check"))))
    assert [(row["subject"], row["status"]) for row in rows] == [("shop", "up"), ("shop", "down")]
    (found,) = csv.DictReader(io.StringIO(written(Csv, past(ask, "alert"), "alert")))
    assert (found["reason"], json.loads(found["labels"])) == ('above "90"', {"a": "b"})


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_of_a_record_is_a_formula_to_a_spreadsheet(text: str) -> None:
    alert = told(Alert("cpu", "firing", reason=text, value=-1.5), 1, host="alerter", subject="web-1")
    ask = store(alert)
    (found,) = csv.DictReader(io.StringIO(written(Csv, past(ask, "alert"), "alert"), newline=""))
    assert (found["reason"], found["value"]) == (f"'{text}", "-1.5")
    assert json.loads(written(JsonLines, past(ask, "alert"), "alert"))["reason"] == text


@pytest.mark.parametrize("text", ["a\r=1", "a\n=1", 'a\r\n=1,"', 'a",b'])
def test_no_text_of_a_record_begins_a_line_of_its_own(text: str) -> None:
    ask = store(told(Alert("cpu", "firing", reason=text), 1, host="alerter", subject="web-1"))
    (found,) = csv.DictReader(io.StringIO(written(Csv, past(ask, "alert"), "alert"), newline=""))
    assert found["reason"] == text


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (None, 7),
        ("1h", NOON - HOUR),
        ("2026-01-31T12:00", NOON),
        ("2026-01-31T13:00+01:00", NOON),
        ("2026-01-31T12:00:00.000001", NOON + 1000),
        ("9999-12-31", FAR),
        ("0001-01-01T00:00+14:00", 0),
        ("0001-01-01", 0),
        ("100000d", 0),
        ("9" * 400 + "d", None),
        ("noon", None),
    ],
)
def test_a_time_is_an_instant_or_a_length_back_from_now_and_none_is_out_of_the_stores_reach(
    text: str | None, at: int | None
) -> None:
    assert moment(text, NOON, 7) == at


class Told:
    """A hub that tells one sample."""

    def __init__(self, *_: object, holds: Record | None = None, **__: object) -> None:
        self.ask = store(layout(), holds or sample(0))

    def now(self) -> int:
        """Later than that sample."""
        return FOREVER

    def __enter__(self) -> Told:
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "asker", Told)
    (tmp_path / "guardia.toml").write_text("")
    return tmp_path / "guardia.toml"


def exported(hub: Path, *words: str) -> int:
    return command.main([*words, "--config", str(hub)])


def test_a_pipe_stays_one_and_a_link_leads_where_it_led(hub: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Opened for both, so that nobody waits for the other end.
    reader = os.open(pipe, os.O_RDWR)
    try:
        assert exported(hub, "-o", str(pipe)) == 0
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert os.read(reader, 65536).startswith(b"time,host,metric,value\n")
    finally:
        os.close(reader)
    (tmp_path / "link.csv").symlink_to("there.csv")
    assert exported(hub, "-o", str(tmp_path / "link.csv")) == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "there.csv").read_text().startswith("time,")


class Terminal(io.StringIO):
    """One that somebody looks at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_on_a_terminal_nothing_acts_that_somebody_called_himself(
    form: str, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = told(Alert("cpu", "firing", reason="\x1b]0;mine\x07 \x9b2J \u202e"), 1, host="alerter", subject="web-1")
    monkeypatch.setattr(command, "asker", lambda *_, **__: Told(holds=alert))
    terminal, file = Terminal(), hub.parent / "alerts"
    with contextlib.redirect_stdout(terminal):
        assert exported(hub, "--kind", "alert", "--format", form, "--quiet") == 0
    shown = terminal.getvalue()
    assert "mine" in shown
    assert all(sign == "\n" or sign.isprintable() for sign in shown)
    assert exported(hub, "--kind", "alert", "--format", form, "--quiet", "-o", str(file)) == 0
    assert "\x9b2J \u202e" in file.read_text(), "a file has it as it was"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "."], "is a directory"),
        (["--kind", "check", "--metric", "cpu.*"], "--metric is for samples"),
        (["--parquet", "x", "-o", "y"], "a folder of its own"),
        (["--parquet", "x", "--format", "csv"], "a folder of its own"),
        (["--since", "2026-02-01", "--until", "2026-01-01"], "later than --until"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_read(
    words: list[str], said: str, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported(hub, *words) == 100
    assert said in capsys.readouterr().err


def test_a_disk_without_room_is_no_mistake_of_who_asks(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exported(hub, "-o", "/dev/full") == 111
    assert capsys.readouterr().err == "guardia export: /dev/full: no space left on device\n"


def test_instants_are_exact() -> None:
    assert instant(NOON) == "2026-01-31T12:00:00.000Z"
    assert instant(NOON + 123_000_000) == "2026-01-31T12:00:00.123Z"
    assert instant(NOON + 123_000_001) == "2026-01-31T12:00:00.123000001Z"


def test_steps_have_their_extremes_and_counts() -> None:
    ask = store(*(sample(n, at=NOON + n * SECOND) for n in range(1, 121)))
    found = past(ask, metrics=("cpu.percent",))
    stream = io.StringIO()
    form = Csv(stream)
    for extent in found.extents():
        for _, found_answer in found.steps(extent, MINUTE):
            form.steps(extent.subject, found_answer)
    assert stream.getvalue().splitlines() == [
        "2026-01-31T12:00:00.000Z,web-1,cpu.percent,30.0,1.0,59.0,59.0,59",
        "2026-01-31T12:01:00.000Z,web-1,cpu.percent,89.5,60.0,119.0,119.0,60",
        "2026-01-31T12:02:00.000Z,web-1,cpu.percent,120.0,120.0,120.0,120.0,1",
    ]


def test_memory_is_that_of_a_piece_however_long_the_past_is() -> None:
    """Four times the records, and hardly more memory."""
    peaks = []
    for count in (2_000, 8_000):
        ask = store(*(sample(n + 1, at=NOON + n * SECOND) for n in range(count)))
        found = past(ask)
        tracemalloc.start()
        form = Csv(io.TextIOWrapper(io.BufferedWriter(Nowhere())))
        for extent in found.extents():
            for _, rows in found.pieces(extent):
                form.samples(samples_of(found, rows, ("*",)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert form.lines == 2 * count
    assert peaks[1] < 2 * peaks[0]


class Nowhere(io.RawIOBase):
    """Takes everything and keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)

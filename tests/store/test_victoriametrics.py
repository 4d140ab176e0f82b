"""VictoriaMetrics' own trials: rows leave the disk only when the server has them on its own; it is killed, and away."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import lmdb
import pytest

from bus.messages import Layout, Sample, layout_id
from bus.secret import Secret
from bus.wire import Record, pack, read
from store.answers import answer
from store.backends import StoreBroken
from store.backends import victoriametrics as victoriametrics_backend
from store.backends.doubt import doubt
from store.backends.partitions import Partitions
from store.backends.shipping import Parcel, Shipper
from store.backends.victoria_lines import places
from store.backends.victoriametrics import VictoriaMetricsBackend
from store.care.verifying import verified
from store.keys import ROW
from tests.store.given import DAY, HOUR, LAYOUT, NOON, SECOND, batch, check, layout, numbers, sample, told
from tests.store.servers import Victoria
from tests.store.shipped import lacks, partitions, shipped

LATER = NOON + 3 * HOUR
Opened = Callable[[], VictoriaMetricsBackend]


@pytest.fixture
def host() -> str:
    """A host that the server never heard of: all tests share what it keeps."""
    return f"web-{uuid4().hex[:12]}"


@pytest.fixture
def store(victoriametrics: Victoria, tmp_path: Path) -> Iterator[Opened]:
    made: list[VictoriaMetricsBackend] = []

    def opened() -> VictoriaMetricsBackend:
        for one in made:
            one.close()
        made.append(
            VictoriaMetricsBackend(
                tmp_path / "store", write=True, url=victoriametrics.database(), local=HOUR, flush_seconds=1.2
            )
        )
        return made[-1]

    yield opened
    made[-1].close()


def test_rows_leave_when_the_server_has_them_and_come_back_with_their_values(
    store: Opened, victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    backend = store()
    backend.commit(batch([layout(host), check(1)]), LATER)
    for number in range(1, 40):
        backend.commit(batch([sample(number * 200, host=host)]), LATER)
    before = backend.rows("sample", host, 0, LATER)

    assert backend.retain({"sample": 7 * DAY}, LATER) == 0
    held = partitions(tmp_path)
    shipped(backend)
    assert backend.retain({"sample": 7 * DAY}, LATER) == 0

    assert (held, partitions(tmp_path)) == (["20260131T12", "20260131T13", "20260131T14"], ["20260131T14"])
    after = backend.rows("sample", host, 0, LATER)
    assert numbers(after) == numbers(before) == [number * 200 for number in range(1, 40)]
    assert [read(row[2])[0].message().values for row in after] == [read(row[2])[0].message().values for row in before]
    for limit in (1, 5, 20, 39, 100):
        assert numbers(backend.newest_rows("sample", host, 0, LATER, limit)) == numbers(before)[-limit:]
    window = (NOON + 400 * SECOND, NOON + 2000 * SECOND)
    assert numbers(backend.rows("sample", host, *window)) == list(range(400, 2001, 200))
    from bus.questions import Series

    series = answer(backend, Series(host, ("cpu.*",), NOON, LATER, 10))
    assert series.columns[0].metric == "cpu.percent"
    assert sum(series.columns[0].count) == 39
    assert len(backend.rows("check", "shop", 0, LATER)) == 1

    reader = subprocess.run(
        [sys.executable, "-c", READER, tmp_path / "store", victoriametrics.url, host],
        capture_output=True,
        text=True,
        check=True,
    )
    assert reader.stdout.split() == ["39"]
    backend.close()
    report = verified(tmp_path / "store")
    assert (report.faults, report.missing) == ([], {})


READER = """
import sys
from pathlib import Path
from bus.secret import Secret
from store.backends.doubt import doubt
from store.backends.partitions import Partitions
from store.backends import victoriametrics as victoriametrics_backend
from store.backends.shipping import Parcel, Shipper
from store.backends.victoria_lines import places
from store.backends.victoriametrics import VictoriaMetricsBackend
backend = VictoriaMetricsBackend(Path(sys.argv[1]), write=False, url=Secret(sys.argv[2]))
print(len(backend.rows("sample", sys.argv[3], 0, 2**62)))
"""


def test_a_server_that_is_killed_before_it_wrote_is_told_again(
    store: Opened, victoriametrics: Victoria, host: str
) -> None:
    backend = store()
    backend.commit(batch([layout(host)]), LATER)
    for number in range(1, 60):
        backend.commit(batch([sample(number * 100, host=host)]), LATER)
        if number % 20 == 0:
            victoriametrics.halt(signal.SIGKILL)
            victoriametrics.start()
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    assert numbers(backend.rows("sample", host, 0, LATER)) == [number * 100 for number in range(1, 60)]


def test_while_the_server_is_away_storing_goes_on_and_a_later_life_brings_it(
    store: Opened, victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    victoriametrics.halt()
    try:
        backend = store()
        backend.commit(batch([layout(host)]), LATER)
        for number in range(1, 30):
            backend.commit(batch([sample(number * 100, host=host)]), LATER)
        assert len(backend.rows("sample", host, 0, LATER)) == 29
        backend.retain({"sample": 7 * DAY}, LATER)
        assert partitions(tmp_path) == ["20260131T12"], "what the server does not have stays"
        backend = store()
        assert backend.damage()["unshipped_commits"] > 0
        lacks(backend, "takes no samples")
        assert json.loads((tmp_path / "store" / "shipped.json").read_text())["away"], "a reader has it from there"
    finally:
        victoriametrics.start()
    shipped(backend)
    lacks(backend, "")
    backend.retain({"sample": 7 * DAY}, LATER)

    assert partitions(tmp_path) == []
    assert numbers(backend.rows("sample", host, 0, LATER)) == [number * 100 for number in range(1, 30)]
    victoriametrics.halt()
    try:
        with pytest.raises(StoreBroken, match="VictoriaMetrics"):
            backend.rows("sample", host, 0, LATER)
    finally:
        victoriametrics.start()


def test_samples_that_come_before_their_layout_are_sent_when_it_is_known(store: Opened, host: str) -> None:
    backend = store()
    names = (f"{host.replace('-', '_')}.first", "second.x")
    early = told(Sample(layout_id(names), (1.5, 2.5)), 1, host=host, at=NOON + SECOND)
    backend.commit(batch([early]), LATER)
    backend.commit(batch([sample(5, host=host)]), LATER)
    backend.refresh()
    backend.commit(batch([told(Layout(names), 2, host=host), layout(host)]), LATER)
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    rows = backend.rows("sample", host, 0, LATER)
    assert numbers(rows) == [1, 5]
    values = [value for value in read(rows[0][2])[0].message().values if value is not None]
    assert values == [2.5, 1.5] or values == [1.5, 2.5]


def test_a_late_row_is_there_once(store: Opened, host: str) -> None:
    backend = store()
    backend.commit(batch([layout(host), sample(5, host=host)]), LATER)
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)
    backend.commit(batch([sample(5, host=host), sample(6, host=host)]), LATER)
    shipped(backend)
    assert numbers(backend.rows("sample", host, 0, LATER)) == [5, 6]


def test_what_is_older_than_it_shall_be_kept_goes_even_if_the_server_never_came(
    store: Opened, victoriametrics: Victoria, host: str
) -> None:
    victoriametrics.halt()
    try:
        backend = store()
        backend.commit(batch([layout(host), sample(5, host=host)]), LATER)
        assert backend.retain({"sample": 2 * HOUR}, LATER + DAY) == 1
    finally:
        victoriametrics.start()


def test_the_address_with_its_password_is_in_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = Secret("http://user:hunter2@127.0.0.1:9")
    backend = VictoriaMetricsBackend(tmp_path / "store", write=True, url=url, local=HOUR)
    backend.commit(batch([layout(), sample(1)]), LATER)
    end = time.monotonic() + 30
    while "VictoriaMetrics" not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.02)
    backend.close()
    assert "hunter2" not in caplog.text
    assert "VictoriaMetrics: connection refused; samples wait here" in caplog.text
    with pytest.raises(StoreBroken, match="vmselect"):
        VictoriaMetricsBackend(tmp_path / "other", write=True, url=Secret("nonsense"))


def test_a_fault_of_the_thread_is_one_of_the_program_and_no_silence(store: Opened, host: str) -> None:
    backend = store()
    shipper = backend._shipper
    assert shipper is not None
    shipper._places = None  # type: ignore[assignment]
    backend.commit(batch([layout(host), sample(1, host=host)]), LATER)
    end = time.monotonic() + 30
    while shipper.bug is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(AttributeError):
        backend.refresh()


def test_what_is_doubted_when_it_is_to_be_sent_is_sent_when_it_was_looked_into(
    store: Opened, victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    victoriametrics.halt()
    try:
        store().commit(batch([layout(host), sample(5, host=host)]), LATER)
        store()
        # As whoever comes after a writer that was killed at it, or after a reader.
        doubt(tmp_path / "store" / "rows" / "sample" / "20260131T12")
    finally:
        victoriametrics.start()
    backend = store()
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    assert partitions(tmp_path) == []
    assert numbers(backend.rows("sample", host, 0, LATER)) == [5]


def test_what_cannot_be_read_when_it_is_to_be_sent_is_sent_later(
    store: Opened, victoriametrics: Victoria, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    victoriametrics.halt()
    try:
        store().commit(batch([layout(host), sample(5, host=host)]), LATER)
    finally:
        victoriametrics.start()
    backend = store()
    chunk, failing = Partitions._chunk, [True, True]

    def failed(*given: Any) -> Any:
        if failing:
            failing.pop()
            raise StoreBroken("too many files are open")
        return chunk(*given)

    monkeypatch.setattr(Partitions, "_chunk", failed)
    shipped(backend)
    assert not failing
    backend.retain({"sample": 7 * DAY}, LATER)
    assert numbers(backend.rows("sample", host, 0, LATER)) == [5]


def test_of_a_damaged_group_the_whole_records_are_sent(
    store: Opened, victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    victoriametrics.halt()
    try:
        backend = store()
        backend.commit(batch([layout(host), *(sample(n, host=host) for n in (5, 6, 7))]), LATER)
        backend.close()
        file = str(tmp_path / "store/rows/sample/20260131T12")
        with lmdb.open(file, map_size=2**30) as rows, rows.begin(write=True) as txn:
            ((key, value), *_) = [(key, value) for key, value in txn.cursor() if len(key) == ROW.size]
            txn.put(key, value[:-1] + bytes((value[-1] ^ 1,)))
    finally:
        victoriametrics.start()
    backend = store()
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    assert numbers(backend.rows("sample", host, 0, LATER)) == [5, 6]
    assert any("2 records of it are whole" in damage for damage in backend.damaged)


def test_a_single_commit_of_an_earlier_life_stays_until_the_server_has_it(
    store: Opened, victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    victoriametrics.halt()
    try:
        store().commit(batch([layout(host), sample(5, host=host)]), LATER)
        backend = store()
        for _ in range(3):
            backend.refresh()
            backend.retain({"sample": 7 * DAY}, LATER)
        assert backend.damage()["unshipped_commits"] == 1
        assert partitions(tmp_path) == ["20260131T12"]
    finally:
        victoriametrics.start()
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    assert partitions(tmp_path) == []
    assert numbers(backend.rows("sample", host, 0, LATER)) == [5]


def test_samples_whose_names_never_come_hold_nobody_up(
    store: Opened, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victoriametrics_backend, "UNKNOWN_SECONDS", 0.3)
    backend = store()
    backend.commit(batch([layout(host)]), LATER)
    shipper = backend._shipper
    assert shipper is not None
    end = time.monotonic() + 60
    number = 0
    while shipper.mark < 10:
        assert time.monotonic() < end
        number += 1
        nameless = told(Sample(number, (1.0,)), 2 * number, host=host, at=NOON + number * SECOND)
        backend.commit(batch([sample(2 * number + 1, host=host), nameless]), LATER)
        assert backend._unknown
        time.sleep(0.02)


def test_of_layouts_that_nobody_tells_a_bounded_number_is_remembered(
    store: Opened, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victoriametrics_backend, "MOST_UNKNOWN", 20)
    monkeypatch.setattr(victoriametrics_backend, "MOST_NAMELESS", 30)
    backend = store()
    backend.commit(batch([layout(host)]), LATER)
    for number in range(1, 20):
        nameless = [
            told(Sample(number * 10 + n, (1.0,)), number * 10 + n, host=host, at=NOON + (number * 10 + n) * SECOND)
            for n in range(10)
        ]
        backend.commit(batch(nameless), LATER)

    assert len(backend._unknown) == 20
    assert len(backend._names) == 30 + 2
    assert any(backend._names.values()), "what was told is known still"


def test_a_mark_that_comes_after_a_flush_holds_with_the_next(
    victoriametrics: Victoria, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shipper, "_work", lambda shipper: None)
    here = places(victoriametrics.url)
    shipper = Shipper(here, victoriametrics.database(), 0, lambda ids: {LAYOUT.id: LAYOUT.names}, 5.0)
    rows = [(NOON, NOON, pack(sample(1, host=host)))]

    for parcel in (Parcel(0, {host: rows}, None), Parcel(0, {}, 1)):
        shipper._send(parcel)
        shipper._flush()
    assert shipper.mark == 1
    shipper._send(Parcel(0, {host: rows}, 2))
    shipper._flush()
    assert shipper.mark == 1, "it may be just between two places of the server's memory"
    shipper._flush()
    assert shipper.mark == 2
    shipper.close(1.0)


def test_a_sample_that_cannot_be_read_holds_nobody_up(store: Opened, host: str) -> None:
    backend = store()
    backend.commit(batch([layout(host), sample(1, host=host)]), LATER)
    backend.commit(batch([Record("sample", host, host, NOON + 2 * SECOND, 7, 3, b"no sample")]), LATER)
    backend.commit(batch([sample(4, host=host)]), LATER)
    shipped(backend)
    backend.retain({"sample": 7 * DAY}, LATER)

    assert numbers(backend.rows("sample", host, 0, LATER)) == [1, 4]

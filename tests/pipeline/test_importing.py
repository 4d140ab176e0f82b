"""The first Guardia's history through real programs: killed in the middle, gone on, compared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus.messages import KINDS
from bus.questions import Availability, Range, Series
from bus.wire import read
from tests.pipeline.asking import NOON, SECOND, Hub
from tests.pipeline.programs import ROOT, until
from tests.store.importing.given import usual

ROWS = 1500
HOST = "192.168.1.100:3000"


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    try:
        made.run()
        yield made
    finally:
        made.close()


def command(hub: Hub, *words: str) -> subprocess.Popen[str]:
    """A command of the hub's, running."""
    environment = {**os.environ, "GUARDIA_CONFIG": str(hub.config)}
    return subprocess.Popen(
        [sys.executable, "-m", "bus.command", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_import_goes_on_where_it_was_killed_and_every_row_is_there_once(hub: Hub, tmp_path: Path) -> None:
    file = usual(tmp_path / "metrics.db", ROWS)
    first = command(hub, "import", str(file))
    until(lambda: bool(hub.answer(Range("sample", HOST, 0, 2**62)).records), 30, "rows are stored", hub)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=20)

    second = command(hub, "import", str(file))
    out, err = second.communicate(timeout=90)
    assert second.returncode == 0, err
    assert "the counts agree" in out

    end = NOON + 15 * ROWS * SECOND
    series = hub.answer(Series(HOST, ("cpu.percent",), NOON, end, points=1, aggregates=("count", "max")))
    assert sum(series.columns[0].count) == ROWS
    stored = hub.answer(Range("sample", HOST, NOON, end, 10_000)).records
    times = [read(one.record)[0].at for one in stored]
    assert times == [NOON + 15 * SECOND * n for n in range(ROWS)]
    assert hub.answer(Availability("My-Shop", NOON, NOON + 60 * ROWS * SECOND, 60 * SECOND)).checks == ROWS
    facts = hub.answer(Range("facts", HOST, 0, 2**62)).records
    assert KINDS["facts"].decode(read(facts[0].record)[0].body).kernel == "6.1"

    third = command(hub, "import", str(file), "--again")
    out, err = third.communicate(timeout=90)
    assert third.returncode == 0, err
    assert len(hub.answer(Range("sample", HOST, NOON, end, 10_000)).records) == ROWS, "what is told again is kept once"

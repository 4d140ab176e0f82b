"""Commands about the past, as docs/history.md prints them, against real programs."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bus.messages import Check
from bus.questions import Range
from tests.bus.migration.given import FULL, text
from tests.pipeline.asking import NOON, SECOND, Hub
from tests.pipeline.programs import ROOT, until
from tests.store.importing.given import usual

DOCS = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")
PRINTED = [
    shlex.split(line, comments=True)
    for block in re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("guardia ")
]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A hub that knows a host and a shop since noon of a day in January."""
    made = Hub()
    try:
        made.run()
        for second in range(1, 61):
            made.sample(second)
        for minute in range(10):
            made.web.tell(Check("down" if minute == 5 else "up"), subject="shop", at=NOON + minute * 60 * SECOND)
        made.has(list(range(1, 61)))
        until(lambda: len(made.answer(Range("check", "shop", 0, 2**62)).records) == 10, 20, "checks are stored", made)
        yield made
    finally:
        made.close()


def said(hub: Hub, folder: Path, *words: str, code: int = 0) -> str:
    """What the command prints."""
    environment = {**os.environ, "GUARDIA_CONFIG": str(hub.config), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-m", "bus.command", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert run.returncode == code, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    return run.stdout


@pytest.mark.parametrize("words", PRINTED, ids=" ".join)
def test_every_printed_command_runs(hub: Hub, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text(FULL))
    usual(tmp_path / "metrics.db", 20)
    if words[1] == "check":
        said(hub, tmp_path, "migrate", "config.json", code=0)
    said(hub, tmp_path, *words[1:])


def test_availability_is_counted_from_the_checks(hub: Hub, tmp_path: Path) -> None:
    (row,) = json.loads(said(hub, tmp_path, "sla", "shop", "--month", "2026-01", "--json"))
    assert row["checks"] == 10
    assert (row["up_seconds"], row["down_seconds"]) == (9 * 60 + 120, 60)
    assert row["availability_percent"] == round(100 * 660 / 720, 4)
    assert row["outages"] == 1
    said(hub, tmp_path, "sla", "shop", "--month", "2026-01", "--target", "99", code=1)
    said(hub, tmp_path, "sla", "nothing", code=100)
    said(hub, tmp_path, "sla", "shop", "shpo", code=100)
    said(hub, tmp_path, "sla", "--month", "soon", code=100)


def test_an_export_holds_what_was_measured(hub: Hub, tmp_path: Path) -> None:
    out = said(hub, tmp_path, "export", "--host", "web-*", "--metric", "cpu.*", "--until", "2026-01-31T13:00")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["value"]) for row in rows] == [float(second) for second in range(1, 61)]

    lines = said(hub, tmp_path, "export", "--format", "jsonl", "--host", "web-1", "--since", "2026-01-31T12:00:30")
    assert len(lines.splitlines()) == 31
    steps = said(hub, tmp_path, "export", "--host", "web-1", "--metric", "cpu.percent", "--step", "1m")
    assert [row["max"] for row in csv.DictReader(io.StringIO(steps))] == ["59.0", "60.0"]

    said(hub, tmp_path, "export", "--parquet", "out", "--host", "web-1", "--quiet")
    frame = pd.read_parquet(tmp_path / "out")
    assert sorted(frame[frame.metric == "cpu.percent"].value) == [float(second) for second in range(1, 61)]
    said(hub, tmp_path, "export", "--kind", "check", "--host", "shop", "-o", "checks.csv")
    assert len((tmp_path / "checks.csv").read_text().splitlines()) == 11


def test_an_export_to_where_there_is_no_room_names_what_was_asked_for(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    for words, place in ((("-o", "no/file.csv"), "no/file.csv: no such file"), (("--parquet", "taken"), "taken: ")):
        run = subprocess.run(
            [sys.executable, "-m", "bus.command", "export", "--host", "web-1", *words],
            cwd=tmp_path,
            env={**os.environ, "GUARDIA_CONFIG": str(hub.config), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert run.returncode == 100
        assert run.stderr.splitlines()[-1].startswith(f"guardia export: {place}")


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "sampel"),
        ("--host", "web-1", "--host", "wbe-1"),
        ("--since", "whenever"),
        ("--step", "1m", "--kind", "check"),
        ("-o", "no/such/folder"),
    ],
    ids=" ".join,
)
def test_an_export_that_was_asked_wrongly_says_so(hub: Hub, words: tuple[str, ...], tmp_path: Path) -> None:
    said(hub, tmp_path, "export", *words, code=100)


def test_a_backtest_of_a_host_that_nobody_has_says_so(hub: Hub, tmp_path: Path) -> None:
    rule = ("backtest", "--rule", "host-silent", "--since", "1h")
    said(hub, tmp_path, *rule, "--host", "web-*")
    said(hub, tmp_path, *rule, "--host", "wbe-1", code=100)


def test_without_a_hub_there_is_a_sentence_and_no_traceback(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "guardia.toml").write_text("")
    for words in (("sla",), ("export",)):
        said(hub, tmp_path, *words, "--config", "guardia.toml", code=2)

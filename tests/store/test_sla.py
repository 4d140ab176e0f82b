"""The report on availability, in every form."""

from __future__ import annotations

import argparse
import csv
import io
import json
from typing import Any

import pytest

from bus import calendar
from bus.availability import Kept, WatchedAnswer
from bus.fields import Unfit
from bus.questions import Held, Subject, SubjectList, Subjects, Unanswered
from bus.timing import SECOND
from store import answers, sla
from store.backends.memory import MemoryBackend
from store.sla import main, missed, span, written
from tests.store.given import NOON, batch, check

DAY = 86_400 * SECOND
SHOP = Kept(
    "shop",
    "2026-10",
    0,
    31 * DAY,
    44_000,
    Held("", up=29 * DAY, degraded=DAY // 2, down=3600 * SECOND, unknown=DAY // 2 - 3600 * SECOND, maintenance=DAY),
    (Held("paris", up=30 * DAY, unknown=DAY),),
    ((DAY, DAY + 600 * SECOND), (2 * DAY, 2 * DAY + 3000 * SECOND)),
)
NEW = Kept("till", "2026-10", 0, DAY, whole=Held("", unknown=DAY))


def test_people_get_a_table() -> None:
    heads, shop, till = written([SHOP, NEW], "text").splitlines()
    assert heads.split() == [
        *("SERVICE", "PERIOD", "AVAILABLE", "UP", "KNOWN", "DOWN", "DEGRADED", "UNKNOWN", "MAINTENANCE"),
        *("OUTAGES", "LONGEST"),
    ]
    assert shop.split("  ")[0] == "shop"
    assert "99.859 %" in shop
    assert "1 h 00 min" in shop
    assert shop.endswith("50 min 00 s")
    assert " - " in till, "what nobody knows is no percentage"


def test_programs_get_numbers() -> None:
    (shop,) = json.loads(written([SHOP], "json"))
    assert shop["availability_percent"] == 99.859
    assert shop["down_seconds"] == 3600.0
    assert shop["outage_times"][0] == [86_400.0, 87_000.0]
    assert shop["places"]["paris"]["unknown_seconds"] == 86_400.0
    rows = list(csv.DictReader(io.StringIO(written([SHOP, NEW], "csv"))))
    assert rows[0]["availability_percent"] == "99.859"
    assert rows[1]["availability_percent"] == ""


def test_a_report_gets_markdown_with_its_target() -> None:
    text = written([SHOP, NEW], "md", 99.9)
    assert text.splitlines()[1].startswith("| --- | --- | ---: |")
    assert "| shop | 2026-10 | 99.859 % |" in text
    assert text.endswith("Below the target of 99.9 %: shop (2026-10).\n")
    assert written([SHOP], "text", 99.0).endswith("All kept the target of 99 %.\n")


def test_what_nobody_knows_misses_no_target() -> None:
    assert missed([SHOP, NEW], 99.9) == [SHOP]
    assert missed([SHOP], None) == []


def test_a_second_in_a_year_is_not_a_hundred_percent() -> None:
    almost = Kept("shop", "2026", 0, 365 * DAY, whole=Held("", up=365 * DAY - SECOND, down=SECOND))
    assert "99.999 %  99.999 %  100.0 %" in written([almost], "text")
    gap = Kept("shop", "2026", 0, 365 * DAY, whole=Held("", up=365 * DAY - SECOND, unknown=SECOND))
    assert "99.9 %" in written([gap], "text"), "nor is all of it known"
    (told,) = json.loads(written([almost], "json"))
    assert (told["availability_percent"], told["up_percent"], told["coverage_percent"]) == (99.9999, 99.9999, 100.0)
    (row,) = csv.DictReader(io.StringIO(written([gap], "csv")))
    assert (row["availability_percent"], row["coverage_percent"]) == ("100.0", "99.9999")


def test_on_a_narrow_terminal_columns_are_left_out_and_named_first_those_with_nothing_in_them() -> None:
    quiet = Kept("shop", "2026", 0, 365 * DAY, whole=Held("", up=364 * DAY, degraded=DAY))
    for found, without in (([SHOP], "DEGRADED"), ([quiet], "MAINTENANCE")):
        heads, row, _, note = written(found, "text", width=60).splitlines()
        assert max(len(heads), len(row)) <= 60
        assert note.startswith("Not shown, for want of width: ")
        assert without in note
        assert without not in heads
        assert heads.split()[:3] == ["SERVICE", "PERIOD", "AVAILABLE"]
    assert "DEGRADED" in written([quiet], "text", width=80).splitlines()[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (3599, "59 min 59 s"), (3900, "1 h 05 min"), (273_600, "3 d 04 h")],
)
def test_lengths_are_said_as_people_do(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize("distance", ["0s", "500ms", "401d", "104166d"])
def test_a_distance_of_checks_that_nobody_keeps_is_refused(distance: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--interval", distance])
    assert ended.value.code == 100
    assert f"--interval: {distance!r} is no distance of checks: from 1s to 400d" in capsys.readouterr().err


def test_a_service_that_was_checked_more_often_once_is_asked_for_in_smaller_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "MOST_CHECKS", 50)
    backend = MemoryBackend(None, write=True)
    times = [NOON + n * 5 * SECOND for n in range(2000)]
    backend.commit(batch([check(n, "down" if 500 <= n < 800 else "up", at=at) for n, at in enumerate(times)]), NOON)
    month = calendar.month("2026-01", "UTC")
    given = argparse.Namespace(service=[], interval=None)
    (kept,) = sla._kept(
        lambda question: _asked(backend, question), WatchedAnswer(), given, [("2026-01", *month)], month[1]
    )
    assert kept.checks == 2000
    assert kept.whole.down == 300 * 5 * SECOND
    assert kept.outages == ((times[500], times[800]),)
    assert sum((kept.whole.up, kept.whole.down, kept.whole.unknown)) == month[1] - month[0]
    with pytest.raises(Unanswered, match="is away"):
        list(sla._kept(_away, WatchedAnswer(), given, [("2026-01", *month)], month[1]))


def _asked(backend: MemoryBackend, question: Any) -> Any:
    try:
        return answers.answer(backend, question)
    except Unfit as refusal:
        raise Unanswered(f"the store does not answer this: {refusal}") from None


def _away(question: Any) -> Any:
    if isinstance(question, Subjects):
        return SubjectList((Subject("shop", NOON, NOON, NOON),))
    raise Unanswered("the store is away")

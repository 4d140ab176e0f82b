"""The account of all producers on a terminal and for programs."""

from __future__ import annotations

import json

import pytest

from bus.questions import Accounted, GapEntry
from store.audit import UNKNOWN, as_json, as_text, main, missing
from tests.store.given import NOON

WEB = Accounted("web-1", 0, NOON, 100, 97, 4, 1, 2, 0, {"dropped": 2}, (GapEntry(NOON, 7, 3, 4, "dropped"),))
DB = Accounted("db-1", 0, NOON, 50, 45, 0, 0, 0, 5)


def test_the_table_has_a_line_for_each_and_a_sentence_for_all() -> None:
    assert as_text([DB, WEB]).splitlines() == [
        "PRODUCER  SENT  STORED  DOUBLE  REJECTED  LOST  WAITING  WHY",
        "db-1        50      45       0         0     0        5",
        "web-1      100      97       4         1     2        0  2 dropped",
        "",
        "2 producers sent 150 messages since they were first heard: 3 lost or rejected, 5 under way.",
    ]


def test_programs_get_the_ledger_too() -> None:
    found = json.loads(as_json([WEB], NOON, NOON + 10**9))

    assert (found["lost"], found["end"] - found["start"]) == (3, 1.0)
    assert found["producers"][0]["gaps"] == [
        {"at": NOON / 1e9, "epoch": "0000000000000007", "first": 3, "last": 4, "why": "dropped"}
    ]


def test_what_is_missing_was_lost_or_rejected_and_is_not_under_way() -> None:
    assert missing([WEB, DB]) == 3


def test_without_a_hub_the_command_says_so(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path_factory.mktemp("home")))

    assert main(["gaps"]) == UNKNOWN
    assert "the hub is not running here" in capsys.readouterr().err

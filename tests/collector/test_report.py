"""Refusals are told to the log, and left for ``guardia status``."""

from __future__ import annotations

from pathlib import Path

from bus.refused import FILES, Refused, read
from collector.refusals import Refusals, Report

NOON = 1_769_860_800 * 10**9


def test_who_was_refused_stands_in_the_log_and_in_the_file(tmp_path: Path) -> None:
    refusals, said = Refusals(clock=lambda: NOON), list[str]()
    report = Report(refusals, said.append, tmp_path)
    refusals.count("rate", "web-7", "more than 20,000 messages a second", 5)
    report.tell()
    refusals.count("rate", "web-7", "more than 20,000 messages a second", 2)
    report.tell()

    assert len(said) == 2
    assert read(tmp_path) == [Refused("rate", "web-7", 7, NOON, "more than 20,000 messages a second")]


def test_the_file_is_left_alone_while_nobody_is_refused_and_says_nothing_of_an_earlier_life(tmp_path: Path) -> None:
    (tmp_path / FILES.format("collector")).write_text(
        '[{"reason": "rate", "sender": "web-7", "count": 1, "at": 1, "text": ""}]'
    )
    report = Report(Refusals(), lambda line: None, tmp_path)
    report.tell()
    assert read(tmp_path) == []
    (tmp_path / FILES.format("collector")).unlink()
    report.tell()
    assert not (tmp_path / FILES.format("collector")).exists()

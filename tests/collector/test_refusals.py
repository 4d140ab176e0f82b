"""Refusals are counted to the last one and told in few words."""

from __future__ import annotations

from pathlib import Path

from bus.refused import FILES, Refused, read
from collector.refusals import MOST_REMEMBERED, MOST_SENDERS, Refusals, Report

NOON = 1_769_860_800 * 10**9


def test_a_report_names_the_reason_the_busiest_senders_and_an_example() -> None:
    refusals = Refusals()
    for sender, count in (("10.0.0.1", 5), ("10.0.0.2", 3), ("10.0.0.3", 2), ("10.0.0.4", 1)):
        refusals.count("magic", sender, "starts with b'GE', not with b'G1'", count)
    told: list[str] = []

    refusals.report_to(told.append)

    assert told == [
        "refused 11 frames, magic, from 10.0.0.1 (5), 10.0.0.2 (3), 10.0.0.3 (2) and 1 others: "
        "starts with b'GE', not with b'G1'"
    ]


def test_what_was_told_is_not_told_again_but_stays_counted() -> None:
    refusals = Refusals()
    refusals.count("checksum", "10.0.0.1", "the checksum does not hold")
    told: list[str] = []
    refusals.report_to(told.append)
    refusals.report_to(told.append)

    assert len(told) == 1
    assert refusals.readings() == {"refused[checksum].frames_total": 1.0}


def test_a_flood_of_senders_takes_bounded_memory_and_loses_no_count() -> None:
    refusals = Refusals()
    for number in range(3 * MOST_SENDERS):
        refusals.count("magic", f"sender-{number}", "no magic")
    told: list[str] = []
    refusals.report_to(told.append)

    assert told[0].startswith(f"refused {3 * MOST_SENDERS} frames, magic, from others ({2 * MOST_SENDERS})")
    assert refusals.totals["magic"] == 3 * MOST_SENDERS


def test_what_is_remembered_is_bounded_and_whoever_must_go_joins_the_others() -> None:
    refusals = Refusals(clock=lambda: 12)
    for number in range(3 * MOST_REMEMBERED):
        refusals.count("magic", f"sender-{number}", "no magic")
        refusals.count("rate", "web-7", "too fast")
        refusals.report_to(lambda line: None)

    rows = {(row.reason, row.sender): row.count for row in refusals.lasting()}
    assert len(rows) == MOST_REMEMBERED
    assert rows["rate", "web-7"] == 3 * MOST_REMEMBERED
    assert sum(n for (reason, _), n in rows.items() if reason == "magic") == 3 * MOST_REMEMBERED
    assert rows["magic", "others"] == 3 * MOST_REMEMBERED - (MOST_REMEMBERED - 2)


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

"""Timelines of an operator's own: what is expected happens, and what is not is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerter import timelines
from alerter.rules import Rule
from alerter.timelines import Expected, Said, Timeline, faults, happened
from tests.alerter.given import rule

RULES = """
[[rules]]
name = "busy"
when = "cpu.percent > 90"
for = "5m"
clear = "cpu.percent < 80"
"""
LOAD = """
[[timelines]]
name = "five minutes of load are told"
host = "web-1"
lasts = "20m"
readings = [
    { at = "0s", values = { "cpu.percent" = 95 } },
    { at = "10m", values = { "cpu.percent" = 20 } },
]
"""
EXPECTED = """expect = [
    { at = "5m", rule = "busy", state = "firing" },
    { at = "10m", rule = "busy", state = "resolved" },
]
"""


def tried(folder: Path, text: str, *words: str) -> int:
    (folder / "guardia.toml").write_text("")
    (folder / "rules.toml").write_text(text)
    return timelines.main([str(folder / "rules.toml"), "--config", str(folder / "guardia.toml"), *words])


def test_what_is_expected_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES + LOAD + EXPECTED) == 0
    assert capsys.readouterr().out == "ok      five minutes of load are told\n"


def test_what_happens_otherwise_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES + LOAD + EXPECTED.replace('"5m"', '"2m"'), "--json") == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["faults"] == ["busy is not firing at 2m, but at 5m"]


def test_nothing_else_may_happen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES + LOAD) == 1
    assert "busy is firing at 5m, unexpected" in capsys.readouterr().out


def test_one_of_two_of_a_name_that_fails_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES + LOAD + EXPECTED.replace('"5m"', '"2m"') + LOAD + EXPECTED) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[0] != " "] == ["FAILED", "ok"]


def test_a_rule_that_there_is_not_is_told_with_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES + LOAD + 'expect = [{ at = "5m", rule = "bussy", state = "firing" }]') == 1
    assert "there is no rule bussy; did you mean busy?" in capsys.readouterr().out


def test_silence_and_services_have_timelines_too(tmp_path: Path) -> None:
    silent = LOAD.replace('values = { "cpu.percent" = 20 }', "silent = true").replace("95", "10")
    silent += 'expect = [{ at = "11m50s", rule = "host-silent", state = "firing" }]\n'
    shop = """
[[timelines]]
name = "the shop is down for a while"
service = "shop"
lasts = "10m"
readings = [{ at = "0s", status = "up" }, { at = "3m", status = "down" }, { at = "6m", status = "up" }]
expect = [
    { at = "3m", rule = "service-down", state = "firing" },
    { at = "6m", rule = "service-down", state = "resolved" },
]
"""
    assert tried(tmp_path, silent + shop) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (LOAD.replace('host = "web-1"', ""), "nobody"),
        (LOAD.replace('"10m"', '"-1s"'), "readings"),
        (LOAD.replace("readings", "reading"), "did you mean readings?"),
        (LOAD.partition("readings")[0], "at least one"),
        (LOAD.replace('at = "0s"', 'at = "11m"'), "times that go back"),
        (LOAD.replace('{ at = "0s", values', '{ at = "0s", places = { rome = "dwon" }, values'), '"dwon" from rome'),
        (LOAD + 'expect = [{ at = "5m", rule = "busy", state = "burning" }]', "firing"),
        (
            LOAD + 'expect = [{ at = "30h", rule = "busy", state = "firing" }]',
            "lasts: found 20m, expected at least 30h, when something is expected",
        ),
        (LOAD.replace('"10m"', '"30m"'), "lasts: found 20m, expected at least 30m, when something is said"),
        (LOAD.replace('host = "web-1"', 'service = "shop"'), "readings: found values of a service, expected what its"),
        (
            LOAD.replace('values = { "cpu.percent" = 20 }', 'status = "down"'),
            "readings: found what checks find, of a host, expected its values",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told(
    tmp_path: Path, text: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tried(tmp_path, text) == 100
    assert told in capsys.readouterr().err


def test_a_file_without_timelines_tries_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, RULES) == 1
    assert "nothing was tried" in capsys.readouterr().err


def events(timeline: Timeline, *rules: Rule) -> list[tuple[float, str, str, str]]:
    return happened(timeline, rules, (), ())


def test_what_grows_does_so_from_when_it_is_said_and_each_instance_has_its_alarm() -> None:
    said = (
        Said(at=0.0, values={"disk[/].percent": 10.0, "disk[/home].percent": 50.0}),
        Said(at=60.0, values={"disk[/].percent": 80.0, "disk[/home].percent": 50.0}, grows={"disk[/].percent": 0.5}),
    )
    timeline = Timeline(name="fills", host="web-1", lasts=200.0, readings=said)
    assert events(timeline, rule("disk[*].percent > 90", name="full")) == [(90.0, "full", "/", "firing")]


def test_a_host_says_it_so_often_and_once_it_is_silent_nothing_more() -> None:
    said = Said(at=0.0, values={"cpu.percent": 95.0}), Said(at=61.0, silent=True)
    timeline = Timeline(name="silent", host="web-1", lasts=300.0, every=30.0, readings=said)
    found = events(timeline, rule("cpu.percent > 90", name="thrice", times=3), rule("age > 2m", name="silent"))
    assert found == [(60.0, "thrice", "", "firing"), (181.0, "silent", "", "firing")]


def test_a_service_is_seen_from_places_with_its_certificate_and_its_time() -> None:
    rules = (
        rule("service.state == down", name="down"),
        rule("tls.days < 14", name="ends"),
        rule("response.ms > 1000", name="slow"),
        rule("service.state == degraded", name="meagre"),
    )
    said = (
        Said(at=0.0, places={"paris": "up", "rome": "down", "oslo": "up"}, ms=1000.0, days=14),
        Said(at=60.0, places={"paris": "down", "rome": "down", "oslo": "up"}, ms=1001.0, days=13),
        Said(at=120.0, status="degraded"),
    )
    found = events(Timeline(name="shop", service="shop", lasts=130.0, readings=said[:2]), *rules)
    assert sorted(found) == [(60.0, "down", "", "firing"), (60.0, "ends", "", "firing"), (60.0, "slow", "", "firing")]
    alone = Timeline(name="shop", service="shop", lasts=130.0, readings=said[2:])
    assert events(alone, *rules) == [(120.0, "meagre", "", "firing")]


@pytest.mark.parametrize(
    ("late", "told"),
    [
        (0.0, []),
        (10.0, []),
        (11.0, ["busy is not firing at 1m, but at 71s"]),
        (-1.0, ["busy is not firing at 1m, but at 59s"]),
    ],
)
def test_a_moment_may_be_as_late_as_the_next_word_and_no_sooner(late: float, told: list[str]) -> None:
    expected = (Expected(at=60.0, rule="busy", state="firing"),)
    timeline = Timeline(name="busy", host="web-1", lasts=200.0, readings=(Said(at=0.0),), expect=expected)
    assert faults(timeline, [(60.0 + late, "busy", "", "firing")]) == told


def test_each_event_is_expected_once_and_of_its_rule_and_instance() -> None:
    expected = Expected(at=0.0, rule="full", state="firing", instance="/home")
    timeline = Timeline(name="full", host="web-1", lasts=200.0, readings=(Said(at=0.0),), expect=(expected,))
    happening = (0.0, "full", "/home", "firing")
    assert faults(timeline, [happening]) == []
    assert faults(timeline, [happening, happening]) == ["full [/home] is firing at the beginning, unexpected"]
    assert faults(timeline, [(0.0, "full", "/", "firing")]) == [
        "full [/home] is not firing at the beginning",
        "full [/] is firing at the beginning, unexpected",
    ]
    assert faults(timeline, []) == ["full [/home] is not firing at the beginning"]

"""Timelines of an operator's own: what is expected happens, and what is not is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alerter import timelines

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
        (LOAD + 'expect = [{ at = "5m", rule = "busy", state = "burning" }]', "firing"),
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

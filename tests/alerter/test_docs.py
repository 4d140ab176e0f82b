"""The pages for operators: what stands there as an example works, and what stands in tables is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from alerter import backtest, templates, timelines
from alerter.channels import CHANNELS
from alerter.rules import DEFAULTS, in_force
from alerter.terms import condition
from bus import rooms
from bus.command import COMMANDS, main
from bus.config import Settings

DOCS = Path(__file__).parents[2] / "docs"
ALERTING, CHANNELS_PAGE = DOCS / "alerting.md", DOCS / "channels.md"
BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)


def blocks(page: Path) -> list[str]:
    """The examples in TOML of a page."""
    return BLOCK.findall(page.read_text())


def section(page: Path, heading: str) -> str:
    """The text below a heading."""
    return page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def cells(text: str, place: int = 0) -> list[str]:
    """What stands in back-ticks in a column of the tables in ``text``."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row[place])]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration that holds every example but the timelines, with the secrets that they name."""
    examples = [one for page in (ALERTING, CHANNELS_PAGE) for one in blocks(page) if "[[timelines]]" not in one]
    for name in ("SLACK_URL", "PAGERDUTY_KEY"):
        monkeypatch.setenv(name, "https://hooks.example/T0/B0")
    secret = tmp_path / "mail.password"
    secret.write_text("s3same\n")
    secret.chmod(0o600)
    tables: dict[str, list[str]] = {}
    for example in examples:
        # A table may be shown in parts.
        for part in re.split(r"(?m)^(?=\[)", example):
            head, _, rest = part.partition("\n")
            tables.setdefault(head if not head.startswith("[[") else part, []).append(rest)
    file = tmp_path / "guardia.toml"
    file.write_text("\n".join(f"{head.partition(chr(10))[0]}\n{''.join(rest)}" for head, rest in tables.items()))
    return file


def settings(file: Path) -> Settings:
    """What the examples say."""
    return rooms.load(file)


def test_all_examples_together_are_a_configuration(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(hub)]) == 0, capsys.readouterr()
    found = settings(hub)
    assert {"ops", "mail", "boss"} <= set(found["channels"])
    assert "load-high" in {one.name for one in in_force(found["rules"], found["hosts"])}


def test_the_timelines_that_are_shown_hold(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [one for page in (ALERTING, CHANNELS_PAGE) for one in blocks(page) if "[[timelines]]" in one]
    assert len(shown) >= 2
    for number, text in enumerate(shown):
        file = hub.parent / f"timelines-{number}.toml"
        file.write_text(text)
        assert timelines.main([str(file), "--config", str(hub)]) == 0, capsys.readouterr()


def test_each_condition_that_is_shown_can_be_judged() -> None:
    shown = [one for one in cells(section(ALERTING, "Conditions")) if "..." not in one and "(" not in one[:1]]
    assert len(shown) >= 10
    for text in shown:
        if any(sign in text for sign in "<>="):
            condition(text)


def test_the_rules_that_are_listed_are_those_that_are_brought() -> None:
    assert cells(section(ALERTING, "Rules that are there from the beginning")) == [
        word for one in DEFAULTS for word in [one.name]
    ]
    conditions = cells(section(ALERTING, "Rules that are there from the beginning"), 1)
    assert set(conditions) <= {one.when for one in DEFAULTS}


def test_the_types_and_the_fields_that_are_listed_are_those_that_there_are() -> None:
    assert cells(section(CHANNELS_PAGE, "Types")) == list(CHANNELS)
    listed = re.findall(r"`\{(\w+)\}`", section(CHANNELS_PAGE, "Words of your own"))
    assert listed == list(templates.FIELDS)


def test_every_command_that_is_shown_takes_these_words(capsys: pytest.CaptureFixture[str]) -> None:
    text = ALERTING.read_text() + CHANNELS_PAGE.read_text()
    shown = set(re.findall(r"guardia ([a-z]+(?: (?:add|list|end|test|alert|stats|verify))?)", text))
    assert {"why", "alerts", "ack", "rules", "rules test", "backtest", "silence add", "drill alert"} <= shown
    for words in sorted(shown):
        assert words in COMMANDS, words
        options = {one for one in re.findall(rf"guardia {words} [^`\n]*", text) for one in re.findall(r"--[a-z]+", one)}
        main([*words.split(), "--help"])
        helped = capsys.readouterr().out
        assert options <= set(re.findall(r"--[a-z]+", helped)), words


def test_a_rule_file_is_read_as_the_page_says(tmp_path: Path) -> None:
    file = tmp_path / "tried.toml"
    file.write_text(blocks(ALERTING)[0])
    (rule,) = backtest.rules_in(file)["rules"]
    assert (rule.name, rule.for_) == ("load-high", 600.0)

"""The table ``[agent]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import RESERVED, Agent, Scrape
from agent.metrics import METRICS, found
from alerter.terms import DERIVED, SERVICE_GROUPS, SERVICE_METRICS
from bus import config
from bus.config import ConfigError


def faults(tmp_path: Path, table: str) -> str:
    file = tmp_path / "guardia.toml"
    file.write_text("[agent]\n" + table)
    with pytest.raises(ConfigError) as caught:
        config.load(file, {"agent": Agent})
    return str(caught.value)


def test_an_empty_table_is_right(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text("[agent]\n")
    assert config.load(file, {"agent": Agent})["agent"] == Agent()


def test_all_faults_are_told_at_once_with_the_nearest_right_word(tmp_path: Path) -> None:
    text = faults(tmp_path, 'intervall = 5\nname = "web 1"\nskip_metrics = ["temprature"]\nprocess_count = 0\n')
    for part in ("did you mean interval?", '"web 1"', "did you mean temperature?", "from 1 to 100"):
        assert part in text


def test_the_hubs_own_names_are_taken(tmp_path: Path) -> None:
    assert "does not start with guardia." in faults(tmp_path, 'name = "guardia.api"\n')


def scrapes(tmp_path: Path, text: str) -> str:
    """What is wrong with such a configuration; empty where nothing is."""
    file = tmp_path / "guardia.toml"
    file.write_text(text)
    try:
        config.load(file, {"agent": Agent}, {"scrapes": Scrape})
    except ConfigError as error:
        return str(error).replace(str(file), "")
    return ""


def test_a_scrape_is_a_name_and_an_address(tmp_path: Path) -> None:
    assert scrapes(tmp_path, '[[scrapes]]\nname = "shop"\nurl = "http://127.0.0.1:9000"\n') == ""


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        ('url = "http://127.0.0.1:9000"', ":1: [[scrapes]] name: found nothing, expected a name of letters"),
        ('name = "sh-op"\nurl = "http://a"', ':2: [[scrapes]] name: found "sh-op", expected a name of letters'),
        ('name = "cpu"\nurl = "http://a"', ':2: [[scrapes]] name: found "cpu", which other metrics are called'),
        ('name = "a"\nurl = "ftp://a"', ':3: [[scrapes]] url: found "ftp://a", expected an address such as http'),
        ('name = "a"\nurl = "http://a:x/"', ":3: [[scrapes]] url: found what is no address, expected one such as"),
        ('name = "a"\nurl = "http://anna:s3cret@a"', "found an address with a password in it, expected user = ..."),
        (
            'name = "a"\nurl = "http://10.1.1.1"\ntoken = "file:token"',
            "http to another machine, with a secret, expected https",
        ),
        (
            'name = "a"\nurl = "http://a"\nkeeps = ["x"]',
            "keeps: found an unknown setting, expected a setting of [[scrapes]]",
        ),
        ('name = "a"\nurl = "https://a"\nuser = "anna"', "password: found nothing, expected the password of the user"),
        (
            'name = "a"\nurl = "https://a"\npassword = "file:token"',
            "user: found nothing, expected whose password it is",
        ),
        (
            'name = "a"\nurl = "https://a"\ntoken = "s3cret"',
            "token: found the secret itself, expected ${NAME} or file:PATH",
        ),
        (
            'name = "a"\nurl = "http://a"\n[[scrapes]]\nname = "a"\nurl = "http://b"',
            ':5: [[scrapes]] name: found "a" a second time, after line 2, expected each name once',
        ),
    ],
)
def test_what_is_wrong_with_a_scrape_says_where(tmp_path: Path, table: str, fault: str) -> None:
    (tmp_path / "token").write_text("s3cret")
    (tmp_path / "token").chmod(0o600)
    told = scrapes(tmp_path, f"[[scrapes]]\n{table}\n")
    assert fault in told
    assert "s3cret" not in told


def test_no_scrape_is_called_as_what_agents_or_rules_have_already() -> None:
    names = [name for metric in METRICS for name in found(metric).fields]
    names += ["plugin[*].x", "scrape[*].x", "spool.bytes", *SERVICE_METRICS, *SERVICE_GROUPS]
    names += [name for name in DERIVED if "." in name]
    assert {name.partition(".")[0].partition("[")[0] for name in names} == RESERVED

"""What seldom changes about the host."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from agent.facts import FactsOfHost, News, boot_time, cpu_model, memory_total, os_release, same
from bus.messages import Facts

NOON = 43_200.0
WEB_1 = Facts(host_name="web-1", kernel="6.1", boot_time=1000.0, memory_total=2**34)


def test_the_name_of_the_system_is_read() -> None:
    text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n# x\n'
    assert os_release(text) == ("Debian GNU/Linux", "12")


def test_a_rolling_system_has_a_build_instead_of_a_version() -> None:
    assert os_release("NAME='Arch Linux'\nBUILD_ID=rolling\n") == ("Arch Linux", "rolling")


def test_a_system_without_the_file_has_neither() -> None:
    assert os_release("") == (None, None)


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC  7713\n", "AMD EPYC 7713"),
        ("processor : 0\nBogoMIPS : 108.00\n\nModel\t\t: Raspberry Pi 4 Model B\n", "Raspberry Pi 4 Model B"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", None),
    ],
)
def test_each_architecture_names_its_processor_otherwise(text: str, model: str | None) -> None:
    assert cpu_model(text) == model


def test_memory_is_told_in_bytes() -> None:
    assert memory_total("MemTotal:       16384 kB\nMemFree:        5 kB\n") == 2**24
    assert memory_total("") == 0


def test_the_boot_is_a_time() -> None:
    assert boot_time("cpu  1 2 3\nbtime 1700000000\nprocesses 7\n") == 1_700_000_000.0
    assert boot_time("cpu  1 2 3\n") is None


def test_facts_are_news_at_first_after_a_change_and_after_an_hour() -> None:
    news = News(3600)
    assert news.worth(WEB_1, NOON)
    news.told(WEB_1, NOON)
    assert not news.worth(WEB_1, NOON + 9)
    assert news.worth(dataclasses.replace(WEB_1, kernel="6.2"), NOON + 9)
    assert news.worth(WEB_1, NOON + 3600)


def test_facts_are_told_again_soon_and_then_ever_more_seldom() -> None:
    news, told = News(3600), []
    for second in range(0, 4 * 3600, 10):
        if news.worth(WEB_1, NOON + second):
            news.told(WEB_1, NOON + second)
            told.append(second)
    assert told[:5] == [0, 10, 30, 70, 150]
    assert all(after - before == 3600 for before, after in itertools.pairwise(told[-2:]))


def test_a_clock_that_is_set_right_does_not_make_news() -> None:
    assert same(WEB_1, dataclasses.replace(WEB_1, boot_time=1001.0))
    assert not same(WEB_1, dataclasses.replace(WEB_1, boot_time=90_000.0))


def test_this_machine_has_facts() -> None:
    facts = FactsOfHost(interval=1.0, version="0.1.0").read()
    assert facts.cpu_count > 0
    assert facts.memory_total > 2**20
    assert facts.kernel
    assert facts.boot_time is not None
    assert (facts.interval, facts.version) == (1.0, "0.1.0")

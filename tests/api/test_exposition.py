"""The text format of Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Generator
from typing import TypeVar

from api.directory import Directory
from api.exposition import exposition, family_of
from api.live import Live
from api.turns import in_turns
from api.views.gaps import counters
from api.views.hosts import servers_text
from bus.messages import Layout, Sample
from bus.questions import Accounted, GapsAnswer
from bus.tables import Host
from tests.api.given import FACTS, NOON, SECOND, heard, present, reading

T = TypeVar("T")
LINE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)\{([a-z]+="(?:[^"\\\n]|\\[\\n"])*"(?:,[a-z]+="(?:[^"\\\n]|\\[\\n"])*")*)\} (\S+)\Z'
)


def whole(work: Generator[None, None, T]) -> T:
    """What it returns, done at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: T = end.value
            return found


def text(live: Live, now: int = NOON) -> str:
    return whole(exposition(present(live, Directory.of([Host("db-1")]), now)))


def full() -> Live:
    live = Live()
    for subject in ("web-1", "guardia.collector"):
        for message in reading():
            live.hear(heard(message, subject=subject))
    return live


def test_every_line_follows_the_format_and_each_family_is_declared_once_before_its_lines() -> None:
    declared: list[str] = []
    for line in text(full()).splitlines():
        if line.startswith("# TYPE "):
            declared.append(line.split()[2])
            continue
        match = LINE.match(line)
        assert match, line
        float(match[3])
        assert match[1] == declared[-1]
    assert len(declared) == len(set(declared))
    assert declared == sorted(declared)


def test_a_metric_keeps_its_name_and_its_instance_becomes_a_label() -> None:
    lines = text(full()).splitlines()
    assert 'guardia_cpu_percent{host="web-1"} 12.5' in lines
    assert 'guardia_disk_percent{host="web-1",instance="/"} 40' in lines
    assert 'guardia_memory_used{host="web-1"} 2000000000' in lines
    assert 'guardia_hub_cpu_percent{program="guardia.collector"} 12.5' in lines


def test_no_host_tells_what_the_hub_does_and_none_tells_a_line_twice() -> None:
    live = full()
    forged = {"hub.up": 0.0, "hub.cpu_percent": 99.0, "messages.lost": 7.0, "last.seen_seconds": 1.0, "a.b_c": 1.0}
    for message in reading({**forged, "a_b.c": 2.0, "hub.queue": 5.0}):
        live.hear(heard(message, subject="web-1"))
    account = Accounted("web-1", NOON, NOON, 1, 1, 0, 0, 0, 0)
    lines = whole(exposition(present(live), counters(GapsAnswer((account,))))).splitlines()
    told = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(told) == len(set(told))
    for family in ("hub_up", "hub_cpu_percent", "messages_lost"):
        assert f'guardia_{family}{{host="web-1"}}' not in told
    assert 'guardia_last_seen_seconds{host="web-1"} 1' not in lines
    assert 'guardia_a_b_c{host="web-1"} 1' in lines
    assert 'guardia_hub_queue{host="web-1"} 5' in lines


def test_a_missing_reading_has_no_line() -> None:
    assert "nvme" not in text(full())


def test_whether_a_host_is_up_is_always_told_even_of_one_never_seen() -> None:
    lines = text(full()).splitlines()
    assert 'guardia_up{host="web-1"} 1' in lines
    assert 'guardia_up{host="db-1"} 0' in lines


def test_old_values_are_not_shown_as_new() -> None:
    later = text(full(), NOON + 600 * SECOND)
    assert 'guardia_up{host="web-1"} 0' in later
    assert "guardia_cpu_percent" not in later
    assert 'guardia_hub_up{program="guardia.collector"} 0' in later
    assert "guardia_hub_cpu_percent" not in later
    assert 'guardia_hub_up{program="guardia.collector"} 1' in text(full(), NOON + 30 * SECOND)


def test_quotes_and_backslashes_in_an_instance_are_escaped() -> None:
    live = Live()
    layout = Layout(('disk[/a"b\\c].percent',))
    live.hear(heard(layout))
    live.hear(heard(Sample(layout.id, (1.0,))))
    assert 'instance="/a\\"b\\\\c"' in text(live)


def test_odd_characters_in_names_become_underscores() -> None:
    assert family_of("queue.depth.max") == ("queue_depth_max", "")
    assert family_of("net[eth0].rx_bytes_per_s") == ("net_rx_bytes_per_s", ',instance="eth0"')


def test_the_accounts_of_producers_stand_there_too_and_what_only_grows_is_a_counter() -> None:
    account = Accounted("web-1", 0, NOON, sent=10, stored=7, duplicates=1, rejected=0, lost=3, waiting=0)
    lines = whole(exposition(present(Live()), counters(GapsAnswer((account,))))).splitlines()

    assert 'guardia_messages_lost{source="web-1"} 3' in lines
    assert 'guardia_messages_sent_total{source="web-1"} 10' in lines
    assert "# TYPE guardia_messages_lost gauge" in lines
    assert "# TYPE guardia_messages_stored_total counter" in lines


def test_it_is_told_host_by_host_whoever_comes_and_goes_meanwhile() -> None:
    live = full()
    work = exposition(present(live, Directory.of([Host("db-1")])))
    next(work)
    live.hear(heard(FACTS, subject="web-9"))
    live.forget(lambda name, _: name == "web-1")
    told = whole(work)
    assert 'guardia_up{host="db-1"} 0' in told
    assert 'guardia_hub_up{program="guardia.collector"} 1' in told
    assert "web-9" not in told


def test_a_list_of_hosts_is_made_host_by_host_whoever_comes_and_goes_meanwhile() -> None:
    live = full()
    directory = Directory.of([Host("db-1")])
    work = servers_text(present(live, directory))
    next(work)
    live.hear(heard(FACTS, subject="web-9"))
    live.forget(lambda name, _: name == "web-1")
    told = json.loads(whole(work))
    assert [one["server_id"] for one in told["servers"]] == ["db-1", "web-1"]
    assert told["count"] == 2


def test_others_get_their_turn_between_the_steps_of_long_work() -> None:
    said: list[str] = []

    def work() -> Generator[None, None, str]:
        for number in range(3):
            said.append(f"step {number}")
            yield
        return "done"

    async def another() -> None:
        for _ in range(3):
            said.append("another")
            await asyncio.sleep(0)

    async def both() -> str:
        beside = asyncio.ensure_future(another())
        found = await in_turns(work(), seconds=-1.0)
        await beside
        return found

    assert asyncio.run(both()) == "done"
    assert said == ["step 0", "another", "step 1", "another", "step 2", "another"]
    assert asyncio.run(in_turns(work())) == "done"

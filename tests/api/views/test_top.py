"""Which hosts are highest, where there are many."""

from __future__ import annotations

import time
import tracemalloc

from api.live import Live
from api.views.top import Candidate, Highest, compared, matching
from bus.messages import Layout, Sample
from tests.api.given import NOON, heard, present, reading


def test_hosts_that_each_have_a_layout_of_their_own_are_compared_at_once() -> None:
    live, hosts = Live(), [f"web-{number}" for number in range(600)]
    for host in hosts:
        for message in reading({f"disk[/srv/{host}].percent": 90.0}):
            live.hear(heard(message, subject=host))
    globs = ("disk[/srv/*].percent", *(f"*s*r*c*z{number}" for number in range(49)))
    began = time.process_time()
    for _ in range(2):
        highest = Highest(600)
        for _ in compared(highest, present(live), hosts, globs):
            pass
        assert [one.host for one in highest.found()] == sorted(hosts)
    assert time.process_time() - began < 1


def test_layouts_that_a_host_had_are_not_held() -> None:
    tracemalloc.start()
    try:
        for turn in range(400):
            live = Live()
            layout = Layout(tuple(f"invented.x{turn}_{place}" for place in range(200)))
            for message in (layout, Sample(layout.id, (1.0,) * 200)):
                live.hear(heard(message, at=NOON))
            assert matching(live, "web-1", ("invented.x*_7",)) == 1
        assert tracemalloc.get_traced_memory()[0] < 6_500_000, "all would be 10 MB"
    finally:
        tracemalloc.stop()


def test_the_highest_are_looked_for_host_by_host_whoever_comes_and_goes_meanwhile() -> None:
    live = Live()
    for place, host in enumerate(("db-1", "web-1", "web-2")):
        for message in reading({"cpu.percent": 10.0 * place}):
            live.hear(heard(message, subject=host))
    highest = Highest(5)
    work = compared(highest, present(live), ("db-1", "web-1", "web-2"), ("cpu.percent",))
    next(work)
    live.forget(lambda name, _: name == "web-1")
    assert list(work) == [None] * 2
    assert [(one.host, one.value) for one in highest.found()] == [("web-2", 20.0), ("db-1", 0.0)]


def test_many_more_than_are_wanted_cost_no_more_than_a_look_at_each() -> None:
    hosts = [
        [Candidate(float((place * 7919 + host) % 997), f"web-{host}", f"a.x{place}") for place in range(100)]
        for host in range(1000)
    ]
    highest = Highest(1000)
    began = time.process_time()
    for host in hosts:
        highest.offer(host)
    found = highest.found()
    assert time.process_time() - began < 1
    assert found == sorted((one for host in hosts for one in host), key=lambda one: (-one.value, *one[1:3]))[:1000]

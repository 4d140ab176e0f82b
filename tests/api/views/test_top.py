"""Which hosts are highest, where there are many."""

from __future__ import annotations

import time
import tracemalloc

from api.health import Limits
from api.live import Live
from api.views.top import matching, newest
from bus.messages import Layout, Sample
from tests.api.given import NOON, heard, reading


def test_hosts_that_each_have_a_layout_of_their_own_are_compared_at_once() -> None:
    live, hosts = Live(), [f"web-{number}" for number in range(600)]
    for host in hosts:
        for message in reading({f"disk[/srv/{host}].percent": 90.0}):
            live.hear(heard(message, subject=host))
    globs = ("disk[/srv/*].percent", *(f"*s*r*c*z{number}" for number in range(49)))
    began = time.process_time()
    for _ in range(2):
        assert [one.host for one in newest(live, hosts, globs, NOON, Limits())] == hosts
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

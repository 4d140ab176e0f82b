"""Which hosts are highest, where there are many."""

from __future__ import annotations

import time

from api.health import Limits
from api.live import Live
from api.views.top import newest
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

"""Settings that a running program does not take up are named in its log when they change, and others are not."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest

from tests.pipeline.programs import Programs, until

MORE = """
[store]
path = "elsewhere"
archive = ""
commit_seconds = 0.02
keep_1h_seconds = 0
[prober]
place = "berlin"
canary_seconds = 7
checks_at_once = 3
[notify]
heartbeat_seconds = 33
private_networks = ["127.0.0.0/8"]
[alerter]
parent_seconds = 30
[collector]
drain_frames = 99
"""
WAITS = "; what changed in {} is used from the next start on"


@pytest.mark.parametrize(
    ("name", "first", "named"),
    [
        ("store-writer", (), "[store] path"),
        ("store-sealer", ("store-writer",), "[store] path"),
        ("store-reader", ("store-writer",), "[store]"),
        ("prober", (), "[prober] place, [prober] canary_seconds"),
        ("alerter", (), "[notify] heartbeat_seconds"),
        ("collector", (), "[collector]"),
    ],
)
def test_what_waits_for_a_start_is_named(name: str, first: tuple[str, ...], named: str) -> None:
    hub = Programs()
    try:
        for one in (*first, name):
            hub.start(one)
            until(partial(hub.beats, one), 20, f"{one} runs", hub)
        pid = hub.pid(name)
        assert pid is not None

        hub.config.write_text(hub.config.read_text() + MORE)
        os.kill(pid, signal.SIGHUP)

        until(lambda: "again" in hub.said(name).rpartition("\n")[0], 20, "it was read again", hub)
        assert f"read {hub.config} again{WAITS.format(named)}\n" in hub.said(name)
    finally:
        hub.close()

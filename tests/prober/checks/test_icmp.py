"""Pings: without root where the system allows it, told clearly where not; loss and round trips."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.checks.icmp import Icmp
from prober.echo import NOT_ALLOWED, checksum
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP
from tests.namespaces import WHY_NOT, can_unshare, unshared
from tests.prober.targets import tried

PROJECT = Path(__file__).resolve().parents[3]
own_network = pytest.mark.skipif(not can_unshare("net"), reason=WHY_NOT)
UNPRIVILEGED = ["setpriv", "--bounding-set=-net_raw"]


def pinged(act: str, *, raw: bool = False) -> dict[str, Any]:
    command = [*unshared("net"), *([] if raw else UNPRIVILEGED), sys.executable, "-m", "tests.prober.checks.pings", act]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@own_network
def test_who_is_not_root_pings_by_a_datagram_socket() -> None:
    found = pinged("allowed")
    assert (found["status"], found["reason"], found["reached"]) == (UP, "", True)
    assert found["metrics"]["loss_percent"] == 0
    assert 0 < found["metrics"]["rtt_min_ms"] <= found["metrics"]["rtt_ms"] <= found["metrics"]["rtt_max_ms"]
    assert found["ms"] == found["metrics"]["rtt_ms"]


@own_network
def test_the_newer_addresses_are_pinged_as_well() -> None:
    assert pinged("six")["status"] == UP
    assert pinged("six", raw=True)["status"] == UP


@own_network
def test_what_is_not_allowed_says_how_to_allow_it() -> None:
    found = pinged("forbidden")
    assert (found["status"], found["reason"]) == (UNKNOWN, NOT_ALLOWED)
    assert "net.ipv4.ping_group_range" in NOT_ALLOWED


@own_network
def test_a_raw_socket_does_where_no_other_is_allowed() -> None:
    assert pinged("forbidden", raw=True)["status"] == UP


@own_network
def test_lost_packets_are_counted() -> None:
    found = pinged("lossy")
    assert found["status"] == DEGRADED
    assert 0 < found["metrics"]["loss_percent"] < 100
    assert found["reason"].endswith("of 20 packets are lost")


@own_network
def test_nothing_that_comes_back_is_down() -> None:
    found = pinged("silent")
    assert (found["status"], found["reason"], found["reached"]) == (DOWN, "none of 3 packets came back", False)
    assert found["metrics"] == {"loss_percent": 100}


@own_network
def test_what_there_was_no_time_to_send_is_not_lost() -> None:
    found = pinged("hurried")
    assert (found["status"], found["reason"], found["metrics"]["loss_percent"]) == (UP, "", 0)
    found = pinged("hurried in vain")
    assert (found["status"], found["metrics"]["loss_percent"]) == (DOWN, 100)
    assert found["reason"].startswith("none of ")


@own_network
def test_no_way_out_is_our_own_fault() -> None:
    found = pinged("nowhere")
    assert found["status"] == UNKNOWN
    assert "our own side cannot look" in found["reason"]


def test_addresses_that_are_not_allowed_are_not_pinged() -> None:
    found = tried(Icmp(name="gw", url="icmp://127.0.0.1"), allowed=())
    assert (found.status, found.reason) == (
        UNKNOWN,
        "127.0.0.1 is this machine's own; [prober] private_networks can allow it",
    )


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "icmp://gw:7"}, "url"),
        ({"url": "icmp:///x"}, "url"),
        ({"count": 100, "spacing": 1.0, "timeout": 10.0}, "count"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    assert [one.key for one in Icmp(name="gw", **{"url": "icmp://gw", **settings}).objections()] == [key]


@given(st.binary(min_size=2, max_size=100).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_with_its_checksum_sums_up_to_nothing(data: bytes) -> None:
    assert checksum(data + struct.pack("!H", checksum(data))) == 0

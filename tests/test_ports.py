"""Ports of a test's own are of no other test, and of nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import BLOCK, FIRST, Ports, blocks, free_port, free_ports, has_ipv6, is_free

ROOT = Path(__file__).resolve().parents[1]
HOLDS = "import sys; from tests.ports import free_ports; print(*free_ports(150), flush=True); sys.stdin.read()"


def holds(start: int) -> bool:
    """Whether the block could be held now."""
    try:
        return bool(Ports([start]).one())
    except OSError:
        return False


def test_no_port_is_handed_out_twice_and_the_kernel_chooses_none() -> None:
    lowest, highest = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    own = free_ports(3 * BLOCK)
    assert len(set(own)) == 3 * BLOCK
    assert {port // BLOCK * BLOCK for port in own} <= set(blocks(lowest, highest))


def test_blocks_are_outside_what_the_kernel_chooses_from() -> None:
    usual = blocks(32_768, 60_999)
    assert (usual[0], usual[-1]) == (FIRST, 65_400)
    assert not [start for start in usual if start + BLOCK > 32_768 and start <= 60_999]
    assert blocks(1024, 65_535)[0] == FIRST, "where there is no room, all must do"


def test_others_get_other_ports_as_long_as_one_lives() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = {int(word) for word in other.stdout.readline().split()}
        assert len(theirs) == 150
        held = {port // BLOCK * BLOCK for port in theirs}
        assert not [start for start in held if holds(start)]
        assert not theirs & set(free_ports(150))
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    assert [start for start in held if holds(start)], "what a killed process held is to be had again"


def test_a_forked_process_gets_others_than_its_parent() -> None:
    read, write = os.pipe()
    first = free_port()
    child = os.fork()
    if not child:
        os.write(write, str(free_port()).encode())
        os._exit(0)
    theirs = int(os.read(read, 10))
    assert os.waitpid(child, 0)[1] == 0
    os.close(read)
    os.close(write)
    assert theirs not in (first, free_port())
    assert theirs // BLOCK != first // BLOCK


@pytest.mark.parametrize(
    ("family", "kind", "address"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1"),
        (socket.AF_INET, socket.SOCK_STREAM, "127.0.0.2"),
        (socket.AF_INET, socket.SOCK_DGRAM, "127.0.0.1"),
        *([(socket.AF_INET6, socket.SOCK_STREAM, "::1")] if has_ipv6() else []),
    ],
)
def test_a_port_where_somebody_is_bound_is_not_free(family: int, kind: int, address: str) -> None:
    port = free_port()
    assert is_free(port)
    with socket.socket(family, kind) as taken:
        taken.bind((address, port))
        assert not is_free(port)
    assert is_free(port)


def test_a_port_of_a_known_server_is_left_to_it() -> None:
    known = Path("/etc/services")
    named = {int(port) for port in re.findall(r"\s(\d+)/(?:tcp|udp)\b", known.read_text() if known.exists() else "")}
    starts = [start for start in blocks(32_768, 60_999) if named & set(range(start, start + BLOCK))]
    own = Ports(starts)
    with contextlib.suppress(OSError):
        while True:
            assert own.one() not in named


def test_when_all_are_held_that_is_said_every_time() -> None:
    start = free_port() // BLOCK * BLOCK
    for _ in range(2):
        with pytest.raises(OSError, match="all 1 blocks of ports are held"):
            Ports([start]).one()

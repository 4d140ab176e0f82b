"""The rules for a firewall before the door: the ports are ours, and a stranger in a namespace is held off by them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bus.tables import Bus
from tests.namespaces import WHY_NOT, can_unshare, unshared

RULES = Path(__file__).resolve().parents[2] / "etc" / "deploy" / "nftables.conf"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
STRANGER = r"""
import socket, struct, subprocess, sys

subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["nft", "-f", sys.argv[1]], check=True)
subprocess.run(["nft", "-f", sys.argv[1]], check=True)  # it replaces itself


def listening(family, host, port):
    made = socket.socket(family)
    made.bind((host, port))
    made.listen(1024)
    return made


def gets_in(to, source):
    made = socket.socket(to.family)
    made.settimeout(0.2)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends at once, counts no more
    made.bind((source, 0))
    try:
        made.connect(to.getsockname()[:2])
    except OSError:
        made.close()
        return None
    return made


def held(to, source):
    kept = [gets_in(to, source) for _ in range(13)]
    others = gets_in(to, "127.0.0.2") if to.family == socket.AF_INET else None
    print(sum(one is not None for one in kept), others is not None)
    for one in [*kept, others]:
        if one is not None:
            one.close()


door, receipts = listening(socket.AF_INET, "127.0.0.1", 5560), listening(socket.AF_INET6, "::1", 5561)
api = listening(socket.AF_INET, "127.0.0.1", 8080)
held(door, "127.0.0.3")
held(receipts, "::1")
held(api, "127.0.0.3")
quick = 0
for _ in range(1000):  # a busy machine is not quick
    made = gets_in(door, "127.0.0.4")
    if made is None:
        break
    made.close()
    quick += 1
print(quick < 1000, gets_in(door, "127.0.0.5") is not None)
"""


def test_the_ports_are_those_that_agents_come_to() -> None:
    wanted = {Bus().door.rpartition(":")[2], Bus().receipts.rpartition(":")[2]}
    [ports] = re.findall(r"^\s*tcp dport \{([^}]*)\}", RULES.read_text(), re.MULTILINE)
    assert {port.strip() for port in ports.split(",")} == wanted


@pytest.mark.skipif(shutil.which("nft", path=PATH) is None, reason="nft is not here")
@pytest.mark.skipif(not can_unshare("net"), reason=WHY_NOT)
def test_a_stranger_who_connects_without_end_is_held_off_and_others_are_not() -> None:
    # Ten at once of one address on either port, any number on others; and so many a second.
    words = [*unshared("net"), sys.executable, "-c", STRANGER, str(RULES)]
    found = subprocess.run(words, capture_output=True, text=True, timeout=60, env={"PATH": PATH})
    if "Could not process rule" in found.stderr:
        pytest.skip(f"this kernel has no such rules: {found.stderr[:200]}")
    assert found.stdout.splitlines() == ["10 True", "10 False", "13 True", "True True"], found.stderr

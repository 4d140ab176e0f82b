"""Whose fault it is that no route leads to a target: ours, or that of a router on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from prober.outcome import DOWN, UNKNOWN
from tests.namespaces import WHY_NOT, can_unshare, unshared

PROJECT = Path(__file__).resolve().parents[3]
TOOLS = ("ip", "nsenter", "sysctl")


@pytest.mark.skipif(not can_unshare("net"), reason=WHY_NOT)
@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"this machine lacks one of {', '.join(TOOLS)}")
def test_a_way_that_we_lack_says_nothing_of_a_target_and_one_that_a_router_lacks_does() -> None:
    command = [*unshared("net"), sys.executable, "-m", "tests.prober.checks.routes"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "our network": [UNKNOWN, "no route to 198.18.0.1:80 from this machine", False],
        "our host": [UNKNOWN, "no route to 192.0.2.1:80 from this machine", False],
        "our rule": [UNKNOWN, "no connection to 192.0.2.2:80: permission denied on this machine", False],
        "our black hole": [UNKNOWN, "no connection to 192.0.2.3:80: invalid argument on this machine", False],
        "our network of IPv6": [UNKNOWN, "no route to [2001:db8:2::1]:80 from this machine", False],
        "our network by UDP": [UNKNOWN, "no route to 198.18.0.1:53 from this machine", False],
        "our network by ping": [
            UNKNOWN,
            "our own side cannot look: the connection ended: network is unreachable",
            False,
        ],
        "a neighbour": [DOWN, "no route to 203.0.113.7:80", False],
        "a router's network": [DOWN, "no route to 198.51.100.9:80", False],
        "a router's host": [DOWN, "no route to 198.51.100.1:80", False],
        "a router's rule": [DOWN, "no route to 198.51.100.2:80", False],
        "a router's rule by UDP": [DOWN, "no route to 198.51.100.2:53", False],
        "a router's network of IPv6": [DOWN, "no route to [2001:db8:1::9]:80", False],
        "a router's rule of IPv6": [DOWN, "no connection to [2001:db8:1::2]:80: permission denied", False],
    }

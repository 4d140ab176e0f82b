"""What checks find of addresses that no route leads to: ``unshare --net python -m tests.prober.checks.routes``.

The prober has a network of its own, and a router in another one, which knows no way to some of what it is sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from prober.checks.common import Check
from prober.checks.dns import Dns
from prober.checks.icmp import Icmp
from prober.checks.tcp import Tcp
from prober.outcome import Outcome
from tests.prober.targets import tried

OURS = """
ip link set lo up
ip link add name v0 type veth peer name v1 netns {router}
ip address add 203.0.113.1/24 dev v0
ip address add 2001:db8::1/64 dev v0 nodad
ip link set v0 up
ip route add 198.51.100.0/24 via 203.0.113.2
ip route add 2001:db8:1::/48 via 2001:db8::2
ip route add unreachable 192.0.2.1
ip route add prohibit 192.0.2.2
ip route add blackhole 192.0.2.3
"""
ROUTERS = """
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
ip link set v1 up
ip address add 203.0.113.2/24 dev v1
ip address add 2001:db8::2/64 dev v1 nodad
ip route add unreachable 198.51.100.1
ip route add prohibit 198.51.100.2
ip route add prohibit 2001:db8:1::2
"""
"""It has no route for others of 198.51.100.0/24 and 2001:db8:1::/48."""
CHECKS: dict[str, Check] = {
    "our network": Tcp(name="shop", url="tcp://198.18.0.1:80"),
    "our host": Tcp(name="shop", url="tcp://192.0.2.1:80"),
    "our rule": Tcp(name="shop", url="tcp://192.0.2.2:80"),
    "our black hole": Tcp(name="shop", url="tcp://192.0.2.3:80"),
    "our network of IPv6": Tcp(name="shop", url="tcp://[2001:db8:2::1]:80"),
    "our network by UDP": Dns(name="shop", url="dns://198.18.0.1/shop.example"),
    "our network by ping": Icmp(name="shop", url="icmp://198.18.0.1"),
    "a neighbour": Tcp(name="shop", url="tcp://203.0.113.7:80"),
    "a router's network": Tcp(name="shop", url="tcp://198.51.100.9:80"),
    "a router's host": Tcp(name="shop", url="tcp://198.51.100.1:80"),
    "a router's rule": Tcp(name="shop", url="tcp://198.51.100.2:80"),
    "a router's rule by UDP": Dns(name="shop", url="dns://198.51.100.2/shop.example"),
    "a router's network of IPv6": Tcp(name="shop", url="tcp://[2001:db8:1::9]:80"),
    "a router's rule of IPv6": Tcp(name="shop", url="tcp://[2001:db8:1::2]:80"),
}


def main() -> None:
    """Print what each check finds, as JSON."""
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as router:
        assert router.stdout is not None
        router.stdout.readline()
        _run(["sh", "-e", "-c", OURS.format(router=router.pid)])
        _run(["nsenter", f"--net=/proc/{router.pid}/ns/net", "sh", "-e", "-c", ROUTERS])
        with ThreadPoolExecutor(len(CHECKS)) as threads:
            outcomes = dict(zip(CHECKS, threads.map(_found, CHECKS.values()), strict=True))
        router.communicate()
    told = {name: (one.status, one.reason, one.reached) for name, one in outcomes.items()}
    sys.stdout.write(json.dumps(told))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def _found(check: Check) -> Outcome:
    return tried(check, allowed=("0.0.0.0/0", "::/0"))


if __name__ == "__main__":
    main()

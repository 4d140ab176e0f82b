"""A hub whose name has an address of IPv4 and one of IPv6, of which one leads to it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bus.sockets import Push
from bus.tables import Bus
from bus.ways import Ways
from tests.namespaces import WHY_NOT, can_unshare, unshared

PROJECT = Path(__file__).resolve().parents[2]
NAMED = Bus(door="tcp://hub.example:5560", receipts="tcp://hub.example:5561")
WORLD = """
set -e
ip link set lo up
ip link add name v0 type veth peer name v1
ip address add 203.0.113.1/24 dev v0
ip link set v0 up
ip link set v1 up
printf '203.0.113.1 hub.example\\n2001:db8::1 hub.example\\n' > "$1/hosts"
mount --bind "$1/hosts" /etc/hosts
"$0" -m tests.bus.test_two_addresses "$1" tcp://203.0.113.1:5560
ip address add 2001:db8::1/64 dev v0 nodad
"$0" -m tests.bus.test_two_addresses "$1" tcp://203.0.113.1:5560
ip address del 203.0.113.1/24 dev v0
"$0" -m tests.bus.test_two_addresses "$1" 'tcp://[2001:db8::1]:5560'
"""
"""No way by IPv6; one, on which the hub does not listen; none by IPv4."""


class Road:
    """Remembers by which addresses it was to take names."""

    def __init__(self) -> None:
        self.six: bool | None = None

    def take_names_by(self, *, six: bool) -> None:
        self.six = six


def test_a_silent_name_is_tried_by_its_other_address_and_a_number_is_not(tmp_path: Path) -> None:
    road = Road()
    named = Ways(tmp_path, NAMED, ("", ""), "web-1")
    tried = []
    for _ in range(3):
        named(road)  # type: ignore[arg-type]
        tried.append(road.six)
        assert named.elsewhere()
    assert tried == [True, False, True]
    assert not named.elsewhere(heard=True)
    named(road)  # type: ignore[arg-type]
    assert road.six is False, "where the hub was heard it is awaited"
    for host in ("192.0.2.7", "[2001:db8::1]"):
        number = Ways(tmp_path, Bus(door=f"tcp://{host}:1", receipts=f"tcp://{host}:2"), ("", ""), "web-1")
        assert not number.elsewhere()
        number(road)  # type: ignore[arg-type]
        assert road.six


def test_all_collectors_are_tried_before_their_other_addresses(tmp_path: Path) -> None:
    road = Road()
    bus = Bus(door="tcp://a.example:1,tcp://b.example:1", receipts="tcp://a.example:2,tcp://b.example:2")
    ways = Ways(tmp_path, bus, ("", ""), "web-1")
    tried = []
    for _ in range(4):
        tried.append((ways(road)[0], road.six))  # type: ignore[arg-type]
        assert ways.elsewhere()
    assert [six for _, six in tried] == [True, True, False, False]
    assert len(set(tried)) == 4


@pytest.mark.skipif(not can_unshare("net", "mount"), reason=WHY_NOT)
@pytest.mark.skipif(shutil.which("ip") is None, reason="this machine lacks ip")
def test_a_hub_is_found_at_whichever_address_of_its_name_it_listens(tmp_path: Path) -> None:
    command = [*unshared("net", "mount"), "sh", "-c", WORLD, sys.executable, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("it came\n" * 3, "")


def main(home: Path, listens: str) -> None:
    """Push to the name, as an agent does, until something comes."""
    import zmq

    from bus.sockets import Pull

    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    door, ways = Pull(context), Ways(home, NAMED, ("", ""), "web-1")
    door.bind(listens)
    push = Push(context)
    for _ in range(2):
        address, _ = ways(push)
        push.connect(address)
        push.send(b"a word")
        if door.raw.poll(5000):
            print("it came")
            break
        push.raw.disconnect(address)
        ways.elsewhere()
    context.destroy(linger=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

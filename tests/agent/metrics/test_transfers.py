"""What passes interfaces and disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.config import Agent
from agent.metrics.io import Io
from agent.metrics.net import Net
from agent.rates import Rates
from agent.readings import Count, Ground

NET = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0
  eth0:1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0
veth1a: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0
eth0:1: 7 7 0 0 0 0 0 0 7 7 0 0 0 0 0 0
"""
DISKS = """   7       0 loop0 1 0 1 0 1 0 1 0 0 0 0 0 0 0 0 0 0
   8       0 sda 100 0 2000 50 200 0 4000 90 0 500 140 0 0 0 0 0 0
   8       1 sda1 100 0 2000 50 200 0 4000 90 0 500 140 0 0 0 0 0 0
 104       0 cciss/c0d0 1 0 8 1 1 0 8 1 0 1 2
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "proc" / "net").mkdir(parents=True)
    (tmp_path / "proc" / "net" / "dev").write_text(NET)
    (tmp_path / "proc" / "diskstats").write_text(DISKS)
    for disk in ("loop0", "sda", "cciss!c0d0"):
        (tmp_path / "sys" / "block" / disk).mkdir(parents=True)
    return tmp_path


def ground(machine: Path, config: Agent | None = None) -> Ground:
    return Ground(config or Agent(), proc=str(machine / "proc"), sys=str(machine / "sys"))


def test_received_and_sent_are_told_of_interfaces_that_are_not_left_out(machine: Path) -> None:
    readings = Net(ground(machine)).read()
    assert {name.partition(".")[0] for name in readings} == {"net[eth0]", "net[eth0:1]"}
    assert [reading for name, reading in readings.items() if name.startswith("net[eth0].")] == [
        Count(total) for total in (1000, 2000, 10, 20, 1, 3, 2, 4)
    ]


def test_the_operator_says_which_interfaces_are_left_out(machine: Path) -> None:
    readings = Net(ground(machine, Agent(skip_interfaces=("eth*",)))).read()
    assert {name.partition(".")[0] for name in readings} == {"net[lo]", "net[veth1a]"}


def test_an_interface_that_appears_is_told(machine: Path) -> None:
    net = Net(ground(machine))
    net.read()
    (machine / "proc" / "net" / "dev").write_text(NET + "   wg0: 5 5 0 0 0 0 0 0 5 5 0 0 0 0 0 0\n")
    assert net.read()["net[wg0].rx_bytes_per_s"] == Count(5)


def test_whole_disks_are_told_and_their_partitions_are_not(machine: Path) -> None:
    readings = Io(ground(machine)).read()
    assert {name.partition("]")[0] for name in readings} == {"io[sda", "io[cciss/c0d0"}


def test_sectors_become_bytes_and_busy_milliseconds_percent(machine: Path) -> None:
    io, rates = Io(ground(machine)), Rates()
    rates.values(io.read(), 0.0)
    later = DISKS.replace("sda 100 0 2000 50 200 0 4000 90 0 500", "sda 110 0 2020 70 240 0 4100 190 0 750")
    (machine / "proc" / "diskstats").write_text(later)
    values = rates.values(io.read(), 1.0)
    assert {name: value for name, value in values.items() if "sda" in name} == {
        "io[sda].read_bytes_per_s": 20 * 512.0,
        "io[sda].write_bytes_per_s": 100 * 512.0,
        "io[sda].reads_per_s": 10.0,
        "io[sda].writes_per_s": 40.0,
        "io[sda].busy_percent": 25.0,
        "io[sda].wait_seconds": 0.0024,
    }
    # The clock is read a little before the disks are.
    (machine / "proc" / "diskstats").write_text(later.replace(" 750", " 1757"))
    assert rates.values(io.read(), 2.0)["io[sda].busy_percent"] == 100.0

"""How much memory and swap are used."""

from __future__ import annotations

from agent.metrics.memory import parsed
from agent.metrics.swap import space, traffic
from agent.readings import Count

MEMINFO = b"""MemTotal:       16000000 kB
MemFree:         1000000 kB
MemAvailable:   12000000 kB
Buffers:          500000 kB
Cached:          9000000 kB
SwapCached:            0 kB
Active(anon):    2000000 kB
Shmem:            200000 kB
SReclaimable:     300000 kB
"""
SWAPS = b"""Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority
/dev/sda2                               partition\t1000\t\t250\t\t-2
/a\\040file                              file\t\t3000\t\t750\t\t-3
"""


def test_memory_by_use() -> None:
    assert parsed(MEMINFO) == {
        "memory.total": 16_000_000 * 1024.0,
        "memory.used": 4_000_000 * 1024.0,
        "memory.available": 12_000_000 * 1024.0,
        "memory.cached": 9_300_000 * 1024.0,
        "memory.buffers": 500_000 * 1024.0,
        "memory.percent": 25.0,
    }


def test_an_old_kernel_does_not_tell_what_is_available_and_it_is_estimated() -> None:
    old = MEMINFO.replace(b"MemAvailable:   12000000 kB\n", b"")
    assert parsed(old)["memory.available"] == (1_000_000 + 500_000 + 9_300_000 - 200_000) * 1024.0


def test_swap_of_all_devices_is_added_up() -> None:
    assert space(SWAPS) == (4000 * 1024, 1000 * 1024)


def test_a_host_may_have_no_swap() -> None:
    assert space(SWAPS.splitlines(keepends=True)[0]) == (0, 0)


def test_swapped_pages_are_counted_in_bytes() -> None:
    inward, outward = traffic(b"nr_free 1\npgpgin 5\npswpin 3\npswpout 4\npgfault 9\n")
    assert isinstance(inward, Count)
    assert isinstance(outward, Count)
    assert (inward.total, outward.total) == (3, 4)
    assert inward.factor >= 4096


def test_a_kernel_without_swap_counts_nothing() -> None:
    assert traffic(b"nr_free 1\n") == (None, None)

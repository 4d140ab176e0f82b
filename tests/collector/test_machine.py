"""How much memory there is, by the machine and by the groups that this process is in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collector.machine import machine_bytes

MB = 1_000_000
ALL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("groups", "limits", "least"),
    [
        ("0::/", {"memory.max": 512 * MB}, 512 * MB),
        ("0::/system.slice/guardia.service", {"system.slice/guardia.service/memory.max": 300 * MB}, 300 * MB),
        (
            "0::/system.slice/guardia.service",
            {"system.slice/guardia.service/memory.max": "max", "system.slice/memory.max": 700 * MB},
            700 * MB,
        ),
        ("0::/../../elsewhere", {"memory.max": 512 * MB}, 512 * MB),
        ("4:cpu,cpuacct:/docker/0b3\n3:memory:/docker/0b3\n0::/", {"memory/memory.limit_in_bytes": 256 * MB}, 256 * MB),
        ("3:memory:/a", {"memory/a/memory.limit_in_bytes": 9_223_372_036_854_771_712}, ALL),
        ("0::/", {"memory.max": "max"}, ALL),
        ("0::/", {}, ALL),
        ("", {}, ALL),
    ],
)
def test_the_least_limit_counts(tmp_path: Path, groups: str, limits: dict[str, int | str], least: int) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(groups + "\n" * bool(groups))
    for path, limit in limits.items():
        file = tmp_path / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{limit}\n")
    assert machine_bytes(tmp_path) == min(least, ALL)


def test_without_proc_it_is_the_machines(tmp_path: Path) -> None:
    assert machine_bytes(tmp_path) == ALL
    assert 0 < machine_bytes() <= ALL

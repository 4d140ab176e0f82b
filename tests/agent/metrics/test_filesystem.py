"""What file systems have met, in a made-up /sys, and in ext4 itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.metrics.filesystem import Filesystem, counted
from agent.readings import Ground
from tests.namespaces import WHY_NOT, can_unshare, unshared

BTRFS = "write_errs {}\nread_errs 2\nflush_errs 0\ncorruption_errs 0\ngeneration_errs 0\n"


def ground(root: Path, *lines: str, process: str = "1") -> Ground:
    folder = root / "proc" / process
    folder.mkdir(parents=True)
    (folder / "mountinfo").write_text("".join(f"{line}\n" for line in lines))
    return Ground(proc=str(root / "proc"), sys=str(root / "sys"))


def ext4(root: Path, number: str, name: str, errors: int) -> None:
    devices = root / "sys/dev/block"
    devices.mkdir(parents=True, exist_ok=True)
    (devices / number).symlink_to(f"../../devices/pci0/block/sda/{name}")
    folder = root / "sys/fs/ext4" / name
    folder.mkdir(parents=True)
    (folder / "errors_count").write_text(f"{errors}\n")


def test_ext4_tells_the_faults_that_it_counted(tmp_path: Path) -> None:
    ext4(tmp_path, "8:1", "sda1", 0)
    ext4(tmp_path, "8:2", "sda2", 3)
    here = ground(
        tmp_path,
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro",
        "2 1 8:2 / /srv rw,relatime shared:2 - ext3 /dev/sda2 ro,errors=remount-ro",
        "3 1 0:40 / /run rw - tmpfs tmpfs rw",
    )
    assert Filesystem(here).read() == {
        "disk[/].errors": 0.0,
        "disk[/].read_only": 0.0,
        "disk[/srv].errors": 3.0,
        "disk[/srv].read_only": 1.0,
    }


def test_btrfs_tells_the_faults_of_all_its_devices(tmp_path: Path) -> None:
    for number, device in enumerate(("sdb", "sdc"), 1):
        folder = tmp_path / "sys/fs/btrfs/0b32/devinfo" / str(number)
        folder.mkdir(parents=True)
        (folder / "error_stats").write_text(BTRFS.format(number))
        (tmp_path / "sys/fs/btrfs/0b32/devices").mkdir(exist_ok=True)
        (tmp_path / "sys/fs/btrfs/0b32/devices" / device).symlink_to(f"../../../../block/{device}")
    (tmp_path / "sys/fs/btrfs/features").mkdir()
    here = ground(tmp_path, "1 0 0:30 /@ /data rw - btrfs /dev/sdc rw,space_cache=v2")
    assert Filesystem(here).read() == {"disk[/data].errors": 1.0 + 2 + 2 + 2, "disk[/data].read_only": 0.0}


def test_one_that_counts_none_still_tells_whether_it_takes_writes(tmp_path: Path) -> None:
    here = ground(
        tmp_path,
        "1 0 8:1 / / rw - xfs /dev/sda1 ro,inode64",
        "2 1 8:2 / /old rw - ext4 /dev/sda2 rw",
        "3 1 0:30 / /data rw - btrfs /dev/sdc rw",
    )
    assert Filesystem(here).read() == {
        "disk[/].read_only": 1.0,
        "disk[/data].read_only": 0.0,
        "disk[/old].read_only": 0.0,
    }


def test_a_kernel_that_does_not_tell_what_btrfs_counted_says_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "sys/fs/btrfs/0b32/devices").mkdir(parents=True)
    (tmp_path / "sys/fs/btrfs/0b32/devices/sdc").symlink_to("../../../../block/sdc")
    here = ground(tmp_path, "1 0 0:30 / /data rw - btrfs /dev/sdc rw")
    assert Filesystem(here).read() == {"disk[/data].read_only": 0.0}


def test_counters_that_are_not_valid_are_no_zero() -> None:
    assert counted(BTRFS.format(5)) == 7
    with pytest.raises(ValueError):
        counted("invalid\n")


def test_what_was_mounted_read_only_or_never_takes_writes_is_well(tmp_path: Path) -> None:
    here = ground(
        tmp_path,
        "1 0 8:1 / / ro,relatime - ext4 /dev/sda1 ro",
        "2 1 7:1 / /image rw - squashfs /dev/loop1 ro",
        "3 1 8:3 / /frozen ro,relatime - ext4 /dev/sda3 ro,emergency_ro",
    )
    assert Filesystem(here).read() == {"disk[/].read_only": 0.0, "disk[/frozen].read_only": 0.0}


def test_where_the_first_process_is_hidden_ones_own_mounts_count(tmp_path: Path) -> None:
    here = ground(tmp_path, "1 0 8:1 / / rw - xfs /dev/sda1 rw", process="self")
    assert Filesystem(here).read() == {"disk[/].read_only": 0.0}


def test_a_mount_that_changes_is_told_as_it_is_now(tmp_path: Path) -> None:
    here = ground(tmp_path, "1 0 8:1 / / rw - xfs /dev/sda1 rw")
    metric = Filesystem(here)
    assert metric.read() == {"disk[/].read_only": 0.0}
    with (tmp_path / "proc/1/mountinfo").open("r+") as file:
        file.write("1 0 8:1 / / rw - xfs /dev/sda1 ro\n")
    assert metric.read() == {"disk[/].read_only": 1.0}


# Linux makes a fault in ext4 where it is asked to; a namespace's first process has its mounts in a made-up /proc.
FAULT = """
import os, sys
from pathlib import Path
from agent.metrics.filesystem import Filesystem
from agent.readings import Ground
root = Path(sys.argv[1])
(root / "proc").mkdir()
(root / "proc/1").symlink_to("/proc/self")
metric = Filesystem(Ground(proc=str(root / "proc")))
def told():
    readings = metric.read()
    return [readings[f"disk[{root}/disk].{field}"] for field in ("errors", "read_only")]
before = told()
device = os.path.basename(os.readlink("/sys/dev/block/" + sys.argv[2]))
Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a fault")
print(before, told())
"""
MOUNTED = """
set -e
mount -o loop,errors=remount-ro "$1/image" "$1/disk"
exec "$0" -c "$2" "$1" "$(mountpoint -d "$1/disk")"
"""


@pytest.mark.skipif(os.geteuid() != 0 or not can_unshare("mount"), reason=WHY_NOT)
@pytest.mark.skipif(not list(Path("/sys/fs/ext4").glob("*/trigger_fs_error")), reason="this kernel makes no faults")
def test_a_fault_of_a_real_ext4_is_counted_and_makes_it_read_only(tmp_path: Path) -> None:
    with (tmp_path / "image").open("wb") as image:
        image.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", tmp_path / "image"], check=True)
    (tmp_path / "disk").mkdir()
    words = [*unshared("mount"), "sh", "-c", MOUNTED, sys.executable, str(tmp_path), FAULT]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("[0.0, 0.0] [1.0, 1.0]\n", "")

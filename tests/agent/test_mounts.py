"""Which file systems count."""

from __future__ import annotations

from agent.config import Agent
from agent.mounts import mounts

MOUNTINFO = rb"""22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime - devtmpfs devtmpfs rw,size=12334492k
25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684092k
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard
30 27 254:2 / /home rw,relatime shared:2 - xfs /dev/vda2 rw
31 27 254:1 /srv/www /var/www rw,relatime - ext4 /dev/vda1 rw
32 27 254:2 /anna /srv/anna rw,relatime - xfs /dev/vda2 rw
33 27 0:51 / /mnt/big\040disk rw,relatime - nfs4 nas:/big rw,vers=4.2
34 27 7:1 / /snap/core/1 ro,nodev - squashfs /dev/loop1 ro
35 27 0:60 / /mnt/auto rw - autofs systemd-1 rw
36 27 254:3 / /run/media/stick rw - vfat /dev/sdb1 rw
"""


def points(text: bytes, config: Agent | None = None) -> list[str]:
    config = config or Agent()
    return [mount.point for mount in mounts(text, config.skip_filesystems, config.skip_mounts)]


def test_only_file_systems_that_hold_files_count_and_bind_mounts_once() -> None:
    assert points(MOUNTINFO) == ["/", "/home", "/mnt/big disk"]


def test_a_mount_point_is_unescaped_for_people_and_for_the_system() -> None:
    (mount,) = mounts(MOUNTINFO.splitlines()[7], (), ())
    assert (mount.point, mount.path, mount.kind) == ("/mnt/big disk", b"/mnt/big disk", "nfs4")


def test_in_a_container_the_root_counts_whatever_it_is() -> None:
    assert points(b"1 0 0:99 / / rw - overlay overlay rw\n2 1 0:98 / /tmp rw - tmpfs tmpfs rw") == ["/"]


def test_what_can_only_be_read_and_is_always_full_does_not_count_as_the_root_either() -> None:
    # As an image of Fedora has it: the disk is at /sysroot, and its folders at /etc and /var.
    text = rb"""73 2 0:37 / / ro,relatime shared:1 - overlay composefs ro,seclabel,lowerdir+=/run/cfs,metacopy=on
75 73 252:4 / /sysroot ro,relatime shared:2 - xfs /dev/vda4 rw,seclabel
76 73 252:4 /ostree/deploy/os/var /var rw,relatime shared:3 - xfs /dev/vda4 rw,seclabel
80 73 11:0 / /mnt/cd ro,relatime shared:4 - udf /dev/sr0 ro
81 73 252:9 / /mnt/image ro,relatime shared:5 - erofs /dev/loop9 ro
"""
    assert points(text) == ["/sysroot"]
    assert points(text.replace(b"composefs ro", b"overlay rw")) == ["/", "/sysroot"]
    assert points(b"1 0 8:1 / / ro,relatime - ext4 /dev/sda1 ro") == ["/"]


def test_a_subvolume_stands_for_its_device_where_nothing_larger_is_mounted() -> None:
    text = b"1 0 0:30 /@ / rw - btrfs /dev/sda2 rw\n2 1 0:30 /@home /home rw - btrfs /dev/sda2 rw"
    assert points(text) == ["/"]


def test_of_two_mounts_at_one_point_the_one_on_top_counts() -> None:
    text = b"1 0 8:1 / /mnt rw - ext4 /dev/sda1 rw\n2 1 8:2 / /mnt rw - xfs /dev/sdb1 rw"
    (mount,) = mounts(text, (), ())
    assert mount.kind == "xfs"


def test_a_mount_point_that_is_no_utf8_is_still_named() -> None:
    (mount,) = mounts(b"1 0 8:1 / /mnt/\xff rw - ext4 /dev/sda1 rw", (), ())
    assert mount.path == b"/mnt/\xff"
    assert mount.point.encode()


def test_a_mount_point_with_the_end_of_a_line_in_it_is_one_mount() -> None:
    text = b"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:70 / /home/anna\rx rw - fuse.sshfs nas: rw\n"
    assert points(text) == ["/", "/home/anna\rx"]


def test_the_operators_globs_leave_out() -> None:
    assert points(MOUNTINFO, Agent(skip_mounts=("/home", "/mnt/*"))) == ["/", "/run/media/stick"]


def test_one_that_the_kernel_made_read_only_is_told_from_one_that_was_mounted_so() -> None:
    text = rb"""1 0 8:1 / / rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro
2 1 8:2 / /new rw,relatime - ext4 /dev/sda2 rw,errors=remount-ro,emergency_ro
3 1 8:3 / /shut rw,relatime - ext4 /dev/sda3 rw,shutdown
4 1 8:4 / /cold ro,relatime - ext4 /dev/sda4 ro
5 1 8:5 / /well rw,relatime - xfs /dev/sda\0405 rw,inode64
"""
    found = mounts(text, (), ())
    assert [mount.point for mount in found if mount.fell_read_only] == ["/", "/new", "/shut"]
    assert found[-1].source == b"/dev/sda 5"

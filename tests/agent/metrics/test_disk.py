"""How full the file systems are, even when one of them hangs."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from agent.metrics.disk import Disk, Sizes, told
from agent.readings import Ground

MOUNTINFO = """27 1 254:1 / / rw - ext4 /dev/vda1 rw
33 27 0:51 / /mnt/nas rw - nfs4 nas:/big rw
"""
HALF: Sizes = (4096, 1000, 500, 400, 200, 50)


class Nas:
    """A file server that can be switched off: asking for its size then hangs."""

    def __init__(self) -> None:
        self.on = threading.Event()
        self.on.set()
        self.asked = 0

    def sizes(self, path: bytes) -> Sizes:
        if path == b"/mnt/nas":
            self.asked += 1
            self.on.wait()
        return HALF


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text(MOUNTINFO)
    return Ground(proc=str(tmp_path), say=SAID.append)


SAID: list[str] = []


def test_sizes_are_told_as_df_tells_them() -> None:
    assert told("/", HALF) == {
        "disk[/].total": 4_096_000.0,
        "disk[/].used": 2_048_000.0,
        "disk[/].free": 1_638_400.0,
        "disk[/].percent": 55.56,
        "disk[/].inodes_percent": 75.0,
    }


def test_a_file_system_without_inodes_or_blocks_has_no_percentages() -> None:
    readings = told("/", (4096, 0, 0, 0, 0, 0))
    assert readings["disk[/].percent"] is None
    assert readings["disk[/].inodes_percent"] is None


def test_one_that_hangs_holds_up_nothing_is_asked_once_and_heals(ground: Ground) -> None:
    SAID.clear()
    nas = Nas()
    disk = Disk(ground, ask=nas.sizes, patience=60.0)
    assert disk.read()["disk[/mnt/nas].percent"] is not None
    # when the server goes away
    nas.on.clear()
    disk._patience = 0.5
    began = time.monotonic()
    readings = [disk.read() for _ in range(3)]
    # then the other one is told, in time, and no thread is lost at each try
    assert time.monotonic() - began < 20
    for one in readings:
        assert one["disk[/].percent"] == 55.56
        assert one["disk[/mnt/nas].percent"] is None
    assert nas.asked == 2
    assert SAID == ["the file system /mnt/nas (nfs4) does not answer; it is left alone until it does"]
    # when it comes back
    nas.on.set()
    until = time.monotonic() + 30
    while disk.read()["disk[/mnt/nas].percent"] is None:
        assert time.monotonic() < until
    assert SAID[1:] == ["the file system /mnt/nas answers again"]


def test_what_is_mounted_where_another_one_hangs_for_ever_is_asked(ground: Ground) -> None:
    nas = Nas()
    disk = Disk(ground, ask=nas.sizes, patience=0.2)
    nas.on.clear()
    assert disk.read()["disk[/mnt/nas].percent"] is None
    # when it is taken off, and another server is mounted there
    hanging, nas.on = nas.on, threading.Event()
    nas.on.set()
    mountinfo = Path(ground.proc) / "self" / "mountinfo"
    mountinfo.write_text(MOUNTINFO.replace("0:51", "0:52").replace("nas:/big", "other:/big"))
    until = time.monotonic() + 30
    try:
        while disk.read()["disk[/mnt/nas].percent"] is None:
            assert time.monotonic() < until
    finally:
        hanging.set()


def test_where_none_can_hang_no_thread_is_needed_and_where_one_can_each_has_its_own(ground: Ground) -> None:
    threads: list[threading.Thread] = []

    def ask(_path: bytes) -> Sizes:
        threads.append(threading.current_thread())
        return HALF

    assert Disk(ground, ask=ask).read()["disk[/].percent"] == 55.56
    assert threading.current_thread() not in threads
    assert len(set(threads)) == 2
    threads.clear()

    mountinfo = Path(ground.proc) / "self" / "mountinfo"
    mountinfo.write_text(MOUNTINFO.replace("nfs4 nas:/big", "xfs /dev/vdb"))
    disk = Disk(ground, ask=ask)
    assert disk.read()["disk[/mnt/nas].percent"] == 55.56
    assert set(threads) == {threading.current_thread()}
    mountinfo.write_text(MOUNTINFO)
    assert disk.read()["disk[/mnt/nas].percent"] == 55.56
    assert len(set(threads)) == 3


def test_one_for_which_no_thread_is_left_has_no_reading_and_the_others_theirs(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, left = threading.Thread.start, [1]

    def started(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    disk = Disk(ground, ask=lambda _path: HALF, patience=60.0)
    readings = disk.read()
    assert (readings["disk[/].percent"], readings["disk[/mnt/nas].percent"]) == (55.56, None)
    left[0] = 2
    assert disk.read()["disk[/mnt/nas].percent"] == 55.56


@pytest.mark.parametrize("other", ["nfs4 nas:/big", "ext4 /dev/vdb"])
def test_one_that_refuses_has_no_reading(ground: Ground, other: str) -> None:
    (Path(ground.proc) / "self" / "mountinfo").write_text(MOUNTINFO.replace("nfs4 nas:/big", other))

    def refuse(path: bytes) -> Sizes:
        raise PermissionError(path)

    assert set(Disk(ground, ask=refuse).read().values()) == {None}

"""What ``append`` returned for is on the disk, bounded in bytes and age, and what had to go is counted."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import lmdb
import pytest

from bus.delivery.outflow import Kept
from bus.delivery.retention import NoRoom
from bus.spool import Spool, SpoolLimits
from bus.spool.recent import RECENT_BYTES
from bus.wire import read
from tests.bus.spooling import message
from tests.descriptors import opened

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9
DAY = 86_400.0


def disk_bytes(spool: Spool) -> int:
    return (spool.path / "data.mdb").stat().st_blocks * 512


def _spool(path: Path, limits: SpoolLimits | None = None, now: float = NOON) -> Spool:
    return Spool(path, limits, source="web-1", now=now, wall=WALL)


def _fill(spool: Spool, count: int, *, epoch: int = 7, first: int = 1, now: float = NOON) -> int:
    """Append so many; returns how many unacknowledged ones had to go for them."""
    packed = [message(number, epoch) for number in range(first, first + count)]
    return sum(one.dropped for one in spool.append(epoch, first, packed, now, WALL))


def _numbers(spool: Spool, epoch: int = 7, first: int = 1, last: int = 10_000) -> list[int]:
    return [read(one)[0].number for one in spool.read(epoch, first, last)]


def test_what_was_appended_is_there_after_opening_again(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)
    spool.close(NOON, WALL)
    again = _spool(tmp_path / "spool")

    assert again.kept() == [Kept(7, 1, 5, 0)]
    assert _numbers(again) == [1, 2, 3, 4, 5]


def test_what_is_acknowledged_takes_no_memory_and_can_still_be_read(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)
    for number in range(6, 11):
        _fill(spool, 1, first=number)
    spool.acknowledged(7, 7, 1)
    assert [first for _, first, _ in spool._recent.held] == [8, 9, 10]
    spool.acknowledged(7, 10, 1)
    assert not spool._recent.held
    assert _numbers(spool) == list(range(1, 11))


def test_what_waits_for_long_takes_little_memory(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    for first in range(1, 4001, 100):
        _fill(spool, 100, first=first)
    assert sum(len(one) for _, _, packed in spool._recent.held for one in packed) <= RECENT_BYTES
    assert _numbers(spool, last=100) == list(range(1, 101))


def test_a_store_that_was_restored_is_told_how_far_another_one_was_after_a_new_start_too(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 9)
    spool.acknowledged(7, 8, 1)
    spool.acknowledged(7, 3, 2)
    _fill(spool, 1, first=10)
    spool.close(NOON, WALL)

    assert _spool(tmp_path / "spool").kept() == [Kept(7, 1, 10, acked=3, once=8)]


def test_one_message_goes_to_the_end_alone(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    for number in range(1, 201):
        _fill(spool, 1, first=number)
    spool.close(NOON, WALL)
    assert _numbers(_spool(tmp_path / "spool")) == list(range(1, 201))


def test_just_what_was_asked_for_is_read_wherever_it_stands(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    for first in (1, 3, 5):
        _fill(spool, 2, first=first)
    assert [first for first, _ in spool._pending] == [3, 5], "these stand in the journal, the others in the file"

    for first in range(1, 7):
        for last in range(first, 7):
            assert _numbers(spool, first=first, last=last) == list(range(first, last + 1))
    assert (_numbers(spool, first=7), _numbers(spool, epoch=8)) == ([], [])


def test_not_much_more_than_a_megabyte_is_read_at_once(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    spool.append(7, 1, [message(number, size=30_000) for number in range(1, 51)], NOON, WALL)
    spool.acknowledged(7, 50, 1)

    assert _numbers(spool) == list(range(1, 36))


def test_of_the_epochs_without_messages_so_many_are_remembered(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(floors=2))
    for epoch in (7, 8, 9, 10):
        _fill(spool, 1, epoch=epoch)
        spool.trim(epoch, 1, NOON, WALL)
    spool.trim(99, 1, NOON, WALL)
    spool.sweep(NOON + 60, WALL)
    spool.close(NOON + 60, WALL)

    assert [one.epoch for one in _spool(tmp_path / "spool").kept()] == [8, 9, 10]


def test_one_process_has_it_at_a_time(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    with pytest.raises(BlockingIOError):
        _spool(tmp_path / "spool")
    spool.close(NOON, WALL)

    _spool(tmp_path / "spool").close(NOON, WALL)


def test_numbers_must_follow_one_another(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)

    with pytest.raises(ValueError, match="number 7 where 6"):
        _fill(spool, 1, first=7)


def test_acknowledged_messages_stay_until_their_room_is_needed_and_go_before_others(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(bytes=30_000))
    _fill(spool, 50)
    spool.acknowledged(7, 50, 1)
    assert _numbers(spool)[0] == 1

    assert _fill(spool, 50, first=51) == 0
    first = _numbers(spool, first=spool.kept()[0].base)[0]
    assert 1 < first <= 51


def test_when_nothing_is_acknowledged_the_oldest_go_and_are_counted_over_restarts(tmp_path: Path) -> None:
    limits = SpoolLimits(bytes=50_000)
    spool = _spool(tmp_path / "spool", limits)
    dropped = sum(_fill(spool, 10, first=first) for first in range(1, 501, 10))
    status = spool.status()
    spool.close(NOON, WALL)
    again = _spool(tmp_path / "spool", limits)

    assert dropped == status.dropped == 500 - status.messages
    assert status.bytes <= 50_000
    assert (again.status().dropped, again._totals.dropped_last) == (dropped, WALL)
    assert again.kept()[0].base == dropped + 1


def test_old_epochs_go_first(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(bytes=20_000))
    _fill(spool, 30, epoch=7)
    _fill(spool, 30, epoch=8)

    assert [(one.epoch, one.base > 1) for one in spool.kept()] == [(7, True), (8, False)]


def test_a_spool_may_be_full_of_one_message_that_is_larger_than_its_limit(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(bytes=10_000))
    _fill(spool, 5)
    spool.append(7, 6, [message(6, size=50_000)], NOON, WALL)

    assert _numbers(spool, first=6) == [6]


def test_what_is_too_old_goes_acknowledged_after_a_day_everything_after_a_week(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 4)
    spool.acknowledged(7, 2, 1)
    spool.sweep(NOON, WALL)
    spool.sweep(NOON + DAY - 1, WALL)
    assert spool.status().messages == 4
    spool.sweep(NOON + DAY + 600, WALL)
    assert spool.kept() == [Kept(7, 3, 4, 2, 2)]
    spool.sweep(NOON + 7 * DAY + 600, WALL)

    assert (spool.status().messages, spool.status().dropped) == (0, 2)


def test_age_is_counted_in_time_of_use_so_that_a_month_switched_off_ages_nothing(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 4)
    spool.close(NOON, WALL)
    later = _spool(tmp_path / "spool", now=NOON + 30 * DAY)
    later.sweep(NOON + 30 * DAY, WALL)

    assert later.status().messages == 4


def test_time_of_use_goes_on_where_it_was_when_the_spool_is_opened_again(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 2)
    spool.sweep(NOON, WALL)
    _fill(spool, 2, first=3)
    spool.close(NOON + 6 * DAY, WALL)
    again = _spool(tmp_path / "spool", now=0.0)
    again.sweep(DAY - 60, WALL)
    assert again.status().messages == 4
    again.sweep(DAY + 60, WALL)

    assert again.kept() == [Kept(7, 3, 4, 0)]


def test_its_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spools" / "web-1" / "spool")
    _fill(spool, 1)

    for folder in ("spools/web-1", "spools/web-1/spool"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_a_large_file_of_which_little_is_in_use_gives_its_space_back(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(compact_bytes=1 << 20))
    _fill(spool, 5000)
    large = disk_bytes(spool)
    spool.trim(7, 4990, NOON, WALL)
    spool.sweep(NOON + 1, WALL)

    assert large > 1 << 20
    assert disk_bytes(spool) < large / 4
    assert _numbers(spool, first=4991) == list(range(4991, 5001))
    _fill(spool, 5, first=5001)


def test_a_disk_that_does_not_take_the_smaller_file_costs_neither_messages_nor_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(compact_bytes=1 << 20))
    _fill(spool, 5000)
    spool.trim(7, 4990, NOON, WALL)

    def failing(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = len(opened(tmp_path))
    for turn in range(1, 9):
        with monkeypatch.context() as patched:
            patched.setattr("bus.spool.file.os.fsync", failing)
            spool.sweep(NOON + turn, WALL)

    assert len(opened(tmp_path)) == before
    assert not (tmp_path / "spool.new").exists()
    assert _numbers(spool, first=4991) == list(range(4991, 5001))
    _fill(spool, 5, first=5001)


def test_a_nearly_full_disk_is_not_filled_to_make_the_file_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path / "spool", SpoolLimits(compact_bytes=1 << 20))
    _fill(spool, 5000)
    spool.trim(7, 4990, NOON, WALL)
    large = disk_bytes(spool)
    with monkeypatch.context() as patched:
        patched.setattr("bus.spool.file.shutil.disk_usage", lambda _: SimpleNamespace(free=large // 2 - 1))
        spool.sweep(NOON + 1, WALL)
        assert disk_bytes(spool) >= large
        patched.setattr("bus.spool.file.shutil.disk_usage", lambda _: SimpleNamespace(free=large))
        spool.sweep(NOON + 2, WALL)

    assert disk_bytes(spool) < large / 4


def test_a_damaged_message_becomes_a_loss_of_the_same_number(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 3)
    spool.close(NOON, WALL)
    _damage(tmp_path / "spool", b"7 2 ", b"7 X ")
    again = _spool(tmp_path / "spool")
    records = [read(one)[0] for one in again.read(7, 1, 3)]

    assert [(record.number, record.kind) for record in records] == [(1, "sample"), (2, "loss"), (3, "sample")]
    assert "damaged" in records[1].message().reason


def _damage(path: Path, old: bytes, new: bytes) -> None:
    file = path / "data.mdb"
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("size", [0, 100, 4096, 9000])
def test_a_file_that_was_cut_short_is_moved_aside_and_a_new_one_begun(tmp_path: Path, size: int) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 100)
    spool.close(NOON, WALL)
    with (tmp_path / "spool" / "data.mdb").open("r+b") as file:
        file.truncate(size)
    again = _spool(tmp_path / "spool")
    _fill(again, 1)

    assert _numbers(again) == [1]
    if size:  # an empty file is what a new spool begins with
        assert Path(again.moved_aside).exists()


def test_messages_that_are_not_those_that_the_epochs_tell_of_are_damage(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)
    spool.close(NOON, WALL)
    with lmdb.open(str(tmp_path / "spool"), max_dbs=4) as environment:
        records = environment.open_db(b"records")
        with environment.begin(write=True) as txn:
            txn.drop(records, delete=False)
    again = _spool(tmp_path / "spool")

    assert again.moved_aside
    assert again.kept() == []


def test_an_opening_that_killed_its_process_makes_the_next_one_look_first(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)
    spool.close(NOON, WALL)
    marker = tmp_path / "spool.opening"
    marker.touch()
    again = _spool(tmp_path / "spool")

    assert _numbers(again) == [1, 2, 3, 4, 5], "the file was sound"
    assert not marker.exists()


def test_a_child_that_cannot_have_the_file_now_proves_nothing_against_it(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    _fill(spool, 5)
    spool.close(NOON, WALL)
    marker, lock = tmp_path / "spool.opening", tmp_path / "spool" / "lock.mdb"
    marker.touch()
    lock.unlink()
    lock.symlink_to(tmp_path / "nowhere" / "else")
    again = _spool(tmp_path / "spool")
    assert again.kept() == []
    assert marker.exists(), "the doubt stays"
    lock.unlink()

    again.sweep(NOON, WALL)

    assert _numbers(again) == [1, 2, 3, 4, 5]
    assert not again.moved_aside
    assert not marker.exists()


def test_what_stands_in_its_place_and_is_no_spool_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("no folder")
    spool = _spool(tmp_path / "spool")
    _fill(spool, 1)

    assert _numbers(spool) == [1]
    assert Path(spool.moved_aside).read_text() == "no folder"


def test_a_disk_that_cannot_be_written_at_the_start_is_no_room_and_tried_again(tmp_path: Path) -> None:
    marker = tmp_path / "spool.opening"
    marker.symlink_to(tmp_path / "nowhere" / "else")
    spool = _spool(tmp_path / "spool")
    with pytest.raises(NoRoom):
        _fill(spool, 1)
    marker.unlink()

    _fill(spool, 1)
    assert _numbers(spool) == [1]

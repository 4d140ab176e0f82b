"""What a courier does beside its messages: watches the clock, looks after spool and memory, hears refusals."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bus.control import Mark, Receipt
from bus.delivery.states import Flag
from tests.bus.house import House


def test_what_is_told_after_the_clock_jumped_is_numbered_in_another_epoch(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    before = house.epoch
    house.wall += 10 * 10**9
    house.say(b"two")

    assert [(kept.epoch, kept.last) for kept in house.spool.kept()] == [(before, 1), (house.epoch, 1)]


def test_what_of_memory_was_written_is_not_written_again_when_the_rest_finds_no_room(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.spool.full = True
    house.say(b"one")
    house.wall += 10 * 10**9
    house.say(b"two")
    house.spool.full, house.spool.left = False, 1
    house.pass_time(6)
    assert Flag.MEMORY in house.courier.sender.flags
    assert house.spool.status().messages == 1

    house.spool.left = None
    house.pass_time(6)
    assert Flag.MEMORY not in house.courier.sender.flags
    assert [(kept.base, kept.last) for kept in house.spool.kept()] == [(1, 1), (1, 1)]


def test_the_spool_is_looked_after_once_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    for _ in range(600):
        house.pass_time(1.0)

    assert house.spool.sweeps == 10


def test_what_a_spool_held_that_could_not_be_opened_at_the_start_goes_out_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = House(tmp_path / "spool")
    first.say(b"one", b"two")
    before = first.epoch
    first.spool.close(first.now, first.wall)

    def full(path: Path) -> bool:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("bus.spool.spool.doubtful", full)
        house = House(tmp_path / "spool", seed=2)
        house.flow()
        house.say(b"three")
    house.hear(Mark(house.epoch, 1))
    house.pass_time(60)
    house.pass_time(1)
    house.flow(stored=0)

    assert [(r.epoch == before, r.body) for r in house.roads.records[1:]] == [(True, b"one"), (True, b"two")]


def test_a_receipt_that_waited_tells_nothing_of_clocks_and_of_the_way(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    house.courier.skew_ns, window = None, house.courier.sender.pump.window
    before = window.round_trip
    house.pass_time(3.0)
    waited = Receipt("web-1", 5, 1, house.wall, (Mark(house.epoch, 1),))
    house.courier.receipt(waited, house.now, house.wall, late=True)

    assert house.courier.sender.unacknowledged == 0
    assert (house.courier.skew_ns, window.round_trip) == (None, before)


def test_whoever_is_refused_connects_anew_after_a_while(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    assert house.roads.connects == 1
    house.courier.refused(house.now, house.wall)
    assert Flag.REFUSED in house.courier.sender.flags
    house.pass_time(6)
    assert house.roads.connects == 2


def test_what_cannot_be_read_now_goes_out_when_it_can(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.spool.blind = True
    house.say(b"one")
    assert house.roads.frames == []

    house.spool.blind = False
    house.pass_time(10)
    house.pass_time(2)
    house.flow()
    assert [record.body for record in house.roads.records] == [b"one"]
    assert house.courier.sent == 1


def test_a_shut_door_is_knocked_at_once_whatever_is_to_be_sent(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.roads.open = False
    house.say(*(b"%d" % n * 10_000 for n in range(10)))

    assert (house.courier.blocked, house.courier.sent) == (1, 0)


def test_a_single_message_whose_number_another_life_has_used_gets_a_new_one(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    used = house.epoch
    house.hear(Mark(used, 10))

    assert [(kept.epoch, kept.last - kept.base + 1) for kept in house.spool.kept()] == [(used, 0), (house.epoch, 1)]

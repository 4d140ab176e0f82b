"""What a courier does beside its messages: watches the clock, looks after spool and memory, hears refusals."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from bus.control import Mark, Receipt, Reject, read_hello
from bus.delivery.retention import NoRoom
from bus.delivery.states import Event, Flag
from bus.messages import BY_CODE, KINDS
from bus.spool import SpoolLimits
from bus.wire import Record, read
from tests.bus.house import House
from tests.bus.spooling import dead


def kept(house: House) -> list[Record]:
    """All that stands in the spool."""
    found: list[bytes] = []
    for one in house.spool.kept():
        number = one.base
        while number <= one.last:
            more = house.spool.read(one.epoch, number, one.last)
            assert more
            found += more
            number += len(more)
    return [record for packed in found for record in read(packed)]


def test_what_is_told_after_the_clock_jumped_is_numbered_in_another_epoch(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    before = house.epoch
    house.wall += 10 * 10**9
    house.say(b"two")

    assert [(kept.epoch, kept.last) for kept in house.spool.kept()] == [(before, 1), (house.epoch, 1)]


@pytest.mark.parametrize("step", [2 * 10**9 + 1, -2 * 10**9 - 1])
def test_more_than_two_seconds_are_a_jump(tmp_path: Path, step: int) -> None:
    house = House(tmp_path / "spool")
    house.say(b"one")
    house.wall += step
    house.say(b"two")

    assert [kept.last for kept in house.spool.kept()] == [1, 1]


def test_a_clock_that_is_set_a_little_has_not_jumped(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    for step in (2, -2):
        house.wall += step * 10**9
        house.say(b"more")

    assert [kept.last for kept in house.spool.kept()] == [3]


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
    for _ in range(59):
        house.pass_time(1.0)
    assert house.spool.sweeps == 0
    for _ in range(541):
        house.pass_time(1.0)

    assert house.spool.sweeps == 10


def test_a_spool_that_has_no_room_to_be_looked_after_ends_nobody_and_one_in_memory_is_not(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.spool.shut = True
    house.pass_time(60)
    assert house.spool.sweeps == 1
    house.spool.shut, house.spool.full = False, True
    house.say(b"one")
    for _ in range(100):
        house.pass_time(1.0)

    assert house.spool.sweeps == 1


def test_a_hello_tells_of_what_is_in_memory_too(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.say(b"one")
    house.spool.full = True
    house.say(b"two", b"three")
    house.courier.event(Event.CONNECTED, house.now, house.wall)

    report = read_hello(house.roads.hellos[-1]).spool
    assert (report.messages, report.memory) == (3, True)


def test_of_what_the_store_will_never_take_the_newest_hundred_are_known(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    for number in range(1, 151):
        house.hear(rejects=(Reject(house.epoch, number, "kind"),))

    assert [reject.number for reject in house.courier.rejects] == list(range(51, 151))
    assert house.courier.rejected == 150


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


def test_what_gets_new_numbers_stays_on_a_full_disk_until_there_is_room_for_copies(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    bodies = [b"%d" % number for number in range(2000)]
    house.say(*bodies)
    house.flow()
    used = house.epoch
    house.spool.full = True
    house.hear(Mark(used, 5000))
    house.say(b"told meanwhile")
    house.pass_time(6)
    assert len(house.spool.read(used, 1, 2000)) == 2000
    assert house.courier.dropped == 0

    house.spool.full = False
    house.pass_time(6)
    house.flow()

    assert house.spool.read(used, 1, 2000) == []
    assert house.courier.dropped == 0
    assert [record.body for record in kept(house) if record.body != b"told meanwhile"] == bodies


def test_what_gets_new_numbers_in_memory_stays_in_memory(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.spool.full = True
    house.say(b"one", b"two")
    house.flow()
    used = house.epoch
    house.hear(Mark(used, 10))
    house.flow()
    assert house.epoch != used
    assert {(one.number, one.body) for one in house.roads.records if one.epoch == house.epoch} == {
        (1, b"one"),
        (2, b"two"),
    }
    house.spool.full = False
    house.pass_time(6)

    assert [record.body for record in kept(house)] == [b"one", b"two"]


def test_what_waits_for_new_numbers_on_a_full_disk_gets_them_from_the_next_process_too(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    bodies = [b"%d" % number for number in range(2000)]
    house.say(*bodies)
    house.flow()
    used = house.epoch
    house.hear(Mark(used, 500))
    house.spool.full = True
    house.hear(Mark(used, 5000))
    house.say(b"in memory")
    house.flow()
    dead(house.spool)
    after = House(tmp_path / "spool", seed=2)
    assert [(one.epoch, one.last, one.acked) for one in after.spool.kept()] == [(used, 2000, 500)]
    after.flow()
    after.hear(Mark(used, 5000))

    assert after.spool.read(used, 1, 2000) == []
    assert [record.body for record in kept(after)] == bodies[500:]
    assert after.courier.dropped == 0


def test_who_dies_while_messages_get_new_numbers_leaves_the_rest_to_the_next_process(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    bodies = [b"%d " % number * 1000 for number in range(1000)]
    for first in range(0, 1000, 100):
        house.say(*bodies[first : first + 100])
    house.flow()
    used = house.epoch
    house.spool.left = 1
    house.hear(Mark(used, 5000))
    dead(house.spool)
    after = House(tmp_path / "spool", seed=2)
    after.flow()
    after.hear(Mark(used, 5000))

    assert [record.body for record in kept(after)] == bodies


def test_nobody_waits_for_what_got_new_numbers_when_the_store_is_restored(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one", b"two")
    used = house.epoch
    house.hear(Mark(used, 10))
    house.flow()
    house.hear(Mark(house.epoch, 2))
    assert house.courier.sender.unacknowledged == 0
    restored = Receipt("web-1", 6, 2, house.wall, ())
    house.courier.receipt(restored, house.now, house.wall)
    hello = read_hello(house.roads.hellos[-1])
    marks = tuple(Mark(one.epoch, 0) for one in hello.offers)
    house.courier.receipt(Receipt("web-1", 6, 2, house.wall, marks, hello.nonce), house.now, house.wall)

    assert [flow.epoch for flow in house.courier.sender.flows if flow.unfinished] == [house.epoch]


def test_what_only_a_later_version_knows_gets_no_new_number_and_ends_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"of a later version", kind="facts")
    house.say(b"one")
    house.say(b"of a later version", kind="facts")
    house.say(b"two")
    used = house.epoch
    with monkeypatch.context() as patch:
        patch.delitem(BY_CODE, KINDS["facts"].code)
        house.hear(Mark(used, 10))

    assert [record.body for record in kept(house)] == [b"one", b"two"]
    assert house.courier.dropped == 2


def test_what_got_new_numbers_and_cannot_be_deleted_now_stays_and_ends_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    used = house.epoch

    def full(*_: object) -> None:
        raise NoRoom("no space left")

    monkeypatch.setattr(house.spool, "trim", full)
    house.hear(Mark(used, 10))

    assert [(one.epoch, one.last, one.acked) for one in house.spool.kept()] == [(used, 1, 1), (house.epoch, 1, 0)]
    assert house.courier.sender.base(used) == 1, "a store that is restored may ask for it"


def test_of_messages_that_only_a_later_version_knows_nothing_is_left_when_all_need_new_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"of a later version", kind="facts")
    with monkeypatch.context() as patch:
        patch.delitem(BY_CODE, KINDS["facts"].code)
        house.hear(Mark(house.epoch, 10))
    house.say(b"one")

    assert [record.body for record in kept(house)] == [b"one"]
    assert house.courier.dropped == 1


def test_of_what_waits_for_new_numbers_the_rest_gets_them_when_the_oldest_had_to_go(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(bytes=100_000))
    bodies = [b"%02d" % number * 500 for number in range(60)]
    house.say(*bodies)
    house.flow()
    house.spool.full = True
    house.hear(Mark(house.epoch, 5000))
    house.say(*[b"told meanwhile" * 70] * 30)
    house.spool.full = False
    house.pass_time(6)
    gone = house.courier.dropped

    assert 0 < gone < 60
    assert [record.body for record in kept(house) if b"told" not in record.body] == bodies[gone:]

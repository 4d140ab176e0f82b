"""What is told is durable before it is sent, numbered without holes, and sent again until it is stored."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.control import Mark, Receipt, Reject, SpoolReport, read_hello
from bus.courier import FRAME_BYTES, MEMORY_MESSAGES, _frames
from bus.delivery.states import Event, Flag, State
from bus.messages import MAX_BODY
from bus.spool import SpoolLimits
from bus.wire import RESEND, Record, pack, read
from tests.bus.house import NOON, WALL, House


def test_it_is_known_how_long_the_store_may_be_away(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(bytes=1 << 20, seconds=7 * 86_400.0))
    assert house.courier.seconds_left(NOON) is None
    for _ in range(100):
        house.say(b"body")
        house.pass_time(1.0)
    size = house.spool.status().bytes / 100
    left = house.courier.seconds_left(house.now)

    assert left is not None
    assert left == pytest.approx((1 << 20) / size - 100)


def test_what_is_told_goes_out_in_one_frame_with_the_base_and_the_time_of_sending(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one", b"two")

    (frame,) = house.roads.frames
    assert [(r.number, r.body, r.base, r.generation, r.sent) for r in read(frame)] == [
        (1, b"one", 1, 5, WALL),
        (2, b"two", 1, 5, WALL),
    ]


def test_kinds_do_not_mix_in_a_frame_and_order_is_kept(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    for kind, body in (("layout", b"names"), ("sample", b"one"), ("sample", b"two"), ("facts", b"host")):
        house.courier.tell(kind, "web-1", WALL, body)
    house.courier.flush(house.now, house.wall)

    assert [[r.kind for r in read(frame)] for frame in house.roads.frames] == [["layout"], ["sample"] * 2, ["facts"]]


def test_much_goes_out_in_several_frames_that_the_door_takes(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(*(b"%d" % n * 10_000 for n in range(10)))

    assert [record.number for record in house.roads.records] == list(range(1, 11))
    assert [len(frame) <= FRAME_BYTES for frame in house.roads.frames] == [True, True]


def test_a_frame_may_be_just_as_large_as_one_is() -> None:
    for more, frames in ((0, 1), (1, 2)):
        packed = [pack(Record("sample", "web-1", "web-1", WALL, 7, number, b"")) for number in (1, 2)]
        rest = FRAME_BYTES - sum(map(len, packed)) + more
        packed[1] = pack(Record("sample", "web-1", "web-1", WALL, 7, 2, bytes(rest)))

        assert len(_frames(packed, RESEND.pack(3, 5, WALL + 1))) == frames


@given(
    st.lists(
        st.tuples(st.sampled_from(["sample", "layout"]), st.sampled_from([0, 100, 20_000, FRAME_BYTES, MAX_BODY])),
        min_size=1,
        max_size=20,
    )
)
def test_frames_are_of_one_kind_within_the_limit_and_hold_all_in_order(told: list[tuple[str, int]]) -> None:
    packed = [
        pack(Record(kind, "web-1", "web-1", WALL, 7, number, bytes(size)))
        for number, (kind, size) in enumerate(told, 1)
    ]
    frames = [(frame, count, read(frame)) for frame, count in _frames(packed, RESEND.pack(3, 5, WALL + 1))]

    records = [record for _, _, held in frames for record in held]
    assert [(one.number, one.kind, len(one.body)) for one in records] == [(n, *one) for n, one in enumerate(told, 1)]
    assert {(one.base, one.generation, one.sent) for one in records} == {(3, 5, WALL + 1)}
    for frame, count, held in frames:
        assert count == len(held)
        assert len({one.kind for one in held}) == 1
        assert count == 1 or len(frame) <= FRAME_BYTES
    for (frame, _, held), (_, _, after) in pairwise(frames):
        together = len(frame) + len(packed[after[0].number - 1])
        assert held[0].kind != after[0].kind or together > FRAME_BYTES, "no frame is more than is needed"


def test_without_a_connection_messages_are_kept_and_go_out_when_there_is_one(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.say(b"one")
    assert house.roads.frames == []
    house.flow()

    assert [record.body for record in house.roads.records] == [b"one"]


def test_a_killed_process_leaves_its_messages_to_the_next_one(tmp_path: Path) -> None:
    first = House(tmp_path / "spool")
    first.say(b"one", b"two")
    epoch = first.epoch
    first.spool.close(first.now, first.wall)
    second = House(tmp_path / "spool")
    second.flow()

    assert [(r.epoch, r.number, r.body) for r in second.roads.records] == [(epoch, 1, b"one"), (epoch, 2, b"two")]
    assert second.epoch != epoch


def test_a_receipt_settles_rejects_and_shows_how_far_the_clocks_are_apart(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one", b"two")
    house.hear(Mark(house.epoch, 2), rejects=(Reject(house.epoch, 2, "malformed"),))

    assert house.courier.sender.unacknowledged == 0
    assert house.spool.kept()[-1].acked == 2
    assert (house.courier.rejected, house.courier.rejects[0].number, house.courier.skew_ns) == (1, 2, 7)


def test_a_receipt_for_somebody_else_is_nothing_to_us(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    house.courier.receipt(Receipt("web-2", 5, 1, 0, (Mark(house.epoch, 1),)), house.now, house.wall)

    assert house.courier.sender.unacknowledged == 1


def test_a_shut_door_is_tried_again_from_where_it_shut(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.roads.open = False
    house.say(b"one", b"two")
    house.roads.open = True
    house.pass_time(0.1)

    assert [record.body for record in house.roads.records] == [b"one", b"two"]
    assert house.courier.blocked == 1


def test_while_the_disk_is_full_the_newest_messages_are_kept_in_memory_and_sent(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"before")
    before = house.epoch
    house.spool.full = True
    house.say(b"full")

    assert Flag.MEMORY in house.courier.sender.flags
    assert house.epoch != before, "nobody knows what of it is on the disk: its numbers are not given again"
    assert [record.body for record in house.roads.records] == [b"before", b"full"]
    house.spool.full = False
    house.pass_time(6)
    assert Flag.MEMORY not in house.courier.sender.flags
    assert house.spool.status().messages == 2
    house.say(b"after")
    assert house.spool.status().messages == 3


def test_a_full_disk_is_tried_every_five_seconds_and_wakes_nobody_in_between(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.spool.full = True
    house.say(b"full")
    for _ in range(30):
        assert house.courier.due(house.now) == pytest.approx(5.0)
        house.pass_time(2.5)
        assert house.courier.due(house.now) == pytest.approx(2.5)
        house.pass_time(2.5)

    house.spool.full = False
    house.pass_time(5)
    assert house.spool.status().messages == 1


def test_what_the_store_has_of_memory_is_not_written_to_the_disk(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.spool.full = True
    house.say(b"one", b"two")
    house.courier.event(Event.CONNECTED, house.now, house.wall)
    assert read_hello(house.roads.hellos[-1]).spool == SpoolReport(0, 2, 0, True)
    house.hear(Mark(house.epoch, 2))
    house.spool.full = False
    house.pass_time(6)
    assert house.spool.status().messages == 0

    house.say(b"three")
    assert [(kept.base, kept.last) for kept in house.spool.kept()] == [(3, 3)]


def test_what_is_in_memory_at_the_end_is_made_durable_if_the_disk_has_room_again(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.spool.full = True
    house.say(b"full")
    house.spool.full = False
    house.courier.close(house.now, house.wall)

    assert House(tmp_path / "spool").spool.status().messages == 1


def test_what_memory_cannot_hold_is_dropped_oldest_first_and_counted(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.spool.full = True
    for n in range(MEMORY_MESSAGES + 5):
        house.say(b"%d" % n)
    house.flow()

    assert house.courier.dropped == 5
    assert house.roads.records[0].body == b"5"
    assert house.roads.records[0].base == 6
    house.spool.full = False
    house.pass_time(6)
    assert house.courier.dropped == 5


def test_a_full_spool_drops_the_oldest_and_tells_by_its_base(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(bytes=100_000))
    for _ in range(200):
        house.say(b"x" * 1000)
    house.flow()
    first = house.roads.records[0]

    assert house.courier.dropped > 50
    assert first.base == first.number == house.courier.dropped + 1


def test_what_a_full_spool_dropped_is_told_by_when_it_was_measured(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(bytes=100_000))
    for _ in range(200):
        house.say(b"x" * 1000)
        house.pass_time(1.0)
    last = time.strftime("%H:%M:%S", time.gmtime(WALL // 10**9 + house.courier.dropped - 1))

    assert house.courier.went() == f"; what was measured from 2023-11-14 22:13:20Z to 2023-11-14 {last}Z is lost"
    assert house.courier.went() == ""


def test_a_silent_store_gets_everything_again(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one")
    house.pass_time(10)
    assert house.courier.sender.state is State.WAITING
    house.pass_time(2)
    hello = read_hello(house.roads.hellos[-1])
    house.hear(*(Mark(o.epoch, 0) for o in hello.offers), answer=hello.nonce)

    assert [record.body for record in house.roads.records] == [b"one", b"one"]


def test_a_clock_that_jumped_is_noticed_also_by_who_says_nothing(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.pass_time(1)
    before = house.epoch
    house.wall += 10 * 10**9
    house.pass_time(1)

    assert house.epoch != before


def test_messages_whose_numbers_another_life_has_used_go_out_under_new_ones(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one", b"two", b"three")
    used = house.epoch
    house.hear(Mark(used, 1))
    house.hear(Mark(used, 10))
    hello = read_hello(house.roads.hellos[-1])
    house.hear(*(Mark(o.epoch, 0) for o in hello.offers), answer=hello.nonce)

    moved = [(r.number, r.body) for r in house.roads.records if r.epoch == house.epoch != used]
    assert moved == [(1, b"two"), (2, b"three")]
    assert house.spool.read(used, 1, 3) == []
    assert house.spool.status().messages == 2


def test_in_a_full_spool_messages_that_get_new_numbers_make_room_for_themselves_alone(tmp_path: Path) -> None:
    first = House(tmp_path / "spool", SpoolLimits(bytes=100_000))
    first.say(*[b"x" * 1000] * 30)
    first.spool.close(first.now, first.wall)
    house = House(tmp_path / "spool", SpoolLimits(bytes=100_000))
    house.say(*[b"y" * 1000] * 40)
    house.flow()
    house.hear(Mark(house.epoch, 100))

    assert house.courier.dropped == 0
    assert [kept.last - kept.base + 1 for kept in house.spool.kept()] == [30, 0, 40]


def test_what_cannot_be_read_when_it_needs_new_numbers_is_counted_and_not_deleted(tmp_path: Path) -> None:
    house = House(tmp_path / "spool")
    house.flow()
    house.say(b"one", b"two", b"three")
    used = house.epoch
    house.spool.blind = True
    house.hear(Mark(used, 10))
    house.spool.blind = False

    assert house.courier.dropped == 3
    assert len(house.spool.read(used, 1, 3)) == 3


def test_what_is_too_old_goes_once_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(seconds=100.0, mark_seconds=10.0))
    house.say(b"one")
    for _ in range(4):
        house.pass_time(61)

    assert (house.spool.status().messages, house.courier.dropped) == (0, 1)
    assert house.courier.sender.unacknowledged == 0


def test_a_spool_whose_oldest_go_for_their_age_is_full_all_the_while(tmp_path: Path) -> None:
    house = House(tmp_path / "spool", SpoolLimits(seconds=1200.0))
    flags = []
    for _ in range(400):
        house.say(b"one")
        house.pass_time(10)
        flags.append(Flag.SPOOL_FULL in house.courier.sender.flags)

    assert house.courier.dropped > 100
    assert flags == sorted(flags)


def test_at_the_end_what_was_told_is_made_durable(tmp_path: Path) -> None:
    first = House(tmp_path / "spool")
    first.courier.tell("sample", "web-1", WALL, b"last words")
    first.courier.close(first.now, first.wall)

    assert House(tmp_path / "spool").spool.status().messages == 1

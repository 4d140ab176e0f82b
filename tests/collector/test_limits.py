"""An allowance is what it says: full at first, given back with time, each sender's own, and paid for by nobody else."""

from __future__ import annotations

import contextlib
import random
from zlib import crc32

import pytest

from bus.messages import KINDS, Check, Layout, Sample
from bus.wire import Malformed, pack, read, record
from collector.intake import Intake, Partly
from collector.limits import LIVE_SECONDS, MOST_LAYOUTS, MOST_SENDERS, Allowance, Limits, Places, Quota
from collector.novelty import DAY_SECONDS

NOON = 1_769_860_800 * 10**9
SMALL = Allowance(messages=10, bytes=10_000, hellos=2, layout_bytes=100, epochs=3, metrics=6, subjects=2)


def let_in(sender: Quota, frames: int, size: int = 10) -> int:
    """How many of so many frames pass."""
    passed = 0
    for _ in range(frames):
        try:
            sender.frame(size)
            passed += 1
        except Malformed:
            continue
    return passed


def test_two_seconds_allowance_passes_at_once_and_one_seconds_each_second_after() -> None:
    limits = Limits(SMALL)
    assert let_in(limits.of("web-1", 0.0), 100) == 20
    assert let_in(limits.of("web-1", 1.0), 100) == 10
    assert let_in(limits.of("web-1", 100.0), 100) == 20


def test_bytes_are_counted_beside_messages() -> None:
    limits = Limits(SMALL)
    assert let_in(limits.of("web-1", 0.0), 100, size=4000) == 5


def test_a_frame_larger_than_the_allowance_passes_once_and_is_paid_off_afterwards() -> None:
    limits = Limits(SMALL)
    assert let_in(limits.of("web-1", 0.0), 1, size=50_000) == 1
    assert let_in(limits.of("web-1", 2.9), 1) == 0
    assert let_in(limits.of("web-1", 3.1), 1) == 1


def test_one_senders_excess_is_no_others() -> None:
    limits = Limits(SMALL)
    let_in(limits.of("web-1", 0.0), 1000)
    assert let_in(limits.of("web-2", 0.0), 20) == 20


def test_many_records_in_one_frame_count_as_many_messages() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    frame = b"".join(_sample(number, epoch=1) for number in range(1, 31))
    assert intake.admit(frame, "web-1", _opened(limits, 0.0)) == "sample"
    with pytest.raises(Malformed, match="10 messages"):
        limits.of("web-1", 0.9).frame(1)
    limits.of("web-1", 1.1).frame(1)


def test_a_producer_that_catches_up_is_served_at_its_allowance_and_not_below() -> None:
    """It sends all it has, again and again: what is refused costs it nothing."""
    limits, passed = Limits(SMALL), 0
    for tenth in range(100):
        passed += let_in(limits.of("web-1", tenth / 10), 50)
    assert 110 <= passed <= 121


def test_whoever_goes_on_far_above_its_allowance_is_hopeless_and_whoever_is_a_little_above_is_not() -> None:
    limits = Limits(SMALL)
    twice = limits.of("web-1", 0.0)
    for tenth in range(600):
        let_in(limits.of("web-1", tenth / 10), 2)
    assert not twice.hopeless
    flood = limits.of("web-2", 0.0)
    let_in(flood, 200)
    assert flood.hopeless
    heavy = limits.of("web-3", 0.0)
    let_in(heavy, 40, size=5000)
    assert heavy.hopeless, "a few large frames are as much"


def test_a_flood_of_epochs_is_refused_and_the_epochs_under_way_go_on() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    for epoch in (1, 2, 3):
        intake.admit(_sample(1, epoch), "web-1", _opened(limits, 0.0))
    with pytest.raises(Malformed, match="3 epochs") as refused:
        intake.admit(_sample(1, 4), "web-1", _opened(limits, 1.0))
    assert refused.value.reason == "epochs"
    intake.admit(_sample(2, 3), "web-1", _opened(limits, 1.0))
    intake.admit(_sample(1, 5), "web-1", _opened(limits, 61.0))


def test_a_flood_of_subjects_is_refused() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    for name in ("shop", "mail"):
        intake.admit(_check(name), "web-1", _opened(limits, 0.0))
    with pytest.raises(Malformed, match="2 new subjects a day") as refused:
        intake.admit(_check("wiki"), "web-1", _opened(limits, 60.0))
    assert refused.value.reason == "subjects"
    intake.admit(_check("shop"), "web-1", _opened(limits, 60.0))
    intake.admit(_check("wiki"), None, _opened(limits, 60.0, "web-2"))


def test_metrics_that_are_invented_are_refused_and_known_ones_and_others_are_not() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    intake.admit(_layout("load.1m", "load.5m"), "web-1", _opened(limits, 0.0))
    refused = 0
    for number in range(100):
        try:
            intake.admit(_layout(f"disk[{number}].free"), "web-1", _opened(limits, 60.0 * number))
        except Malformed as fault:
            refused += (fault.reason, str(fault)) == ("metrics", "names more than 6 new metrics a day")
    assert refused == 98, "each layout counts as one more"
    intake.admit(_layout("load.1m", "load.5m"), "web-1", _opened(limits, 6000.0))
    with pytest.raises(Malformed, match="6 new metrics"):
        intake.admit(_layout("load.5m", "load.1m"), "web-1", _opened(limits, 6000.0))
    intake.admit(_layout("disk[99].free"), None, _opened(limits, 6000.0, "web-2"))
    intake.admit(_layout("disk[99].free"), "web-1", _opened(limits, DAY_SECONDS))


def test_known_metrics_in_ever_another_order_are_no_way_around_it() -> None:
    limits = Limits(Allowance(metrics=1000))
    names, chance, passed = [f"disk[{number}].free" for number in range(500)], random.Random(1), 0
    for minute in range(1000):
        chance.shuffle(names)
        with contextlib.suppress(Malformed):
            limits.of("web-1", 60.0 * minute).layout(read(_layout(*names))[0].body)
            passed += 1
    assert 1000 // 6 < passed < 1500 // 6


def test_of_a_frame_only_what_is_new_beyond_it_is_refused() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    records = [_check(name) for name in ("shop", "wiki", "mail", "shop", "news", "wiki")]
    with pytest.raises(Partly) as refused:
        intake.admit(b"".join(records), "web-1", _opened(limits, 0.0))
    assert (refused.value.reason, refused.value.kind) == ("subjects", "check")
    assert refused.value.refused == records[2] + records[4]
    assert refused.value.rest == records[0] + records[1] + records[3] + records[5]
    with pytest.raises(Partly) as refused:
        intake.admit(records[2], "web-1", _opened(limits, 0.0))
    assert (refused.value.rest, refused.value.refused) == (b"", records[2])


def test_what_is_no_layout_is_the_stores_to_refuse() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    code = bytes((KINDS["layout"].code,))
    frame = bytearray(_layout("load.1m"))
    frame[-1] = 0xFF
    assert frame[2:3] == code
    frame[36:40] = crc32(frame[64:], crc32(frame[:36])).to_bytes(4, "big")
    assert intake.admit(bytes(frame), "web-1", _opened(limits, 0.0)) == "layout"


def test_whoever_owes_for_what_it_named_is_not_forgotten_for_being_silent() -> None:
    limits, intake = Limits(SMALL), Intake(public=True)
    intake.admit(_layout(*(f"disk[{number}].free" for number in range(6))), "web-1", _opened(limits, 0.0))
    owing = limits.of("web-1", 0.0)
    for number in range(1000):
        limits.of(f"host-{number}", LIVE_SECONDS + number)
    assert limits.of("web-1", 2000.0) is owing
    for number in range(1000):
        limits.of(f"host-{number}", 3 * DAY_SECONDS + 60 * number)
    assert limits.of("web-1", 4 * DAY_SECONDS) is not owing


def test_new_layouts_cost_their_length_and_known_ones_nothing() -> None:
    limits, intake = Limits(Allowance(layout_bytes=10)), Intake(public=True)
    first = _layout("load.1m")
    for turn in range(100):
        intake.admit(first, "web-1", _opened(limits, turn / 100))
    refused = 0
    for number in range(100):
        try:
            intake.admit(_layout(f"disk[/mnt/{number}].free"), "web-1", _opened(limits, 1.0))
        except Malformed as fault:
            refused += fault.reason == "layouts"
    assert 90 <= refused < 100
    intake.admit(first, "web-1", _opened(limits, 1.0))


def test_hellos_are_rationed() -> None:
    sender = Limits(SMALL).of("web-1", 0.0)
    for _ in range(10):
        sender.hello()
    with pytest.raises(Malformed, match="asks more"):
        sender.hello()


def test_names_that_pass_by_do_not_fill_the_memory() -> None:
    limits = Limits(SMALL)
    for number in range(MOST_SENDERS + 10):
        limits.of(f"host-{number}", 0.0)
    assert len(limits) == MOST_SENDERS


def test_whoever_fell_silent_is_forgotten_while_newcomers_come_and_whoever_speaks_is_not() -> None:
    limits = Limits(SMALL)
    for number in range(1000):
        limits.of(f"host-{number}", 0.0)
    at_work = limits.of("web-1", 0.0)
    for number in range(2000):
        limits.of(f"host-{1000 + number}", LIVE_SECONDS + number)
        assert limits.of("web-1", LIVE_SECONDS + number) is at_work
    assert len(limits) < 100


def test_rubbish_is_one_sender_and_leaves_no_quota_for_each_frame() -> None:
    limits, chance = Limits(SMALL), random.Random(7)
    own = limits.of_claimed(b"web-1", 0.0)
    for _ in range(1000):
        limits.of_claimed(b"\xff" + chance.randbytes(chance.randrange(100)), 0.0)
    assert len(limits) == 2
    assert limits.of_claimed(b"web-1", 0.0) is own
    assert limits.of_claimed(b"", 0.0) is limits.of_claimed(b"a b", 0.0)


def test_places_are_bounded() -> None:
    places = Places(2, 60.0)
    assert [places.take(one, 0.0) for one in (1, 2, 3)] == [True, True, False]


def test_a_place_is_free_again_when_whoever_had_it_was_silent_for_long() -> None:
    places = Places(2, 60.0)
    assert [places.take(one, at) for one, at in ((1, 0.0), (2, 10.0), (1, 50.0))] == [True] * 3
    assert [places.take(one, 70.0) for one in (3, 2, 1)] == [True, False, True]


def test_a_frame_of_one_message_is_paid_for_once() -> None:
    quota = Limits(SMALL).of("web-1", 0.0)
    before = quota.messages.tokens
    quota.frame(1)
    quota.spent(1)
    assert quota.messages.tokens == before - 1


def test_whoever_asks_on_and_on_is_hopeless() -> None:
    quota = Limits(SMALL).of("web-1", 0.0)
    for _ in range(10_000):
        with contextlib.suppress(Malformed):
            quota.hello()
    assert quota.hopeless


def test_of_layouts_the_last_ones_are_known() -> None:
    quota = Limits(Allowance(layout_bytes=1e9)).of("web-1", 0.0)
    bodies = [f"layout {number}".encode() for number in range(MOST_LAYOUTS + 1)]
    for body in (*bodies[:-1], bodies[0], bodies[-1]):
        quota.layout(body)
    left = quota.layout_bytes.tokens

    assert quota.layouts is not None
    assert len(quota.layouts) == MOST_LAYOUTS
    quota.layout(bodies[0])
    assert quota.layout_bytes.tokens == left
    quota.layout(bodies[1])
    assert quota.layout_bytes.tokens == left - len(bodies[1])


def _opened(limits: Limits, now: float, name: str = "web-1") -> Quota:
    return limits.of(name, now)


def _sample(number: int, epoch: int) -> bytes:
    return pack(record(Sample(1, (1.0,)), source="web-1", at=NOON, epoch=epoch, number=number))


def _check(service: str) -> bytes:
    return pack(record(Check("up"), source="web-1", subject=service, at=NOON, epoch=1, number=1))


def _layout(*names: str) -> bytes:
    return pack(record(Layout(names), source="web-1", at=NOON, epoch=1, number=1))

"""What is admitted in few steps is what the whole judgement would admit, at the same price."""

from __future__ import annotations

import struct

import pytest

from bus.messages import MAX_BODY, Sample
from bus.wire import HEADER, Malformed, pack, record
from collector.entrance import claimed
from collector.intake import Intake
from collector.limits import Allowance, Limits, Quota
from tests.collector.test_intake import renamed, sealed

NOON = 43_200.0


def _sample(number: int = 1, *, source: str = "web-1", epoch: int = 7) -> bytes:
    return pack(record(Sample(1, (1.0,)), source=source, at=1, epoch=epoch, number=number))


def _long() -> bytes:
    made = bytearray(_sample()[: HEADER.size + len("web-1")]) + bytes(MAX_BODY + 1)
    struct.pack_into(">I", made, 8, MAX_BODY + 1)
    return sealed(made)


def _intake() -> Intake:
    """One that knows web-1 and db-1."""
    intake = Intake(public=True)
    for source in ("web-1", "db-1"):
        intake.admit(_sample(source=source))
    return intake


BAD = {
    "a source that nobody looked at": _sample(source="guardia.store"),
    "no name": renamed(b"\xff\xfe"),
    "number 0": _sample(0),
    "damaged": _sample()[:-1] + b"!",
    "cut short": _sample()[:-1],
    "shorter than a header": _sample()[:40],
    "too long a body": _long(),
    "something behind it": _sample() + b"?",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_not_good_in_every_way_is_left_to_be_judged_and_all_that_came_with_it(bad: bytes) -> None:
    intake, good = _intake(), [_sample(2), _sample(3, source="db-1")]

    assert intake.usual_each(good, None, NOON) == []
    assert [intake.usual(one, None, NOON) for one in good] == [True, True]
    assert intake.usual_each([good[0], bad, good[1]], None, NOON) is None
    assert not intake.usual(bad, None, NOON)


def _pays(intake: Intake, quota: Quota, frame: bytes) -> bool:
    try:
        quota.frame(len(frame))
        intake.admit(frame, None, quota)
    except Malformed:
        return False
    return True


@pytest.mark.parametrize(
    "allowance",
    [Allowance(), Allowance(messages=1.5), Allowance(bytes=1.25 * len(_sample())), Allowance(epochs=2)],
    ids=["enough", "few messages", "few bytes", "few epochs"],
)
def test_everybody_pays_the_same_in_few_steps_as_in_many(allowance: Allowance) -> None:
    intake = _intake()
    frames = [_sample(n, source=source, epoch=7 + n // 2) for n in range(1, 7) for source in ("web-1", "db-1")]
    whole, one_by_one, at_once = Limits(allowance), Limits(allowance), Limits(allowance)
    paid = [_pays(intake, whole.of_claimed(claimed(frame), NOON), frame) for frame in frames]
    for limits in (one_by_one, at_once):
        limits.of_claimed(b"web-1", NOON - 0.1)
    # Of db-1 nobody knows yet what it may take.
    expected = [good and claimed(frame) == b"web-1" for frame, good in zip(frames, paid, strict=True)]

    assert [intake.usual(frame, one_by_one.quotas, NOON) for frame in frames] == expected
    left = intake.usual_each(frames, at_once.quotas, NOON)
    assert left == [place for place, good in enumerate(expected) if not good]
    if all(paid):
        quotas = [limits.of(b"web-1", NOON) for limits in (whole, one_by_one, at_once)]
        assert len({(quota.messages.tokens, quota.volume.tokens, quota.paid) for quota in quotas}) == 1


def test_a_frame_of_several_samples_is_paid_for_as_so_many() -> None:
    intake, limits = _intake(), Limits(Allowance(messages=50.0))
    quota = limits.of_claimed(b"web-1", NOON)

    assert intake.usual(b"".join(map(_sample, range(1, 31))), limits.quotas, NOON)
    assert quota.messages.tokens == 100 - 30

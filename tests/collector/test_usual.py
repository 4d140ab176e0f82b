"""What is admitted in few steps is what the whole judgement would admit, at the same price."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.messages import MAX_BODY, Sample
from bus.wire import HEADER, RESEND_AT, Malformed, pack, record
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


def _about(subject: str) -> bytes:
    """A sample about ``subject``, with as many bytes in all as one about its source."""
    made = bytearray(_sample(3))
    made[5] = len(subject)
    struct.pack_into(">I", made, 8, struct.unpack_from(">I", made, 8)[0] - len(subject))
    return sealed(made)


def _intake() -> Intake:
    """One that knows web-1, web-2 and db-1."""
    intake = Intake(public=True)
    for source in ("web-1", "web-2", "db-1"):
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
    "another source among it": _sample(2) + _sample(3, source="web-2"),
    "number 0 among it": _sample(2) + _sample(0) + _sample(3),
    "another epoch among it": _sample(2) + _sample(1, epoch=8),
    "a damaged one among it": _sample(2) + _sample(3)[:-1] + b"!",
    "a subject of the same length among it": _sample(2) + _about("web-1"),
    "too long bodies": _long() + _long(),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_is_not_good_in_every_way_is_left_to_be_judged_and_all_that_came_with_it(bad: bytes) -> None:
    intake, good = _intake(), [_sample(2), _sample(3, source="db-1")]

    assert intake.usual_each(good, None, NOON) == []
    assert [intake.usual(one, None, NOON) for one in good] == [True, True]
    assert intake.usual_each([good[0], bad, good[1]], None, NOON) is None
    assert not intake.usual(bad, None, NOON)


PIECES = st.tuples(
    st.sampled_from(["web-1", "web-1", "web-1", "web-2", "db-1", "x"]),
    st.sampled_from([0, 1, 2, 3, 4, 5]),
    st.sampled_from([7, 7, 7, 8]),
    st.sampled_from([1, 1, 1, 2]),
)
"""Source, number, epoch and how many values."""


@given(
    st.lists(PIECES, min_size=1, max_size=5),
    st.none() | st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)),
)
def test_only_good_samples_of_one_source_and_epoch_are_usual_and_all_of_one_form_are(
    pieces: list[tuple[str, int, int, int]], flipped: tuple[float, int] | None
) -> None:
    packed = [
        bytearray(pack(record(Sample(1, (1.0,) * values), source=source, at=1, epoch=epoch, number=number)))
        for source, number, epoch, values in pieces
    ]
    whole = True
    if flipped is not None:
        at = int(flipped[0] * len(packed[-1]))
        packed[-1][at] ^= 1 << flipped[1]
        whole = RESEND_AT <= at < HEADER.size  # what a later sending changes is not covered by the checksum
    frame = b"".join(packed)
    sources, epochs, forms = ({piece[part] for piece in pieces} for part in (0, 2, 3))
    numbered = all(number for _, number, _, _ in pieces)
    good = len(sources) == len(epochs) == len(forms) == 1 and numbered and sources != {"x"} and whole

    assert _intake().usual(frame, None, NOON) == good
    assert (_intake().usual_each([frame], None, NOON) == []) == (good and len(pieces) == 1)


def test_no_record_of_somebody_else_comes_in_behind_ones_own() -> None:
    with pytest.raises(Malformed, match="web-1 calls itself web-2"):
        _intake().admit(_sample(2) + _sample(3, source="web-2"), "web-1")


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

"""What a spool keeps in memory of what it appended just now."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.spool.recent import RECENT, RECENT_BYTES, Recent

EPOCH = 7
Batch = tuple[int, int, list[bytes]]
"""Epoch, first number, messages."""

ONE = st.sampled_from([0, 1, 1, RECENT_BYTES // 4, RECENT_BYTES // 3, RECENT_BYTES, RECENT_BYTES + 1])
MESSAGES = st.lists(ONE, min_size=1, max_size=3) | st.sampled_from([RECENT // 4, RECENT // 2, RECENT, RECENT + 1]).map(
    lambda count: [0] * count
)


def fitting(batches: list[Batch]) -> list[Batch]:
    """The newest of them that fit together, the last one at least."""
    kept: list[Batch] = []
    for batch in reversed(batches):
        together = [*kept, batch]
        count = sum(len(packed) for _, _, packed in together)
        size = sum(len(one) for _, _, packed in together for one in packed)
        if kept and (count > RECENT or size > RECENT_BYTES):
            break
        kept = together
    return kept[::-1]


@given(
    st.lists(
        st.tuples(st.just("appended"), MESSAGES, st.booleans())
        | st.tuples(st.just("acknowledged"), st.integers(0, 4), st.integers(0, 3)),
        max_size=12,
    )
)
def test_the_newest_that_fit_are_read_until_they_are_acknowledged(steps: list[tuple[str, object, object]]) -> None:
    recent, kept, epoch, number = Recent(), list[Batch](), EPOCH, 0
    for what, one, other in steps:
        if what == "appended":
            if other:
                epoch, number = epoch + 1, 0
            assert isinstance(one, list)
            packed = [bytes(size) for size in one]
            recent.add(epoch, number + 1, packed)
            kept = fitting([*kept, (epoch, number + 1, packed)])
            number += len(packed)
        else:
            assert isinstance(one, int)
            assert isinstance(other, int)
            of, watermark = epoch - other, number - one
            recent.acknowledged(of, watermark)
            while kept and kept[0][0] == of and kept[0][1] + len(kept[0][2]) - 1 <= watermark:
                del kept[0]
        assert list(recent.held) == kept
        for of, first, packed in kept:
            last = first + len(packed) - 1
            assert recent.read(of, first, last) == packed
            assert recent.read(of, last, last) == packed[-1:]


def test_of_what_was_not_appended_at_once_nothing_is_read() -> None:
    recent = Recent()
    recent.add(EPOCH, 1, [b"1", b"2", b"3"])
    recent.add(EPOCH, 4, [b"4", b"5"])
    assert recent.read(EPOCH, 2, 2) == [b"2"]
    assert recent.read(EPOCH, 4, 5) == [b"4", b"5"]
    for epoch, first, last in [(EPOCH, 3, 4), (EPOCH, 0, 1), (EPOCH, 5, 6), (EPOCH + 1, 1, 2)]:
        assert recent.read(epoch, first, last) is None

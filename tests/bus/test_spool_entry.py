"""A journal's entries: their bytes, and what is found in such a file. Pure."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.delivery.retention import Extent
from bus.spool import cost
from bus.spool.entry import LEAST, PAGE, Entry, first_life, found, packed_entry
from bus.spool.file import Totals
from bus.spool.replay import replayed
from bus.wire import HEADER

NOON = 43_200.0
WALL = 1_700_000_000 * 10**9
LIFE = 0x1122334455667788
U64 = st.integers(0, 2**64 - 1)


def test_an_entry_is_laid_out_as_it_is_told() -> None:
    data = packed_entry(LIFE, 3, 7, 41, [b"one", b"three"], 1.5, 9, [(6, 40, 44)])

    assert len(data) == PAGE
    assert data[4:] == bytes.fromhex(
        "0000005c"  # 92 bytes from here on are covered
        "1122334455667788"  # life
        "00000003"  # place
        "0000000000000007"  # epoch
        "0000000000000029"  # first number
        "3ff8000000000000"  # running
        "0000000000000009"  # generation
        "0001"  # one watermark
        "0002"  # two messages
        "0000000000000006"  # its epoch,
        "0000000000000028"  # acked,
        "000000000000002c"  # once
        "00000003"  # lengths
        "00000005"
    ) + b"onethree".ljust(PAGE - 88, b"\0")


@given(
    st.lists(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), max_size=6),
    st.lists(st.tuples(U64, U64, U64), max_size=3),
    st.floats(0, 1e9),
)
def test_what_is_written_is_found(
    batches: list[list[bytes]], marks: list[tuple[int, int, int]], running: float
) -> None:
    entries = [Entry(7, 10 * n, packed, running, n, marks) for n, packed in enumerate(batches)]
    content = b"".join(packed_entry(LIFE, place, *entry) for place, entry in enumerate(entries))
    assert len(content) % PAGE == 0

    assert found(content + bytes(2 * PAGE), LIFE) == (entries, 0)
    assert found(content, LIFE + 1) == ([], 0)
    assert first_life(content) == (LIFE if entries else None)


def test_what_an_earlier_life_left_is_not_taken_for_this_one() -> None:
    old = b"".join(packed_entry(1, place, 7, place + 1, [b"old"], 0.0, 0, []) for place in range(6))
    new = packed_entry(2, 0, 7, 7, [b"new"], 0.0, 0, []) + packed_entry(2, 1, 7, 8, [b"new"], 0.0, 0, [])

    entries, missing = found(new + old[len(new) :], 2)

    assert [(one.first, one.packed) for one in entries] == [(7, [b"new"]), (8, [b"new"])]
    assert missing == 0


@given(st.lists(st.tuples(st.sampled_from([1, 3000, 5000, 12_000]), st.booleans()), max_size=6), st.data())
def test_of_damaged_entries_those_before_the_last_whole_one_are_missed(
    sizes: list[tuple[int, bool]], data: st.DataObject
) -> None:
    content, whole = b"", list[int]()
    for place, (size, is_damaged) in enumerate(sizes):
        entry = bytearray(packed_entry(LIFE, place, 7, place, [b"x" * size], 0.0, 0, []))
        if is_damaged:
            at = data.draw(st.integers(0, LEAST + size - 1))
            entry[at] ^= 1 << data.draw(st.integers(0, 7))
        else:
            whole.append(place)
        content += entry

    entries, missing = found(content + bytes(PAGE), LIFE)

    assert [entry.first for entry in entries] == whole
    assert missing == (whole[-1] + 1 - len(whole) if whole else 0)


@given(st.binary(max_size=3 * PAGE), U64)
def test_rubbish_holds_nothing(rubbish: bytes, life: int) -> None:
    assert found(rubbish, life) == ([], 0)
    assert first_life(rubbish) is None


def test_an_entry_whose_counts_lie_is_none() -> None:
    data = bytearray(packed_entry(LIFE, 0, 7, 1, [b"one"], 0.0, 0, []))
    for at in (52, 54):  # watermarks, messages
        for lie in (1, 2, 65_535):
            if (at, lie) == (54, 1):
                continue
            wrong = bytearray(data)
            struct.pack_into(">H", wrong, at, lie)
            length = struct.unpack_from(">I", wrong, 4)[0]
            struct.pack_into(">I", wrong, 0, crc32(wrong[4 : 4 + length]))
            assert found(bytes(wrong), LIFE) == ([], 0)
    assert LEAST == 56


# -- replay ---


def _content(*entries: tuple[int, int], epoch: int = 7) -> bytes:
    """A journal of entries of one message: (place, number)."""
    pages = {place: packed_entry(LIFE, place, epoch, number, [b"x" * 100], 5.0, 3, []) for place, number in entries}
    return b"".join(pages.get(place, bytes(PAGE)) for place in range(8))


def _replay(content: bytes, wrong: str = "", life: int = LIFE, written: int = 0):  # type: ignore[no-untyped-def]
    extents, totals = {7: Extent(1, 7, 1, 4, 2, 2)}, Totals(life=life, written=written, used=10)
    return replayed(content, wrong, extents, totals, cost), extents[7], totals


def test_entries_go_on_where_the_file_ends() -> None:
    taken, extent, totals = _replay(_content((0, 5), (1, 6)))

    assert ([first for first, _ in taken.noted], taken.wrong) == ([5, 6], "")
    assert (extent.last, totals.running, totals.generation, totals.used) == (6, 5.0, 3, 10 + 2 * cost(100))


def test_what_a_damaged_entry_held_is_missed_when_others_follow() -> None:
    taken, extent, _ = _replay(_content((0, 5), (2, 9)))

    assert taken.wrong == "was damaged"
    assert [(first, len(packed)) for first, packed in taken.noted] == [(5, 1), (6, 3), (9, 1)]
    assert extent.last == 9


@pytest.mark.parametrize(
    ("content", "life", "written", "wrong"),
    [
        (_content(), LIFE, 0, ""),
        (_content((0, 5)), 99, LIFE, ""),
        (_content((0, 5)), 0, LIFE, ""),
        (_content((0, 5)), 0, 0, "is of another spool, or of this one at another time"),
        (_content((0, 5)), 99, 98, "is of another spool, or of this one at another time"),
        (_content((0, 6)), LIFE, 0, "does not go on where the spool ends"),
        (_content((0, 4)), LIFE, 0, "does not go on where the spool ends"),
        (_content((0, 5), epoch=8), LIFE, 0, "does not go on where the spool ends"),
    ],
)
def test_a_journal_that_does_not_fit_is_named_and_adds_nothing(
    content: bytes, life: int, written: int, wrong: str
) -> None:
    taken, extent, totals = _replay(content, life=life, written=written)

    assert taken == ([], wrong)
    assert (extent.last, totals.used) == (4, 10)


def test_nothing_is_taken_of_what_follows_an_entry_that_does_not_go_on() -> None:
    taken, extent, _ = _replay(_content((0, 9), (1, 5)))

    assert taken == ([], "does not go on where the spool ends")
    assert extent.last == 4


@pytest.mark.parametrize(
    ("number", "taken"), [(5 + 8 * PAGE // HEADER.size, True), (6 + 8 * PAGE // HEADER.size, False)]
)
def test_no_more_is_missed_than_a_journal_can_hold(number: int, taken: bool) -> None:
    found, extent, _ = _replay(_content((1, number)))

    assert extent.last == (number if taken else 4)
    assert found.wrong == "was damaged"


def test_a_journal_of_a_spool_that_knows_of_no_epoch_adds_nothing() -> None:
    taken = replayed(_content((0, 1)), "", {}, Totals(life=LIFE), cost)

    assert taken == ([], "does not go on where the spool ends")


def test_what_is_wrong_with_a_journal_that_nothing_depends_on_is_passed_over() -> None:
    assert _replay(b"", "is gone", life=0)[0] == ([], "")
    assert _replay(b"", "is gone")[0] == ([], "is gone")

"""What mirrors another column is read from it, bit for bit, alone and among others; what mirrors nothing is damage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.coding import ENTRY, Coded, coded_integers, coded_numbers
from store.blocks.gather import Origin, Told
from store.blocks.mirrors import MIRROR, PAYLOAD, is_mirror, mirrored, opened
from store.blocks.parts import META, SAMPLES, Part, packed
from store.blocks.pressing import Damaged
from store.blocks.scaled import Floats, Scaled
from store.sealing import numbers as plain
from store.sealing import parts_of

ROWS = 200
CHANCE = np.random.default_rng(6)
USED = CHANCE.integers(1, 10**6, ROWS) * 4096.0
WITH_HOLES = np.where(np.arange(ROWS) % 50 == 7, np.nan, USED)


def numbers(matrix: Floats) -> list[Coded]:
    told = Scaled.of(matrix)
    return mirrored(plain(told), told)


def part(columns: list[Coded], rows: int = ROWS) -> Part:
    meta = coded_integers(np.tile(np.arange(rows), (META, 1)))
    data = packed(SAMPLES, rows, [*meta, *columns])
    return Part(lambda offset, length: data[offset : offset + length], META + len(columns))


def same_bits(one: Floats, other: Floats) -> bool:
    return one.tobytes() == other.tobytes()


@pytest.mark.parametrize("column", [USED, WITH_HOLES])
@pytest.mark.parametrize("less", [True, False])
def test_what_is_the_rest_of_a_whole_takes_no_room(column: Floats, less: bool) -> None:
    other = 2.0**35 - column if less else 4096.0 + column
    matrix = np.stack([column, CHANCE.normal(0, 1, ROWS).round(2), other])
    columns = numbers(matrix)
    assert [is_mirror(one.form) for one in columns] == [False, False, True]
    made = part(columns)
    assert same_bits(made.floats(META + 2), other)
    assert same_bits(made.all_floats([META + 2]), other[None, :])
    assert same_bits(made.all_floats([META + 2, META, META + 1]), matrix[[2, 0, 1]])


def test_a_mirror_says_how_far_before_it_the_other_is_and_is_none_of_one_that_is_too_far() -> None:
    matrix = np.zeros((258, ROWS))
    matrix[1], matrix[255:] = USED, 2.0**35 - USED
    columns = numbers(matrix)
    assert [opened(one.payload)[2] for one in columns if is_mirror(one.form)] == [254, 255]
    assert same_bits(part(columns).all_floats(range(META, META + 258)), matrix)


def test_what_only_begins_alike_is_no_mirror() -> None:
    other = 2.0**35 - USED
    other[-1] += 4096
    assert not any(is_mirror(one.form) for one in numbers(np.stack([USED, other])))


def test_other_holes_are_no_mirror() -> None:
    assert not any(is_mirror(one.form) for one in numbers(np.stack([USED, 2.0**35 - WITH_HOLES])))


def test_a_mirror_of_a_mirror_is_one_of_the_first() -> None:
    columns = numbers(np.stack([USED, 2.0**35 - USED, USED + 4096, USED]))
    assert [opened(one.payload)[2] for one in columns if is_mirror(one.form)] == [1, 2, 3]


@given(
    st.lists(st.integers(-(10**6), 10**6) | st.just(None), min_size=1, max_size=150),
    st.integers(-(10**9), 10**9),
    st.sampled_from([1, 4096, 100]),
)
def test_whatever_the_numbers_they_come_back(drawn: list[int | None], whole: int, unit: int) -> None:
    column = np.array([np.nan if one is None else one / unit for one in drawn])
    matrix = np.stack([column, whole / unit - column, column + whole, -column, column * 2])
    matrix[np.isnan(matrix)] = np.nan
    assert same_bits(part(numbers(matrix), len(column)).all_floats(range(META, META + 5)), matrix)


@pytest.mark.parametrize("before", [1, 2, 200])
def test_a_mirror_of_what_is_none_is_damage(before: int) -> None:
    mirror = Coded(MIRROR, 0, 0, 0, PAYLOAD.pack(1.0, 1, before))
    made = part([*coded_numbers(Scaled.of(np.stack([USED]))), Coded(MIRROR, 0, 0, 0, PAYLOAD.pack(1.0, 1, 1)), mirror])
    if before == 2:
        assert same_bits(made.floats(META + 2), np.subtract(1.0, USED, dtype=np.float64))
        return
    with pytest.raises(Damaged, match="mirrors none"):
        made.floats(META + 2)
    with pytest.raises(Damaged, match="mirrors none"):
        made.all_floats([META + 2])


@pytest.mark.parametrize("payload", [b"", bytes(10), PAYLOAD.pack(1.0, 2, 1)])
def test_a_payload_that_is_no_mirror_is_damage(payload: bytes) -> None:
    with pytest.raises(Damaged):
        opened(payload)


def test_what_was_written_is_still_read() -> None:
    payload = bytes.fromhex("00000000000020420102")
    assert opened(payload) == (2.0**35, 1, 2)
    assert ENTRY.unpack(Coded(0x31, 0, 0, 0, payload).entry)[0] == MIRROR
    assert mirrored([], Scaled.of(np.zeros((0, 5)))) == []


def test_hosts_that_are_sealed_together_mirror_themselves_alone() -> None:
    origin = Origin(b"web-1", b"", 7, 2)
    rows = np.arange(ROWS)
    told = [
        Told(rows, rows, rows * 0, rows, np.stack(values)) for values in ((USED, USED * 2), (9.0 - USED, 8.0 - USED))
    ]
    first, second = parts_of([("web-1", origin, told[0]), ("web-2", origin, told[1])])
    for (place, data), expected in zip((first, second), told, strict=True):
        read = Part(lambda offset, length, data=data: data[offset : offset + length], place.columns)  # type: ignore[misc]
        assert expected.values is not None
        assert same_bits(read.all_floats([META, META + 1]), expected.values)

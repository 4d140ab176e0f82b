"""Columns come back bit for bit, whatever the numbers; what was changed on disk is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.blocks import spots
from store.blocks.coding import (
    BITS,
    CONSTANT,
    DICTIONARY,
    ENTRY,
    INTEGERS,
    RICED,
    Coded,
    coded_integers,
    coded_numbers,
)
from store.blocks.decoding import all_floats, all_integers, floats, integers
from store.blocks.parts import SAMPLES, Part, packed
from store.blocks.pressing import Damaged
from store.blocks.scaled import Floats, Integers, Scaled, chained, scaled, scaled_one

ANY = st.floats(width=64, allow_nan=True, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 2.0**53, 2.0**63, -(2.0**63), 1.7e308, float("nan")]
)
DECIMAL = st.integers(-(10**9), 10**9).map(lambda n: n / 100)
PAGES = st.integers(0, 10**6).map(lambda n: n * 4096.0)
FEW = st.sampled_from([1 / 3, 2 / 3, 100 / 7])
COLUMN = st.one_of(
    *(st.lists(of | st.just(float("nan")), min_size=1, max_size=80) for of in (ANY, DECIMAL, PAGES, FEW))
)
WORDS = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=80)


def coded_floats(values: Floats) -> list[Coded]:
    return coded_numbers(Scaled.of(values))


def back(coded: Coded, rows: int) -> Floats:
    return floats(ENTRY.unpack(coded.entry), coded.payload, rows)


def same_bits(one: Floats, other: Floats) -> bool:
    return one.astype(np.float64).tobytes() == other.astype(np.float64).tobytes()


@given(COLUMN)
def test_any_numbers_come_back_bit_for_bit(numbers: list[float]) -> None:
    column = np.array(numbers)
    (coded,) = coded_floats(column[None, :])
    assert same_bits(back(coded, len(column)), column)


@given(COLUMN)
def test_one_row_is_scaled_as_it_is_among_others(numbers: list[float]) -> None:
    row = np.nan_to_num(np.array(numbers))
    (whole,), (decimals,) = scaled(row[None])
    alone = scaled_one(row)
    assert (alone is None) == (decimals < 0)
    if alone is not None:
        assert (alone[0].tolist(), alone[1]) == (whole.tolist(), decimals)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60))
def test_any_bits_come_back_whatever_kind_of_nan_they_are(words: list[int]) -> None:
    column = np.array(words, np.uint64).view(np.float64)
    (coded,) = coded_floats(column[None, :])
    assert back(coded, len(column)).view(np.uint64).tolist() == words


@given(WORDS)
def test_any_integers_come_back(words: list[int]) -> None:
    (coded,) = coded_integers(np.array([words]))
    assert integers(ENTRY.unpack(coded.entry), coded.payload, len(words)).tolist() == words


def read(columns: list[Coded]) -> list[tuple[tuple[int, ...], bytes]]:
    return [(ENTRY.unpack(coded.entry), coded.payload) for coded in columns]


MOSTLY_ZERO = st.just(0.0) | DECIMAL


@given(st.integers(1, 40), st.data())
def test_a_matrix_is_its_columns(rows: int, data: st.DataObject) -> None:
    kinds = ANY, DECIMAL, PAGES, FEW, MOSTLY_ZERO, DECIMAL | st.just(float("nan"))
    kind = st.one_of(*(st.lists(of, min_size=rows, max_size=rows) for of in kinds))
    matrix = np.array(data.draw(st.lists(kind, min_size=1, max_size=9)))
    columns = coded_floats(matrix)
    for coded, numbers in zip(columns, matrix, strict=True):
        assert same_bits(back(coded, rows), numbers)
    assert same_bits(all_floats(read(columns), rows), matrix)


@given(st.integers(1, 40), st.data())
def test_a_matrix_of_integers_is_its_columns(rows: int, data: st.DataObject) -> None:
    kind = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(0, 3), st.just(0) | st.integers(0, 10**12))
    matrix = np.array(data.draw(st.lists(st.lists(kind, min_size=rows, max_size=rows), min_size=1, max_size=6)))
    columns = coded_integers(matrix)
    assert all_integers(read(columns), rows).tolist() == matrix.tolist()


def test_readings_that_several_columns_lack_together_are_coded_together_and_come_back() -> None:
    matrix = np.stack([_walk(), _walk() / 10, _walk() / 3, np.zeros(400)])
    matrix[:, ::50] = np.nan
    matrix[0, 7] = np.nan
    matrix[3, 20:30] = 5
    columns = coded_floats(matrix)
    assert same_bits(all_floats(read(columns), 400), matrix)
    assert [len(coded.payload) for coded in columns] == [len(coded_floats(row[None, :])[0].payload) for row in matrix]


def test_parts_that_follow_one_another_are_read_as_each_of_them() -> None:
    chance = np.random.default_rng(6)
    parts, matrices = [], []
    for rows in (360, 360, 360, 359, 360, 7, 1, 1):
        noise = chance.integers(0, 500, (5, rows)).astype(float)
        noise[1], noise[2], noise[3, ::5] = 7, np.cumsum(noise[2]), np.nan
        data = packed(SAMPLES, rows, coded_floats(noise))
        parts.append(Part(lambda offset, length, data=data: data[offset : offset + length], 5))  # type: ignore[misc]
        matrices.append(noise)
    whole = np.concatenate(matrices, axis=1)
    assert same_bits(chained([part.scaled(range(5)) for part in parts], whole.shape[1]).floats(), whole)
    assert same_bits(chained([part.scaled([4, 2]) for part in parts], whole.shape[1]).floats(), whole[[4, 2]])


def test_a_body_that_is_too_short_is_damaged_however_it_is_read() -> None:
    (coded,) = coded_floats(_walk()[None, :])
    entry = ENTRY.unpack(coded.entry)
    with pytest.raises(Damaged):
        all_floats([(entry, coded.payload), (entry, coded.payload)], 500)


LONG: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "a walk": lambda chance, rows: chance.integers(-50, 50, rows).cumsum() / 10,
    "a counter that speeds up": lambda chance, rows: (np.arange(rows) + chance.integers(0, 9, rows)).cumsum(),
    "pages": lambda chance, rows: chance.integers(0, 10**6, rows) * 4096,
    "now and then": lambda chance, rows: np.where(chance.random(rows) < 0.1, chance.integers(1, 10**5, rows), 0),
    "any bits": lambda chance, rows: chance.integers(-(2**63), 2**63, rows).view(np.float64),
    "with holes": lambda chance, rows: np.where(chance.random(rows) < 0.2, np.nan, chance.integers(0, 500, rows)),
}
"""Numbers of columns that are long enough for more to be tried with them."""


@given(st.integers(0, 2**32), st.integers(2040, 2600), st.lists(st.sampled_from(sorted(LONG)), min_size=1, max_size=4))
@settings(max_examples=30)
def test_long_columns_come_back_bit_for_bit(seed: int, rows: int, kinds: list[str]) -> None:
    chance = np.random.default_rng(seed)
    matrix = np.stack([np.asarray(LONG[kind](chance, rows), np.float64) for kind in kinds])
    assert same_bits(all_floats(read(coded_floats(matrix)), rows), matrix)
    whole = chance.integers(-(2**63), 2**63, (2, rows)) >> chance.integers(0, 60)
    assert all_integers(read(coded_integers(whole)), rows).tolist() == whole.tolist()


def _walk() -> Floats:
    return np.random.default_rng(1).integers(-50, 50, 400).cumsum().astype(float)


@pytest.mark.parametrize(
    ("what", "column", "form", "most"),
    [
        ("a constant", np.full(400, 17.25), CONSTANT, 8),
        ("no reading at all", np.full(400, np.nan), CONSTANT, 8),
        ("a counter", np.arange(400) * 1000.0, INTEGERS, 16),
        ("pages", _walk() * 4096, INTEGERS, 480),
        ("percents", np.round(_walk() / 100, 2), INTEGERS, 480),
        ("few values that are no decimals", np.arange(400) % 3 / 3, DICTIONARY, 130),
        ("noise", np.random.default_rng(2).random(400), BITS, 400 * 8),
    ],
)
def test_each_kind_of_numbers_has_its_form(what: str, column: Floats, form: int, most: int) -> None:
    (coded,) = coded_floats(column[None, :])
    assert (coded.form & 3, len(coded.payload) <= most) == (form, True), f"{what}: {len(coded.payload)} bytes"
    assert same_bits(back(coded, 400), column)


def test_a_flipped_bit_costs_one_column() -> None:
    matrix = np.stack([_walk(), _walk() + 1, _walk() * 2])
    data = bytearray(packed(SAMPLES, 400, coded_floats(matrix)))
    whole = Part(lambda offset, length: bytes(data[offset : offset + length]), 3)
    data[whole.size - 5] ^= 4
    assert same_bits(whole.floats(0), matrix[0])
    with pytest.raises(Damaged, match="column 2"):
        whole.floats(2)


@given(st.integers(0, 2000), st.integers(1, 255))
def test_a_changed_byte_is_never_read_as_something_else(place: int, change: int) -> None:
    matrix = np.stack([_walk(), np.full(400, 3.0)])
    data = bytearray(packed(SAMPLES, 400, coded_floats(matrix)))
    data[place % len(data)] ^= change
    try:
        part = Part(lambda offset, length: bytes(data[offset : offset + length]), 2)
        found = [part.floats(0), part.floats(1)]
    except Damaged:
        return
    raise AssertionError(f"byte {place % len(data)} was changed unnoticed: {found}")


GOLDEN = bytes.fromhex(
    "0101050006000000678e422f110100000b000000e285a33400000000080000001201b8571501000c09000000413289210102"
    "02000f000000e54f53b002080000300000005861800302e80302e8030000000002000000000000294001010100dc02000301"
    "026affa0afa0a5009600000027000000590c23779300f3a66e3b2400f8ad22774900c297653092001f4a84d124006e3b1742"
    "4900a5400beec280813e407f3f"
)


def test_what_the_first_version_wrote_is_still_read() -> None:
    part = Part(lambda offset, length: GOLDEN[offset : offset + length], 5)
    assert (part.what, part.rows) == (SAMPLES, 6)
    assert part.integers(0).tolist() == [1000, 2000, 3000, 4000, 5000, 6001]
    assert part.floats(1).tolist() == [12.5] * 6
    assert same_bits(part.floats(2), np.array([4096.0, 8192.0, np.nan, 8192.0, 0.0, -4096.0]))
    assert same_bits(part.floats(3), np.array([0.1, 0.25, 0.1, 99.99, -1.5, 0.0]))
    assert same_bits(part.floats(4), np.array([-0.0, 1e-300, 2 / 3, 1.7e308, 5e-324, 1 / 7]))


SPARSE = bytes.fromhex(
    "01010300280000000f17edb7410400000f0000007ad2ee890f010000260000007ad48404290100000f0000003abd64060100"
    "010000020003700011000100000200203bfd0000b8dddddddddd925555245555495555c2d5e53f3f3f0102000200ba70502b"
    "4a0100202745000010020401001e8005"
)


def test_what_the_first_version_wrote_of_sparse_and_repeated_numbers_is_still_read() -> None:
    part = Part(lambda offset, length: SPARSE[offset : offset + length], 3)
    sparse = np.zeros(40)
    sparse[[7, 30]] = 3, 70_000
    assert same_bits(part.floats(0), sparse)
    assert same_bits(part.floats(1), np.tile([1 / 3, 2 / 3, np.nan, 1 / 7], 10))
    assert same_bits(part.floats(2), np.arange(40.0) ** 2)


def second_version() -> tuple[Floats, Integers]:
    """Numbers of which the second version makes Rice codes: plain, with holes, sparse; and times in milliseconds."""
    rows = np.arange(120)
    noise = (rows * 7919 + rows**2 * 104_729) % 1009
    holes, sparse = noise / 100, np.where(noise % 3, 0.0, noise * 4096.0)
    holes[[5, 77]] = np.nan
    return np.stack([noise + 0.0, holes, sparse, np.full(120, 2.5)]), (rows * 1000 + noise % 7) * 1_000_000


SECOND = bytes.fromhex(
    "02010500780000007596fd2933000000203c7501005402918185c100060002000c003fa5b2470800c8ee27bafd483583275b"
    "bf85d2a19206bb219877031000c21911b4010002e80302000050b48ea45906c835a23210f83142e44115a0ea0ea1e90ce762"
    "75c78228c62a57f2a97e6acf9a55fcd53e6957f3557f2a5fe5257f294fe401000801004052b79364f6a56f2607c1dd8894a5"
    "29112388c247fa815fe2410534285e3c7a142de19e2b3d99bcd42d07b37233e7cc4e3f2407f4d2244b2f52aa49c92aff5493"
    "c9ed4ade4d81debb83e0f889cfad4311c4712a78ed2ca0828a1c2fb37987b48db731b4cde0b4e88aa48ae024fc79a21b0892"
    "554ac0851b14f42484d03df35d9139131252718a8c54639292322722624a4e3151bb75ab5756daeddbab6daa800100fbffff"
    "fffffffffffffbffffffffff080000556f26c9ed4ade4d0783bb11294a52232711848ff502bfc4420a6850bc78f4282bc33c"
    "567b3379a82a0f66e467cf989d3e480fe9a448965f5554939255fea92793d52b79360778770f83e2273eb4862711c4a9e3b4"
    "59420a2870beccf30ed236dcc6d09bc2d3a22a9228c043f1e6886c2024a52b02146c5091322624a4e31518a8c72524644e44"
    "c4949c62a31518e4a4c89c898a52731518a8898a528891010017d000042324c420000be8132da440080000abdbd5cf207c18"
    "3e8b4039c39cb8a0105a084cc05ca53a368050ff0a09c0f15a8fb000a8db15060032266464c4cc899714451a000000000000"
    "0440"
)


def test_what_the_second_version_wrote_is_still_read() -> None:
    part = Part(lambda offset, length: SECOND[offset : offset + length], 5)
    numbers, times = second_version()
    assert SECOND[0] == 2
    assert part.integers(0).tolist() == times.tolist()
    assert same_bits(part.all_floats(range(1, 5)), numbers)
    for column in range(4):
        assert same_bits(part.floats(1 + column), numbers[column])


@given(st.lists(st.integers(-(2**30), 2**30), min_size=1, max_size=300), st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_times_in_whole_units_come_back_and_take_no_room_for_what_is_never_there(counts: list[int], unit: int) -> None:
    times = np.array(counts) * unit
    (coded,) = coded_integers(times[None, :])
    (counted,) = coded_integers(np.array(counts)[None, :])
    assert integers(ENTRY.unpack(coded.entry), coded.payload, len(counts)).tolist() == times.tolist()
    assert len(coded.payload) <= max(len(counted.payload), 8) + 8


@given(st.integers(0, 2**32), st.integers(2, 400), st.data())
def test_noise_comes_back_with_holes_and_among_others(seed: int, rows: int, data: st.DataObject) -> None:
    chance = np.random.default_rng(seed)
    matrix = np.round(chance.normal(0, 10.0 ** chance.integers(0, 5, 4)[:, None], (4, rows)), 2)
    matrix[1, chance.random(rows) < 0.8] = 0
    for row in data.draw(st.sets(st.integers(0, 3))):
        matrix[row, chance.random(rows) < 0.2] = np.nan
    columns = coded_floats(matrix)
    found = all_floats([((one.form, one.width, one.decimals, one.shift), one.payload) for one in columns], rows)
    assert same_bits(found, matrix)
    for one, numbers in zip(columns, matrix, strict=True):
        assert same_bits(back(one, rows), numbers)


def bursts() -> Floats:
    """Few numbers that are not zero, and two without a reading."""
    column = np.zeros(700)
    column[[3, 90, 91, 300, 411, 650, 699]] = [7e6, 123_456, 9_999_999, 1, 5e6, 77_777, 3_141_592]
    column[[10, 600]] = np.nan
    return column


SPOTTED = bytes.fromhex(
    "02010200bc020000d4fdde67180000004d04000049000000936475bec10100003300000017b5f3e4010020cc150200d402ff"
    "dfff7ffff01000600000000020800040c0407f0140d1d8cfe296004b2fef6a0198004c012f0000000000000008002020c802"
    "5084940100c0400fb0e142c110010007000b0006000080cc4c0c520eb1461300010100000013342020222620ee868eeea68e"
    "2046cae246820a00060001803040"
)


def test_of_few_numbers_among_zeros_the_gaps_are_told_and_what_was_written_is_still_read() -> None:
    (coded,) = coded_floats(np.nan_to_num(bursts())[None, :])
    assert (coded.form, coded.width) == (0xC1, 1)
    part = Part(lambda offset, length: SPOTTED[offset : offset + length], 2)
    assert same_bits(part.floats(0), bursts())
    assert same_bits(part.all_floats([0, 1]), np.stack([bursts(), np.nan_to_num(bursts())]))


@given(
    st.integers(100, 900),
    st.lists(st.tuples(st.integers(0, 899), st.integers(1, 10**7)), min_size=1, max_size=30),
    st.sets(st.integers(0, 899), max_size=9),
)
def test_any_few_numbers_among_zeros_come_back(rows: int, few: list[tuple[int, int]], absent: set[int]) -> None:
    matrix = np.zeros((2, rows))
    for place, number in few:
        matrix[:, place % rows] = number
    matrix[1, [place % rows for place in absent]] = np.nan
    columns = coded_floats(matrix)
    found = all_floats([((one.form, one.width, one.decimals, one.shift), one.payload) for one in columns], rows)
    assert same_bits(found, matrix)
    for one, numbers in zip(columns, matrix, strict=True):
        assert same_bits(back(one, rows), numbers)


def test_residuals_are_codes_where_these_are_shorter_than_planes() -> None:
    chance = np.random.default_rng(5)
    noise = chance.integers(0, 1000, 960)
    pattern = np.tile(chance.integers(0, 1000, 48), 20)
    seldom = np.where(chance.random(960) < 0.05, chance.integers(1, 1000, 960), 0)
    values = np.stack([noise, pattern, seldom]).astype(float)
    coded = coded_floats(values)
    assert [bool(one.form & RICED) for one in coded] == [True, False, True]
    assert coded[2].width == spots.SPOTTED
    # Ten bits a reading; beside those that are there about five bits each for the gap before it.
    assert len(coded[0].payload) < 960 * 10.6 / 8
    assert len(coded[2].payload) < np.count_nonzero(seldom) * 18 / 8 + 24
    for one, row in zip(coded, values, strict=True):
        assert same_bits(back(one, 960), row)

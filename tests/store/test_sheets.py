"""Sheets give back what they are made of bit for bit, read whole or a column at a time; what was changed is refused."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.blocks.opening import Sheet, opened, samples_of
from store.blocks.parts import META, ROLLUP, SAMPLES, SIZE, reading
from store.blocks.planes import apart, united
from store.blocks.pressing import Damaged, pressed, unpressed
from store.blocks.scaled import Floats, Integers, Scaled
from store.blocks.sheets import AT_ONCE, Growing, sheets

NAN = float("nan")
ANY = st.floats(width=64, allow_nan=True, allow_infinity=True) | st.sampled_from(
    [0.0, -0.0, 5e-324, -5e-324, 2.0**53, 2.0**63, -(2.0**63), 1.7e308, NAN]
)
DECIMAL = st.integers(-(10**9), 10**9).map(lambda n: n / 100)
PAGES = st.integers(0, 10**6).map(lambda n: n * 4096.0)
SELDOM = st.just(0.0) | DECIMAL
KINDS = ANY, DECIMAL, PAGES, SELDOM, st.just(3.5), DECIMAL | st.just(NAN), st.just(7.0) | st.just(NAN)
WORD = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5) | st.integers(-9, 9).map(lambda n: n * 10**9)


def same_bits(one: Floats, other: Floats) -> bool:
    return one.shape == other.shape and one.astype(np.float64).tobytes() == other.astype(np.float64).tobytes()


def sheet(data: bytes, metrics: int) -> Sheet:
    found = opened(reading(data), META + metrics)
    assert isinstance(found, Sheet)
    return found


def meta(rows: int) -> Integers:
    return np.stack([np.arange(rows) * 10**10, np.arange(rows) % 7 * 1000, np.full(rows, -3), np.arange(rows)])


@st.composite
def hosts(draw: st.DrawFn) -> list[tuple[Integers, Floats]]:
    rows = draw(st.integers(0, 30))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        words = [draw(st.lists(WORD, min_size=rows, max_size=rows)) for _ in range(META)]
        numbers = [
            draw(st.lists(draw(st.sampled_from(KINDS)), min_size=rows, max_size=rows))
            for _ in range(draw(st.integers(1, 6)))
        ]
        found.append((np.array(words, np.int64), np.array(numbers, np.float64)))
    return found


def told_of(some: list[tuple[Integers, Floats]]) -> list[tuple[Integers, Scaled]]:
    return [(words, Scaled.of(numbers)) for words, numbers in some]


def test_sheets_of_equally_many_rows_are_read_together_as_each_alone() -> None:
    """As the hours of a day are that become one."""
    chance = np.random.default_rng(4)
    some = [
        (meta(40), chance.integers(0, most, (many, 40)).astype(float)) for many, most in ((1, 90), (3, 90), (2, 9**5))
    ]
    parts = [sheet(data, len(numbers)) for data, (_, numbers) in zip(sheets(SAMPLES, told_of(some)), some, strict=True)]
    for (when, found), (words, numbers) in zip(samples_of(parts, slice(None)), some, strict=True):
        assert when.tolist() == words.tolist()
        assert same_bits(found.floats(), numbers)


@given(hosts())
def test_whatever_is_told_comes_back_bit_for_bit_read_together_or_alone(some: list[tuple[Integers, Floats]]) -> None:
    for data, (words, numbers) in zip(sheets(SAMPLES, told_of(some)), some, strict=True):
        part = sheet(data, len(numbers))
        assert (part.what, part.rows, part.columns, part.size) == (
            SAMPLES,
            words.shape[1],
            META + len(numbers),
            len(data),
        )
        assert [part.integers(column).tolist() for column in range(META)] == words.tolist()
        columns = range(META, META + len(numbers))
        assert same_bits(part.all_floats(columns), numbers)
        assert same_bits(np.stack([part.floats(column) for column in columns]), numbers)
        for few in (slice(None), slice(0, 2), slice(1, 3)):
            when, told = part.samples(few)
            assert when.tolist() == words.tolist()
            assert same_bits(told.floats(), numbers[few])
        part.verify()


@given(hosts())
def test_several_are_the_same_bytes_as_each_alone(some: list[tuple[Integers, Floats]]) -> None:
    assert sheets(SAMPLES, told_of(some)) == [sheets(SAMPLES, [one])[0] for one in told_of(some)]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=60))
def test_any_bits_come_back_whatever_kind_of_nan_they_are(words: list[int]) -> None:
    column = np.array([words], np.uint64).view(np.float64)
    (data,) = sheets(SAMPLES, [(meta(len(words)), Scaled.of(column))])
    assert sheet(data, 1).floats(META).view(np.uint64).tolist() == words


def wide(rows: int = 4000) -> Floats:
    """Columns of every width and form, more than go into one band."""
    chance = np.random.default_rng(5)
    noise = chance.integers(0, 200, rows)
    holes = noise / 10
    holes[chance.random(rows) < 0.1] = np.nan
    more = holes * 3000
    more[17] = np.nan
    return np.stack(
        [
            noise.astype(float),
            np.round(noise * 37.25, 2),
            chance.integers(0, 5000, rows).cumsum().astype(float),
            np.full(rows, 2.0**35),
            holes,
            chance.normal(0, 1, rows),
            noise * 2.0**40,
            chance.integers(0, 2**31, rows).astype(float),
            more,
            np.where(noise < 3, noise * 1e6, 0.0),
            np.full(rows, np.nan),
            np.full(rows, -0.0),
        ]
    )


@pytest.mark.parametrize("step", [1, 7, 40, 1000])
def test_a_part_that_grows_has_the_bytes_of_one_that_is_made_at_once(step: int) -> None:
    values = np.concatenate([wide() + more for more in (0, 1.5, 3, 0.25)])
    numbers, when = Scaled.of(values), meta(values.shape[1])
    assert len(values) > AT_ONCE // values.shape[1]

    growing = Growing(ROLLUP, when, small=True)
    for first in range(0, len(values), step):
        growing.add(numbers.those(slice(first, first + step)))

    made = growing.packed()
    assert made == sheets(ROLLUP, [(when, numbers)], small=True)[0]
    assert same_bits(sheet(made, len(values)).all_floats(range(META, META + len(values))), values)
    assert growing.columns == len(when) + len(values)
    assert Growing(ROLLUP, when).packed() == sheets(ROLLUP, [(when, numbers.those(slice(0)))])[0]


def test_columns_of_several_bands_are_read_in_any_choice() -> None:
    numbers = wide()
    (data,) = sheets(SAMPLES, [(meta(4000), Scaled.of(numbers))])
    part = sheet(data, len(numbers))
    assert len(part._listed) > 2
    for wanted in ([0], [5, 3], [11, 8, 4], list(range(12)), [9, 8, 7, 6, 5, 4], [0, 2, 4, 6, 8, 10]):
        assert same_bits(part.all_floats([META + column for column in wanted]), numbers[wanted])
        assert same_bits(part.all_read().all_floats([META + column for column in wanted]), numbers[wanted])


def test_one_column_is_read_without_the_bands_of_others() -> None:
    numbers = wide()
    (data,) = sheets(SAMPLES, [(meta(4000), Scaled.of(numbers))])
    asked: list[int] = []

    def read(offset: int, length: int) -> bytes:
        asked.append(length)
        return data[offset : offset + length]

    part = opened(read, META + len(numbers))
    assert same_bits(part.floats(META), numbers[0])
    assert sum(asked) < len(data) * 0.7


def test_a_flipped_bit_costs_one_band() -> None:
    numbers = wide()
    (made,) = sheets(SAMPLES, [(meta(4000), Scaled.of(numbers))])
    data = bytearray(made)
    data[-5] ^= 4
    part = sheet(bytes(data), len(numbers))
    assert same_bits(part.floats(META), numbers[0])
    last = len(part._listed) - 1
    with pytest.raises(Damaged, match=f"the checksum of band {last} does not hold"):
        part.floats(META + 9)
    with pytest.raises(Damaged, match=f"the checksum of band {last} does not hold"):
        part.verify()


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_changed_byte_is_never_read_as_something_else(place: int, change: int) -> None:
    numbers = wide(90)
    (made,) = sheets(SAMPLES, [(meta(90), Scaled.of(numbers))])
    data = bytearray(made)
    data[place % len(data)] ^= change
    with pytest.raises(Damaged):
        opened(reading(bytes(data)), META + len(numbers)).verify()


@given(st.integers(0, 10**6))
def test_a_part_that_ends_early_is_refused(length: int) -> None:
    (data,) = sheets(SAMPLES, [(meta(90), Scaled.of(wide(90)))])
    with pytest.raises(Damaged):
        opened(reading(data[: length % len(data)]), META + 12).verify()


def forged(made: bytes, change: Callable[[bytearray], bytearray], columns: int) -> bytes:
    """The part with another table, whose checksum holds."""
    size = SIZE.unpack_from(made, 12)[0]
    table = change(bytearray(unpressed(made[16 : 16 + size], columns * 29)))
    rest = SIZE.pack(len(data := pressed(bytes(table)))) + data
    return made[:8] + SIZE.pack(crc32(rest, crc32(made[:8]))) + rest + made[16 + size :]


def test_a_table_that_cannot_be_is_refused_though_its_checksum_holds() -> None:
    numbers = wide(90)
    (made,) = sheets(SAMPLES, [(meta(90), Scaled.of(numbers))])
    columns = META + len(numbers)

    def at(place: int, value: int) -> Callable[[bytearray], bytearray]:
        return lambda table: table[:place] + bytes((value,)) + table[place + 1 :]

    assert sheet(forged(made, lambda table: table, columns), len(numbers)).rows == 90
    for change in (at(columns, 3), at(2 * columns, 200), lambda table: table[:20], lambda table: table + b"\0"):
        with pytest.raises(Damaged):
            sheet(forged(made, change, columns), len(numbers))


def test_a_frame_that_promises_more_than_there_can_be_is_not_unpacked() -> None:
    with pytest.raises(Damaged, match="3000 bytes where at most 2999 should be"):
        unpressed(pressed(b"abc" * 1000), 2999)
    with pytest.raises(Damaged, match="4611686018427387904 bytes"):
        unpressed(b"\xe0" + (2**62).to_bytes(8, "little") + b"rest", 2**20)


THIRD = bytes.fromhex(
    "03010a0006000000554096e05400000020c87d02007205101ca027690c0fde9a5555cfffedfc2a2c6aacaaba44cebe26b39f"
    "6c990285058370c3c1c9f2e5a3a8896bad938db59207f16105386f5af0980e7a9b5980663613040003020053c0224bcd0205"
    "2085fd020072471521a029ad01c01f31cae82f6f401887f8a7ba879f3da08710cc1877b0d978f72c640abfe45ca4c5d5a792"
    "48f4ca9b853b1c71e6e3d41d7fae9b6e795371943b67126ef2b1c4190eacb5040f32465003320358b30f090200c05808c004"
)


def test_what_the_third_version_wrote_is_still_read() -> None:
    part = sheet(THIRD, 6)
    assert (part.what, part.rows) == (SAMPLES, 6)
    assert part.integers(0).tolist() == [1000, 2000, 3000, 4000, 5000, 6001]
    assert part.integers(1).tolist() == [5_000_000, 4_000_000, 5_000_000, 9_000_000, 5_000_000, 5_000_000]
    assert part.integers(2).tolist() == [2**63 - 1] * 6
    assert part.integers(3).tolist() == [7, 8, 9, 10, 11, 12]
    numbers = [
        [0.1, 0.25, 0.1, 99.99, -1.5, 0.0],
        [-0.0, 1e-300, 2 / 3, 1.7e308, 5e-324, 1 / 7],
        [4096.0, 8192.0, NAN, 8192.0, 0.0, -4096.0],
        [12.5] * 6,
        [7.0, 1007.0, 2007.0, 3007.0, 4007.0, 5007.0],
        [0.0, 0.0, 0.0, 9e15, 0.0, 0.0],
    ]
    assert same_bits(part.all_floats(range(META, META + 6)), np.array(numbers))


@pytest.mark.parametrize("width", [1, 2, 4, 8])
def test_residuals_of_any_width_come_back_from_their_planes(width: int) -> None:
    words = np.random.default_rng(width).integers(0, 256**width - 1, (3, 50), np.uint64, endpoint=True)
    planes = np.empty((width, 3, 50), np.uint8)
    apart(words, planes)
    assert planes[0].tolist() == (words & np.uint64(255)).tolist()
    assert united(planes).tolist() == words.tolist()

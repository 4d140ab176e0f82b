"""A file of blocks with any damage gives right values or its damage's name: nothing else, no crash, little memory."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from store.blocks.files import Blocks
from store.blocks.gather import Origin, Told
from store.blocks.listing import Index
from store.blocks.parts import META
from store.blocks.pressing import Damaged
from store.blocks.segments import Segment, Writing
from store.blocks.stepped import Stepped
from store.care.inspecting import inspect_segment
from store.columns import steps_of
from store.joining import add_rollup
from store.sealing import parts_of, rolled_up, rollup_part, sheets_of
from store.spans import name_of
from tests.descriptors import no_more_files, opened
from tests.store.given import HOUR, MINUTE, NOON
from tests.store.test_sheets import meta, wide

ROWS, METRICS = 300, 12
NAMES = tuple(f"m{place}.value" for place in range(METRICS))
SEED = 20260131


def hosts() -> list[tuple[str, Origin, Told]]:
    words = meta(ROWS)
    told = Told(NOON + words[0], NOON + words[0] + words[1], words[2], words[3], wide(ROWS))
    return [(f"web-{n}", Origin(f"web-{n}".encode(), b"", 7, METRICS), told) for n in range(3)]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An hour: hosts as sheets, one as columns by themselves, and one's rollup."""
    path = tmp_path / "blocks" / "sample" / "raw" / "20260131T12.1h"
    writing = Writing(path)
    for piece in [*sheets_of(hosts()[:2]), *parts_of(hosts()[2:])]:
        writing.add(piece)
    rows = {origin: told for _, origin, told in hosts()[:1]}
    writing.add(rollup_part("web-9", rolled_up(rows, {7: NAMES}, ("1m",))["1m"], MINUTE))
    writing.finish(Index("sample", "raw", NOON, NOON + HOUR, (), {7: NAMES}, frozenset({(NOON, 1, 1)})))
    return path


def told(path: Path) -> dict[tuple[str, int], bytes | None]:
    """The bits of each column; None where it is said to be damaged. Raises ``Damaged`` for the whole."""
    segment = Segment(path)
    found: dict[tuple[str, int], bytes | None] = {}
    try:
        for place in segment.index.parts:
            for column in range(place.columns):
                try:
                    part = segment.part(place)
                    read = part.integers if column < (META if place.what == 1 else 2) else part.floats
                    found[place.subject, column] = np.asarray(read(column)).tobytes()
                except Damaged:
                    found[place.subject, column] = None
    finally:
        segment.close()
    return found


def damaged(data: bytes, chance: random.Random) -> bytes:
    changed, at = bytearray(data), chance.randrange(len(data))
    match chance.randrange(6):
        case 0:
            changed[at] ^= 1 << chance.randrange(8)
        case 1:
            changed[at] = (changed[at] + chance.randrange(1, 256)) % 256
        case 2:
            del changed[at:]
        case 3:
            del changed[at : at + chance.randrange(1, 5000)]
        case 4:
            changed[at : at + 512] = bytes(len(changed[at : at + 512]))
        case _:
            changed[at:at] = chance.randbytes(chance.randrange(1, 600))
    return bytes(changed)


def test_whatever_is_damaged_is_named_and_never_read_as_something_else(made: Path) -> None:
    data, right, chance = made.read_bytes(), told(made), random.Random(SEED)
    for turn in range(400):
        changed = damaged(data, chance)
        if changed == data:
            continue
        made.write_bytes(changed)
        try:
            found = told(made)
        except Damaged:
            continue
        wrong = [key for key, bits in found.items() if bits is not None and bits != right[key]]
        assert not wrong, f"turn {turn}: {wrong}"
        assert inspect_segment(made).faults, f"turn {turn}: nothing is named"


def test_an_answer_lacks_what_is_damaged_and_has_all_else(made: Path) -> None:
    segment = Segment(made)
    places = {place.subject: place for place in segment.index.parts}
    segment.close()
    data = bytearray(made.read_bytes())
    data[places["web-0"].offset + 20] ^= 1
    made.write_bytes(data)
    notes: list[str] = []
    blocks = Blocks(made.parents[2], notes.append)
    assert blocks.rows("sample", "web-0", NOON, NOON + HOUR) == []
    assert len(blocks.rows("sample", "web-1", NOON, NOON + HOUR)) == ROWS
    assert notes == [f"{made}: web-0: the checksum of a table does not hold"]
    blocks.close()


def test_a_question_about_more_files_than_stay_open_has_an_answer_of_all(tmp_path: Path) -> None:
    words = meta(ROWS)
    told = Told(NOON + words[0], NOON + words[0] + words[1], words[2], words[3], wide(ROWS))
    origin = Origin(b"web-1", b"", 7, METRICS)
    for hour in range(5):
        start = NOON + hour * HOUR
        later = Told(told.at + hour * HOUR, told.received + hour * HOUR, told.epoch, told.number, told.values)
        made = Writing(tmp_path / "sample" / "1m" / name_of(start, "1h"))
        rolled = rolled_up({origin: later}, {7: NAMES}, ("1m",))["1m"]
        add_rollup(made, "web-1", rolled, MINUTE)
        made.finish(Index("sample", "1m", start, start + HOUR, (), {}, frozenset({(start, 1, 1)})))
    notes: list[str] = []
    blocks = Blocks(tmp_path, notes.append, most_listed=1)
    grid = steps_of(NOON, NOON + 5 * HOUR - 1, HOUR, 100)
    found = Stepped(blocks).rolled("1m", "web-1", ("m0.value",), grid, NOON, NOON + 5 * HOUR)
    assert notes == []
    assert sum(int(piece.rolled.rows.sum()) for piece in found) == 5 * ROWS
    [few] = Stepped(blocks).rolled("1m", "web-1", ("m0.value",), grid, NOON, NOON + MINUTE)
    assert few.rolled.least.base is None, "what is kept of it is no part of what was read"
    assert len(opened(tmp_path)) <= 1, "the others are closed"
    blocks.close()


def test_a_file_that_goes_away_while_it_is_read_is_read_to_its_end(made: Path) -> None:
    segment, right = Segment(made), told(made)
    parts = {place.subject: segment.part(place) for place in segment.index.parts}
    made.unlink()
    assert parts["web-1"].floats(META).tobytes() == right["web-1", META]
    with no_more_files():  # nor does another file come to be under its number
        segment.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            parts["web-2"].floats(META)

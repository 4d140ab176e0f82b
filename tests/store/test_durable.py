"""What is kept as JSON with a checksum is read as it was written, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from store.blocks.missing import missing_of
from store.durable import is_damaged, read_checked, rewrite_checked
from store.pruning import deleted_of

TOLD: dict[str, dict[str, Any]] = {
    "missing.json": {"sample/20260131T12/123456": 17, "check/20260131T00/99": 3},
    "statistics.json": {"deleted": {"sample/raw": 123_456, "sample/1m": 777, "check/raw": 12}},
}


@pytest.mark.parametrize("name", TOLD)
def test_no_flipped_bit_makes_it_say_something_else(name: str, tmp_path: Path) -> None:
    path, told = tmp_path / name, TOLD[name]
    rewrite_checked(path, told)
    assert not is_damaged(path)
    data = path.read_bytes()
    missing, deleted = missing_of(tmp_path), deleted_of(tmp_path)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        if is_damaged(path):
            assert (missing_of(tmp_path), deleted_of(tmp_path)) == ({}, {})
        else:
            # The word "checksum" itself, or white space: what was told is all there.
            assert told.items() <= read_checked(path).items()
            assert (missing_of(tmp_path), deleted_of(tmp_path)) == (missing, deleted)


@pytest.mark.parametrize("name", TOLD)
def test_what_earlier_versions_wrote_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "missing.json").write_text('{"sample/20260131T12/123456": 17}')
    (tmp_path / "statistics.json").write_text('{"deleted": {"sample/raw": 7}}')
    assert not is_damaged(tmp_path / name)
    assert missing_of(tmp_path) == {"sample": 17}
    assert deleted_of(tmp_path) == {"sample/raw": 7}


def test_what_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    assert not is_damaged(tmp_path / "missing.json")
    assert missing_of(tmp_path) == deleted_of(tmp_path) == {}

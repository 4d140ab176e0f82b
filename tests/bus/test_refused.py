"""What the collector leaves of refusals is read as it was written, and rubbish as nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.refused import FILES, Refused, read, write


def test_what_was_written_is_read(tmp_path: Path) -> None:
    rows = [Refused("name", "web-7", 3, 5, "web-7 calls itself \x1b"), Refused("magic", "192.0.2.1", 1, 6, "é")]
    write(tmp_path, rows)
    assert read(tmp_path) == rows


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"reason": "rate"}]', "null", '{"a": 1}'])
def test_rubbish_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILES.format("collector")).write_text(text)
    assert read(tmp_path) == []


def test_no_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == []

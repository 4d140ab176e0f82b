"""What the collector leaves of refusals is read as it was written, and rubbish as nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus.refused import FILES, Refused, read, write

ENDLESS = '[{"reason": "rate", "sender": "web-1", "count": Infinity, "at": 1, "text": ""}]'


def test_what_was_written_is_read(tmp_path: Path) -> None:
    rows = [Refused("name", "web-7", 3, 5, "web-7 calls itself \x1b"), Refused("magic", "192.0.2.1", 1, 6, "é")]
    write(tmp_path, rows)
    assert read(tmp_path) == rows


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"reason": "rate"}]', "null", '{"a": 1}', ENDLESS])
def test_rubbish_is_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / FILES.format("collector")).write_text(text)
    assert read(tmp_path) == []


def test_the_file_of_one_collector_that_cannot_be_read_hides_none_of_another(tmp_path: Path) -> None:
    rows = [Refused("name", "web-7", 3, 5, "web-7 calls itself web-8")]
    more = [Refused("rate", "web-9", 1, 6, "too much")]
    (tmp_path / FILES.format("a")).write_text("{")
    (tmp_path / FILES.format("b")).mkdir()
    write(tmp_path, more, "d")
    write(tmp_path, rows, "c")

    assert read(tmp_path) == rows + more


def test_no_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == []

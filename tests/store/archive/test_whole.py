"""A Parquet file that carries the checksum of all of it, and is one to whoever reads Parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from store.archive.whole import MAGIC, Sink, is_whole

TABLE = pa.table({"time": list(range(500)), "value": [0.1] * 500})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of two groups of rows, with the checksum."""
    path = tmp_path / "part.parquet"
    with path.open("wb") as opened:
        sink = Sink(opened)
        writer = pq.ParquetWriter(sink, TABLE.schema)
        writer.write_table(TABLE)
        writer.write_table(TABLE)
        sink.hold()
        writer.close()
        sink.finish()
    return path


def test_it_is_a_parquet_file_and_all_of_it_is_as_it_was_written(file: Path) -> None:
    assert pq.read_table(file).equals(pa.concat_tables([TABLE, TABLE]))
    assert file.read_bytes().count(MAGIC) == 1
    assert is_whole(file, promised=True)
    assert is_whole(file, promised=False)


def test_no_byte_changes_unseen(file: Path) -> None:
    sound = file.read_bytes()
    for place in range(len(sound)):
        data = bytearray(sound)
        data[place] ^= 1 << place % 8
        file.write_bytes(data)
        assert not is_whole(file, promised=True), place


def test_a_file_of_an_earlier_version_has_no_checksum_and_is_none_the_worse_for_it(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "part.parquet")
    assert is_whole(tmp_path / "part.parquet", promised=False)
    assert not is_whole(tmp_path / "part.parquet", promised=True)

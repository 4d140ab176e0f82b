"""A file is whole or not there; what a killed export left goes with the next one, and never what another is writing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store.exporting.beside import beside


def test_what_is_whole_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("before")
    with beside(tmp_path / "out.csv") as fresh:
        fresh.write_text("whole")
        assert (tmp_path / "out.csv").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "whole"


def test_it_is_on_the_disk_before_it_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, synced = tmp_path / "out.csv", list[tuple[str, bool]]()
    monkeypatch.setattr(os, "fsync", lambda file: synced.append((os.readlink(f"/proc/self/fd/{file}"), place.exists())))
    with beside(place) as fresh:
        fresh.write_text("whole")
    assert synced == [(str(fresh), False)]


def test_what_fails_leaves_what_was_before(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("before")

    def half() -> None:
        with beside(tmp_path / "out.csv") as fresh:
            fresh.write_text("half")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        half()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_what_a_killed_one_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    others = [".out.csv.7.new.csv", ".out.csv.new", ".other.csv.7.new", "out.csv.7.new"]
    for name in [".out.csv.7.new", *others]:
        (tmp_path / name).write_text("half")
    with beside(tmp_path / "out.csv") as first:
        mine = first.rename(tmp_path / ".out.csv.8.new")  # as another process calls it
        with beside(tmp_path / "out.csv"):
            assert mine.exists()
        mine.rename(first)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "out.csv"])

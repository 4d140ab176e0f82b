"""What a batch is about outlives the process; what cannot be stored is kept aside, bounded."""

from __future__ import annotations

from pathlib import Path

from store.marker import Marker, Quarantine


def test_a_marker_is_found_after_a_death_also_when_an_earlier_one_was_longer(tmp_path: Path) -> None:
    dead = Marker(tmp_path / "under-way")
    dead.write(b"a long batch")
    dead.write(b"short")

    assert Marker(tmp_path / "under-way").found == b"short"


def test_a_clean_end_leaves_none(tmp_path: Path) -> None:
    first = Marker(tmp_path / "under-way")
    first.write(b"a batch")
    first.close()

    assert Marker(tmp_path / "under-way").found == b""


def test_the_quarantine_keeps_what_came_and_lets_the_oldest_go(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", files=3)
    for number in range(1, 6):
        quarantine.keep("web-1", 7, number, b"poison")
    files = sorted(tmp_path.glob("quarantine/*"))

    assert len(files) == 3
    assert (files[-1].name, files[-1].read_bytes()) == ("web-1-0000000000000007-5.record", b"poison")


def test_the_quarantine_is_bounded_in_bytes_too(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine", size=25)
    for number in range(1, 6):
        quarantine.keep("web-1", 7, number, b"0123456789")

    assert len(list(tmp_path.glob("quarantine/*"))) == 2

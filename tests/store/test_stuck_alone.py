"""What is remembered of a file that cannot be removed, and for how long."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from store.stuck import RETRY_SECONDS, Stuck

NOBODY = OSError("no reason is told")


class Clock:
    """A clock that stands still until it is set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A file that somebody could not remove."""
    found = tmp_path / "held"
    found.touch()
    return found


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_it_is_told_once_and_tried_again_when_it_is_due(
    held: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    known = Stuck(clock)
    known.failed(held, PermissionError(1, "Operation not permitted"), alone=True)
    clock.now += RETRY_SECONDS - 1
    assert known.waits(held)
    assert not known.remove(held), "it is not even tried"
    assert held.exists()
    assert known.due() == []
    clock.now += 1
    assert not known.waits(held)
    assert known.due() == [held]
    assert len(known) == 1
    known.failed(held, PermissionError(1, "Operation not permitted"), alone=True)
    assert known.waits(held), "it is put off anew"

    assert told(caplog) == [f"cannot remove {held}: operation not permitted; it is tried again every 10 min"]


def test_it_is_told_when_it_goes_at_last(held: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "guardia")
    known = Stuck(clock)
    known.failed(held, NOBODY)
    assert held in known
    clock.now += RETRY_SECONDS
    assert known.remove(held)
    assert not held.exists()
    assert held not in known
    assert len(known) == 0
    other = held.with_name("other")
    other.touch()
    assert known.remove(other), "of what goes at once nothing is said"

    assert told(caplog) == [
        f"cannot remove {held}: no reason is told; it is tried again every 10 min",
        f"removed {held} at last",
    ]


def test_what_somebody_comes_by_is_not_due_for_itself(held: Path, clock: Clock) -> None:
    known = Stuck(clock)
    known.failed(held, NOBODY)
    clock.now += RETRY_SECONDS

    assert not known.waits(held)
    assert known.due() == []


def test_what_is_to_stay_after_all_is_forgotten(held: Path, clock: Clock) -> None:
    known = Stuck(clock)
    known.failed(held, NOBODY, alone=True)
    known.stays(held)
    known.stays(held)
    clock.now += RETRY_SECONDS

    assert held not in known
    assert known.due() == []


def test_one_that_somebody_else_removed_is_forgotten(held: Path, clock: Clock) -> None:
    known = Stuck(clock)
    known.failed(held, NOBODY, alone=True)
    held.unlink()
    clock.now += RETRY_SECONDS

    assert known.due() == []
    assert len(known) == 0


def test_a_link_to_a_folder_goes_without_what_is_in_it(tmp_path: Path, held: Path, clock: Clock) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    held.rename(folder / "held")
    (tmp_path / "link").symlink_to(folder)
    known = Stuck(clock)

    assert known.remove(tmp_path / "link")
    assert (folder / "held").exists()
    assert known.remove(folder)
    assert not folder.exists()
    assert known.remove(folder), "it is gone already"

"""While the disk is full the newest messages are kept in memory, and what had to go is counted."""

from __future__ import annotations

import pytest

from bus.delivery.retention import Evicted
from bus.delivery.ring import Ring


def test_the_oldest_make_room_and_are_counted() -> None:
    ring = Ring(3)
    ring.append(7, 1, [b"a", b"b"])

    assert ring.append(7, 3, [b"c", b"d"]) == [Evicted(7, 2, 1)]
    assert ring.read(7, 1, 4) == [b"b", b"c", b"d"]
    assert (ring.count, ring.dropped) == (3, 1)


def test_an_older_epoch_goes_first() -> None:
    ring = Ring(2)
    ring.append(7, 1, [b"a"])
    ring.append(8, 1, [b"b"])

    assert ring.append(8, 2, [b"c"]) == [Evicted(7, 2, 1)]
    assert ring.read(7, 1, 1) is None


def test_numbers_must_follow_one_another() -> None:
    ring = Ring(3)
    ring.append(7, 1, [b"a"])

    with pytest.raises(ValueError, match="number 3 where 2 should be"):
        ring.append(7, 3, [b"c"])


def test_what_the_store_has_is_let_go_of_and_is_no_loss() -> None:
    ring = Ring(3)
    ring.append(7, 1, [b"a", b"b", b"c"])

    assert ring.settle(7, 2) == [Evicted(7, 3, 0)]
    assert ring.settle(7, 2) == []
    assert ring.settle(9, 2) == []
    assert list(ring.runs()) == [(7, 3, [b"c"])]
    assert ring.dropped == 0


def test_any_stretch_of_an_epoch_can_be_read() -> None:
    ring = Ring(9)
    ring.append(7, 1, [b"a", b"b", b"c", b"d"])
    assert ring.settle(7, 1) == [Evicted(7, 2, 0)]

    assert ring.read(7, 2, 3) == [b"b", b"c"]
    assert ring.read(7, 3, 9) == [b"c", b"d"]
    assert ring.read(7, 4, 4) == [b"d"]
    assert ring.read(7, 5, 9) == []


def test_of_empty_epochs_only_the_newest_stays() -> None:
    ring = Ring(9)
    ring.append(7, 1, [b"a"])
    ring.append(8, 1, [b"b"])
    ring.settle(8, 1)
    ring.settle(7, 1)

    assert list(ring.runs()) == [(8, 2, [])]


def test_what_is_kept_elsewhere_is_forgotten() -> None:
    ring = Ring(3)
    ring.append(7, 1, [b"a", b"b"])
    ring.forget(7)

    assert (ring.count, ring.read(7, 1, 2)) == (0, None)

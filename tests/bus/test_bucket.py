"""A token bucket."""

from __future__ import annotations

from bus.bucket import Bucket


def test_a_clock_that_stands_still_gives_nothing() -> None:
    bucket = Bucket(1.0, 5.0)
    bucket.spend(2)
    assert not bucket.open(5.0)
    assert not bucket.open(4.0)
    assert bucket.open(5.1)


def test_what_comes_back_is_bounded_and_a_debt_is_paid_first() -> None:
    bucket = Bucket(2.0, 0.0, seconds=3.0)
    bucket.spend(10)
    assert not bucket.open(2.0)
    assert bucket.open(2.5)
    assert not bucket.is_full
    bucket.open(1000.0)
    assert bucket.is_full
    assert bucket.tokens == 6.0

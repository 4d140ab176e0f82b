"""What is due when: every service at its interval, none twice, none drifting, all spread."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from prober.rounds import SOON, Rounds, phase


def played(rounds: Rounds, start: float, end: float, late: float = 0.0) -> dict[str, list[float]]:
    """When each service was told to be due, by a loop that always comes ``late``."""
    found: dict[str, list[float]] = {}
    while (at := rounds.next_due()) is not None and at <= end:
        for turn in rounds.due(at + late):
            found.setdefault(turn.name, []).append(turn.due)
    return found


def test_each_service_is_due_at_its_interval_without_drift() -> None:
    rounds = Rounds(random.Random(1).random)
    rounds.use({"shop": 10.0, "db": 30.0}, 100.0)

    # A loop that is always late moves nothing.
    found = played(rounds, 100.0, 1000.0, late=0.8)

    for name, interval in (("shop", 10.0), ("db", 30.0)):
        regular = found[name][1:]
        assert len(regular) >= 900 / interval - 2
        assert {round((at - phase(name) * interval) % interval, 6) % interval for at in regular} == {0.0}
        steps = {round(b - a, 6) for a, b in pairwise(regular)}
        assert steps == {interval}


def test_a_new_service_is_looked_at_soon() -> None:
    rounds = Rounds(lambda: 0.0)
    rounds.use({f"s{i}": 86_400.0 for i in range(100)}, 50.0)
    assert len(played(rounds, 50.0, 50.0 + SOON)) == 100


def test_jitter_puts_each_turn_off_but_moves_no_later_one() -> None:
    rounds = Rounds(random.Random(2).random, jitter=0.2)
    rounds.use({"shop": 10.0}, 0.0)
    regular = played(rounds, 0.0, 2000.0)["shop"][1:]
    offset = phase("shop") * 10.0
    put_off = [(at - offset) % 10.0 for at in regular]
    assert max(put_off) <= 2.0 + 1e-6
    assert len({round(one, 3) for one in put_off}) > 50
    assert len(regular) >= 198


def test_thousands_are_spread_over_the_interval() -> None:
    rounds = Rounds(lambda: 0.0)
    rounds.use({f"shop-{i}": 10.0 for i in range(2000)}, 0.0)
    found = played(rounds, 0.0, 60.0)
    in_second = [0] * 40
    for times in found.values():
        for at in times:
            if 20 <= at < 60:
                in_second[int(at) - 20] += 1
    assert sum(in_second) == 8000
    assert max(in_second) < 300
    assert min(in_second) > 120


def test_missed_turns_are_skipped_and_counted() -> None:
    rounds = Rounds(lambda: 0.0)
    rounds.use({"shop": 10.0}, 0.0)
    played(rounds, 0.0, 30.0)
    assert len(rounds.due(1000.0)) == 1
    assert rounds.due(1000.0) == []
    assert rounds.missed in (96, 97)
    assert (rounds.next_due() or 0) > 1000.0


def test_a_service_that_is_no_more_is_not_due_and_a_changed_one_has_new_turns() -> None:
    rounds = Rounds(lambda: 0.0)
    rounds.use({"shop": 10.0, "db": 10.0}, 0.0)
    played(rounds, 0.0, 30.0)
    rounds.use({"db": 5.0}, 30.0)
    found = played(rounds, 30.0, 100.0)
    assert set(found) == {"db"}
    assert {round(b - a, 6) for a, b in pairwise(found["db"][1:])} == {5.0}
    assert len(rounds) == 1


def test_reading_the_same_configuration_again_moves_no_turn() -> None:
    rounds = Rounds(lambda: 0.0)
    rounds.use({"shop": 10.0}, 0.0)
    played(rounds, 0.0, 25.0)
    before = rounds.next_due()
    rounds.use({"shop": 10.0}, 25.0)
    assert rounds.next_due() == before


@given(st.integers(0, 2**32), st.floats(0, 0.5), st.floats(1, 100), st.lists(st.floats(0.001, 300), max_size=30))
def test_no_service_is_due_twice_for_one_turn(seed: int, jitter: float, interval: float, naps: list[float]) -> None:
    rounds = Rounds(random.Random(seed).random, jitter)
    rounds.use({"shop": interval}, 0.0)
    now, due = 0.0, []
    for nap in naps:
        now += nap
        turns = rounds.due(now)
        assert len(turns) <= 1
        due += [turn.due for turn in turns]
        assert (rounds.next_due() or 0) > now or jitter > 0
    assert due == sorted(due)
    assert all(at <= now for at in due)

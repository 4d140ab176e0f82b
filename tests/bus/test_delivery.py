"""Nothing acknowledged is lost, nothing lost is hidden: random histories of hosts, hub, network and disks."""

from __future__ import annotations

import os

import pytest

from bus.delivery.ranges import Ranges
from bus.wire import Record, pack
from tests.bus.simulation.checker import Past, check
from tests.bus.simulation.disk import Account
from tests.bus.simulation.hub import HubDisk
from tests.bus.simulation.mutants import MUTANTS
from tests.bus.simulation.run import history

SEEDS = int(os.environ.get("DELIVERY_SEEDS", "300"))
"""How many histories are tried."""
FIRST = int(os.environ.get("DELIVERY_SEED", "0"))
"""The first one; ``DELIVERY_SEED=1234 DELIVERY_SEEDS=1`` replays one that failed."""
MUTANT_SEEDS = 200


def test_every_accepted_message_is_stored_once_or_declared_lost_in_every_history() -> None:
    outcomes = [history(seed) for seed in range(FIRST, FIRST + SEEDS)]

    assert not [str(outcome) for outcome in outcomes if outcome.verdict.faults]
    assert all(outcome.verdict.accepted > 50 for outcome in outcomes), "a history without messages proves nothing"
    assert sum(outcome.faults for outcome in outcomes) >= 3 * SEEDS


def test_a_history_is_the_same_each_time_so_that_a_failure_can_be_replayed() -> None:
    once, again = history(FIRST), history(FIRST)

    assert (once.history, once.verdict) == (again.history, again.verdict)


def test_what_a_host_began_to_number_anew_when_it_died_may_stand_under_both_numbers() -> None:
    outcome = history(1_796_117_950)

    assert "web-1 died before push" in "".join(outcome.history)
    assert not outcome.verdict.faults


@pytest.mark.parametrize("name", MUTANTS)
def test_each_known_bad_variant_of_the_protocol_is_caught(name: str) -> None:
    assert any(history(seed, MUTANTS[name]).verdict.faults for seed in range(MUTANT_SEEDS))


# -- the checker itself ---

SAID = pack(Record("sample", "web-1", "web-1", 0, epoch=7, number=1, body=b"web-1 1"))


def _past(disk: HubDisk) -> Past:
    account = Account({(7, 1): SAID}, [((7, 1), SAID)])
    return Past({"web-1": account}, disk, ever={b"web-1 1"}, restored=0)


def test_the_checker_is_content_with_what_is_stored() -> None:
    assert not check(_past(HubDisk(rows={("web-1", 7, 1): b"web-1 1"}))).faults


def test_the_checker_sees_a_message_that_is_missing() -> None:
    assert "lost: web-1 7 1" in check(_past(HubDisk())).faults[0]


def test_the_checker_sees_a_gap_for_which_there_was_no_need() -> None:
    disk = HubDisk(ledger={("web-1", 7): Ranges([(1, 1)])})

    assert check(_past(disk)).faults == ["declared gone without need: web-1 7 1"]


def test_the_checker_sees_a_message_that_is_stored_and_declared_lost() -> None:
    disk = HubDisk(rows={("web-1", 7, 1): b"web-1 1"}, ledger={("web-1", 7): Ranges([(1, 1)])})

    assert "declared gone, but stored: web-1 1" in check(_past(disk)).faults


def test_the_checker_sees_a_message_that_stands_under_two_numbers() -> None:
    disk = HubDisk(rows={("web-1", 7, 1): b"web-1 1", ("web-1", 8, 1): b"web-1 1"})

    assert "stored under two numbers" in check(_past(disk)).faults[0]

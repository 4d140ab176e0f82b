"""The drill's own judgement is sharp: a history that lost or doubled something does not pass."""

from __future__ import annotations

from collections import Counter

from bus.drill.account import Promise, judged, promises
from bus.messages import Loss

TOLD = [Promise("web-1", 7, number, 100 + number) for number in range(1, 6)]
STORED = {"web-1": Counter(one.value for one in TOLD)}


def test_a_journal_is_read_and_its_torn_end_promises_nothing() -> None:
    assert list(promises("web-1 7 1 101\nweb-1 7 2 102\nweb-1 7 3")) == TOLD[:2]


def test_what_was_promised_and_stored_once_is_kept() -> None:
    verdict = judged(TOLD, STORED, {})

    assert verdict.kept
    assert (verdict.promised, verdict.stored) == (5, 5)


def test_more_than_was_promised_may_be_stored() -> None:
    assert judged(TOLD[:3], STORED, {}).kept


def test_one_hidden_loss_breaks_it() -> None:
    verdict = judged(TOLD, {"web-1": STORED["web-1"] - Counter([103])}, {})

    assert not verdict.kept
    assert verdict.missing == [TOLD[2]]


def test_one_stored_twice_breaks_it() -> None:
    verdict = judged(TOLD, {"web-1": STORED["web-1"] + Counter([103])}, {})

    assert (verdict.kept, verdict.doubled) == (False, 1)


def test_a_declared_loss_is_told_from_a_hidden_one_and_still_no_kept_promise() -> None:
    ledger = {"web-1": [Loss("web-1", 7, 1, 3, "dropped"), Loss("web-1", 7, 2, 2, "found")]}
    verdict = judged(TOLD, {"web-1": STORED["web-1"] - Counter([101, 102, 103])}, ledger)

    assert (verdict.kept, verdict.declared, verdict.missing) == (False, 2, [TOLD[1]])


def test_another_hosts_samples_and_epochs_keep_no_promise() -> None:
    ledger = {"web-1": [Loss("web-1", 8, 1, 5, "dropped")]}

    assert judged(TOLD, {"web-2": STORED["web-1"]}, ledger).missing == TOLD

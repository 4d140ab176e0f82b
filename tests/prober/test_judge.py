"""Our own side: what did not answer is unknown while we are cut off, what answered is judged as ever."""

from __future__ import annotations

from dataclasses import replace

from prober.judge import Looked, OwnSide
from prober.outcome import Outcome

CANARIES = ("tcp://192.0.2.1:443", "tcp://192.0.2.2:443")
SILENT = Outcome("down", "no answer within 5 s while connecting", 5000.0)
WRONG = Outcome("down", "answered 500", 3.0, reached=True)
CUT = Looked(10.0, dict.fromkeys(CANARIES))
WHOLE = Looked(10.0, {CANARIES[0]: None, CANARIES[1]: 12.0})


def side(look: Looked | None = None) -> OwnSide:
    own = OwnSide(CANARIES)
    return own.looked(look) if look else own


def test_a_silent_target_is_unknown_while_our_own_side_is_cut_off() -> None:
    found = side(CUT).judged(SILENT)
    assert found.status == "unknown"
    assert found.reason.startswith("our own side has no connection")
    assert SILENT.reason in found.reason


def test_one_canary_that_answers_is_enough() -> None:
    assert side(WHOLE).judged(SILENT) == SILENT


def test_a_target_that_answered_is_judged_as_ever() -> None:
    good = Outcome("up", reached=True)
    assert side(CUT).judged(WRONG) == WRONG
    assert side(CUT).judged(good) == good


def test_a_silent_target_waits_for_a_look_that_began_after_it() -> None:
    assert side().needs_look(SILENT, 9.0)
    assert side(WHOLE).needs_look(SILENT, 10.5)
    assert not side(WHOLE).needs_look(SILENT, 9.5)
    assert not side(WHOLE).needs_look(WRONG, 10.5)


def test_without_canaries_nothing_is_doubted() -> None:
    own = OwnSide()
    assert not own.needs_look(SILENT, 1.0)
    assert own.judged(SILENT) == SILENT
    assert own.readings() == {}


def test_own_connectivity_is_told_as_readings() -> None:
    assert side(CUT).readings()["prober.connected"] == 0.0
    found = side(WHOLE).readings()
    assert found["prober.connected"] == 1.0
    assert found["canary[192.0.2.2:443].response_ms"] == 12.0


def test_an_older_look_changes_nothing() -> None:
    assert side(WHOLE).looked(replace(CUT, began=5.0)) == side(WHOLE)


def test_a_newer_look_counts_and_since_when_it_is_so_is_known() -> None:
    cut = side(WHOLE).looked(replace(CUT, began=20.0))
    assert not cut.connected
    assert cut.since == 20.0
    assert cut.looked(replace(CUT, began=25.0)).since == 20.0
    back = cut.looked(replace(WHOLE, began=30.0))
    assert (back.connected, back.since) == (True, 30.0)
    assert back.judged(SILENT) == SILENT
    assert side(replace(CUT, began=7.0)).since == 7.0


def test_before_the_first_look_nothing_is_doubted() -> None:
    assert side().connected
    assert side().judged(SILENT) == SILENT
    assert side().readings() == {}


def test_only_what_is_down_waits_for_a_look_and_is_doubted() -> None:
    for status in ("up", "degraded", "unknown"):
        assert not side().needs_look(Outcome(status), 9.0)
        assert side(CUT).judged(Outcome(status)) == Outcome(status)


def test_what_does_not_answer_either_is_named() -> None:
    assert "tcp://192.0.2.1:443 and tcp://192.0.2.2:443 do not answer either" in side(CUT).judged(SILENT).reason
    one = OwnSide(CANARIES[:1]).looked(Looked(10.0, {CANARIES[0]: None}))
    assert "no connection: tcp://192.0.2.1:443 does not answer either" in one.judged(SILENT).reason
    assert one.judged(SILENT).response_ms is None

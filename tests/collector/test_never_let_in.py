"""The store hears of records that will never get in, and only of those."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import pytest

from bus.control import Refusal, pack_refusals, read_refusals
from bus.messages import Alert, Sample
from bus.wire import CHECKSUM, FIXED, HEADER, Malformed, pack, record
from collector.intake import Intake, never_let_in

ALERT = pack(record(Alert("cpu", "firing"), source="web-1", at=0, epoch=7, number=3, base=2, generation=5))
TOLD = [Refusal("web-1", 7, 3, 2, 5, "forbidden")]


def _refused(frame: bytes, *, public: bool = True) -> list[Refusal]:
    with pytest.raises(Malformed) as fault:
        Intake(public=public).admit(frame)
    return never_let_in(frame, fault.value.reason, public=public)


def test_a_record_that_is_whole_and_not_welcome_is_told_by_its_number() -> None:
    assert _refused(ALERT) == TOLD
    assert read_refusals(b"...." + pack_refusals(TOLD), 4) == TOLD


def test_what_resending_may_mend_and_what_is_of_no_name_is_not_told() -> None:
    nameless = bytearray(ALERT)
    nameless[HEADER.size] = 0xFF
    CHECKSUM.pack_into(nameless, FIXED.size, crc32(nameless[HEADER.size :], crc32(nameless[: FIXED.size])))

    assert never_let_in(ALERT, "rate", public=True) == []
    assert never_let_in(bytes(nameless), "name", public=True) == []


def test_a_kind_from_a_newer_guardia_does_not_hold_its_producer_up_for_ever() -> None:
    newer = bytearray(ALERT)
    newer[2] = 200
    damaged = bytes(newer)
    CHECKSUM.pack_into(newer, FIXED.size, crc32(newer[HEADER.size :], crc32(newer[: FIXED.size])))

    assert _refused(bytes(newer)) == [replace(TOLD[0], why="kind")]
    assert _refused(damaged) == []


def test_a_damaged_record_may_come_whole_the_next_time() -> None:
    assert _refused(ALERT[:-1] + b"?") == []
    assert _refused(ALERT[:-1]) == []


def test_nobody_is_refused_in_the_hubs_own_names_from_outside() -> None:
    own = pack(record(Sample(1, (1.0,)), source="guardia.alerter", at=0, epoch=7, number=3))

    assert _refused(own) == []


def test_the_hubs_own_rooms_are_told_of_what_their_own_door_refuses() -> None:
    own = pack(record(Sample(1, (1.0,)), source="guardia.alerter", at=0, epoch=7, number=3))

    assert [one.source for one in never_let_in(own, "kind", public=False)] == ["guardia.alerter"]


def test_what_has_no_number_needs_no_word() -> None:
    assert (
        never_let_in(pack(record(Sample(1, (1.0,)), source="web-1", at=0, epoch=7, number=0)), "kind", public=True)
        == []
    )


def test_what_is_told_once_needs_no_word() -> None:
    assert _refused(pack(record(Alert("cpu", "firing"), source="web-1", at=0, epoch=0, number=3))) == []


@pytest.mark.parametrize("end", range(1, len(pack_refusals(TOLD))))
def test_refusals_that_are_cut_short_are_malformed(end: int) -> None:
    with pytest.raises(Malformed):
        read_refusals(pack_refusals(TOLD)[:end])

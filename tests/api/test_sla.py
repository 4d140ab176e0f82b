"""What services kept of months, over HTTP."""

from __future__ import annotations

import pytest

from alerter.config import Maintenance
from api.directory import Directory
from bus.availability import TOO_MANY
from bus.questions import Availability, AvailabilityAnswer, Unanswered
from bus.tables import Service
from tests.api import contract
from tests.api.given import MINUTE, NOON, UP, FakeCounter
from tests.api.house import House

HOUR = 60 * MINUTE
JANUARY = 1_767_225_600 * 10**9


def house() -> House:
    """A hub that watches a shop and its till; the database's backups are on Sundays at two."""
    counter = FakeCounter()
    for name in ("shop", "till"):
        counter.keep(UP, subject=name)
    services = [Service("shop", "https://shop.example", labels={"role": "web"}), Service("till", "tcp://till:1")]
    window = Maintenance("updates", "02:00", 3600.0, matches=("role=web",), days=("sun",))
    return House(counter=counter, directory=Directory.of((), services, (window,))).prime()


def test_a_month_is_asked_for_in_pieces_that_adjoin_and_ends_now() -> None:
    given = house()
    answer = given.get("/api/v1/sla?service=shop&month=2026-01")
    contract.sla(answer)
    pieces = [asked[1] for asked in given.counter.asked if asked[0] == "availability"]
    assert (pieces[0].start, pieces[-1].end) == (JANUARY, NOON)
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert {piece.horizon for piece in pieces} == {3 * MINUTE}
    row = answer["rows"][0]
    assert (row["period"], row["start"], row["end"]) == (
        "2026-01",
        "2026-01-01T00:00:00.000Z",
        "2026-01-31T12:00:00.000Z",
    )
    assert row["seconds"]["maintenance"] == 4 * 3600.0, "four Sundays until the 31st"
    assert sum(row["seconds"].values()) == (NOON - JANUARY) / 1e9
    assert row["outages"] == len(pieces)


def test_of_a_time_in_which_a_service_was_never_checked_little_is_asked() -> None:
    given = house()
    given.counter.first_at = NOON
    row = given.get("/api/v1/sla?service=shop&start=0")["rows"][0]
    pieces = [asked[1] for asked in given.counter.asked if asked[0] == "availability"]
    assert (pieces[0].start, pieces[-1].end) == (0, NOON)
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]
    assert len(pieces) < 1000
    assert max(piece.end - piece.start for piece in pieces[-2:]) <= 96 * HOUR
    assert sum(row["seconds"].values()) == NOON / 1e9


def test_maintenance_is_of_those_it_matches() -> None:
    row = house().get("/api/v1/sla?service=till&month=2026-01")["rows"][0]
    assert row["seconds"]["maintenance"] == 0


def test_rows_come_in_pages() -> None:
    given = house()
    path = "/api/v1/sla?month=2025-12,2026-01&limit=3"
    first = given.get(path)
    given.now += HOUR
    second = given.get(f"{path}&cursor={first['next']}")
    rows = first["rows"] + second["rows"]
    assert [(row["service_name"], row["period"]) for row in rows] == [
        ("shop", "2025-12"),
        ("shop", "2026-01"),
        ("till", "2025-12"),
        ("till", "2026-01"),
    ]
    assert {row["end"] for row in rows} == {"2026-01-01T00:00:00.000Z", "2026-01-31T12:00:00.000Z"}
    assert second["next"] is None


def test_a_month_begins_where_people_live() -> None:
    row = house().get("/api/v1/sla?service=shop&month=2026-01&zone=Europe/Berlin")["rows"][0]
    assert row["start"] == "2025-12-31T23:00:00.000Z"


def test_a_month_to_come_is_empty_and_unknown() -> None:
    row = house().get("/api/v1/sla?service=shop&month=2026-02")["rows"][0]
    assert (row["availability"], row["coverage"], sum(row["seconds"].values())) == (None, 0.0, 0.0)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("month=2026-13", "month"),
        ("month=january", "month"),
        ("month=2026-01&start=2026-01-01", "month"),
        ("end=2026-01-01", "start"),
        ("zone=Atlantis", "zone"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("month=" + ",".join(["2026-01"] * 61), "month"),
    ],
)
def test_what_cannot_be_obeyed_is_named(query: str, parameter: str) -> None:
    result = house().ask("GET", f"/api/v1/sla?{query}")
    assert result.status_code == 400
    assert result.json["parameter"] == parameter


def test_a_piece_with_too_many_checks_is_asked_for_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    given = house()
    answered = given.counter.availability
    asked: list[Availability] = []

    async def at_most_ten_hours(question: Availability) -> AvailabilityAnswer:
        if question.end - question.start > 10 * HOUR:
            raise Unanswered(f"more than 50000 checks between its times: {TOO_MANY}")
        asked.append(question)
        return await answered(question)

    monkeypatch.setattr(given.counter, "availability", at_most_ten_hours)
    row = given.get("/api/v1/sla?service=shop&month=2026-01")["rows"][0]
    assert (asked[0].start, asked[-1].end) == (JANUARY, NOON)
    assert [piece.start for piece in asked[1:]] == [piece.end for piece in asked[:-1]]
    assert sum(row["seconds"].values()) == (NOON - JANUARY) / 1e9

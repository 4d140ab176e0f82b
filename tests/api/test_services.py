"""Services seen from several places, how long they were up, and jobs that report."""

from __future__ import annotations

import asyncio

import pytest

from api.auth import Keyring, Token, digest_of
from api.directory import Directory
from api.received import Told
from api.resources.services import checks_between
from api.views.services import milliseconds
from api.views.uptime import seconds_in
from bus.messages import Check, Heartbeat, seen_from
from bus.questions import Stored
from bus.tables import Service
from bus.wire import read
from tests.api import contract
from tests.api.given import MINUTE, NOON, SECOND, UP, FakeCounter, heard, stored
from tests.api.house import FakeVoice, House

JOBS = Directory.of([], [Service("backup", "heartbeat:"), Service("shop", "https://shop.example")])


def seen(place: str, status: str, *, state: str = "") -> Check:
    return Check(status, "https://shop.example", place=place, state=state, error=None if status == "up" else "refused")


def house_with(*checks: tuple[Check, int]) -> House:
    counter = FakeCounter()
    house = House(counter=counter, directory=JOBS)
    for check, at in checks:
        counter.keep(check, subject="shop", at=at)
    return house


# -- places ---


def test_a_service_is_told_from_each_place_and_from_all() -> None:
    house = House(directory=JOBS)
    for place, status in (("", "up"), ("berlin", "down"), ("tokyo", "down")):
        house.hub.live.hear(heard_check(Check(status, place=place, error=None if status == "up" else "refused")))
    (shop,) = [one for one in house.prime().get("/api/v1/services")["services"] if one["name"] == "shop"]
    assert [(one["place"], one["status"]) for one in shop["places"]] == [
        ("hub", "up"),
        ("berlin", "down"),
        ("tokyo", "down"),
    ]
    assert (shop["health_status"], shop["state"], shop["reason"]) == ("down", "down", "refused")


def test_a_worker_that_starts_knows_what_each_place_saw_last() -> None:
    places = [(seen("berlin", "down"), NOON - 40 * SECOND), (seen("tokyo", "down"), NOON - 20 * SECOND)]
    house = house_with((seen("oslo", "down"), NOON - 3600 * SECOND), *places, (seen("", "up"), NOON)).prime()
    (shop,) = [one for one in house.get("/api/v1/services")["services"] if one["name"] == "shop"]
    assert [one["place"] for one in shop["places"]] == ["hub", "berlin", "tokyo"]
    assert (shop["health_status"], shop["last_status"], shop["reason"]) == ("down", "up", "refused")


def test_whoever_is_not_of_the_hub_speaks_for_its_own_place_alone() -> None:
    lie = Check("down", place="")
    assert [seen_from(source, lie) for source in ("guardia.prober", "web-1")] == ["", "web-1"]
    house = House(directory=JOBS)
    house.hub.live.hear(heard_check(Check("up")))
    house.hub.live.hear(heard_check(lie)._replace(source="web-1"))
    shop = next(one for one in house.prime().get("/api/v1/services")["services"] if one["name"] == "shop")
    assert [(one["place"], one["status"]) for one in shop["places"]] == [("hub", "up"), ("web-1", "down")]


def test_a_service_is_as_its_state_says_and_its_last_check_is_told_beside() -> None:
    house = House(directory=JOBS)
    house.hub.live.hear(heard_check(Check("down", state="up", error="refused")))
    answer = house.prime().get("/api/v1/services")
    contract.services(answer)
    shop = next(one for one in answer["services"] if one["name"] == "shop")
    assert (shop["health_status"], shop["last_status"], shop["reason"]) == ("up", "down", "refused")


def test_numbers_that_typed_clients_have_no_room_for_are_not_told() -> None:
    house = House(directory=JOBS)
    odd = Check("up", response_ms=-1.0, http_status=65_536, tls_days=2**31)
    house.hub.live.hear(heard_check(odd))
    house.counter.keep(odd, subject="shop", at=NOON)
    answer = house.prime().get("/api/v1/services")
    shop = next(one for one in answer["services"] if one["name"] == "shop")
    (row,) = house.get("/api/v1/services/shop/checks")["checks"]
    assert (shop["response_time_ms"], shop["ssl_expiry_days"]) == (None, None)
    assert (row["response_time_ms"], row["http_status_code"], row["ssl_expiry_days"]) == (None, None, None)
    assert milliseconds(1e300) is None


def test_a_slow_service_is_not_stale_between_its_checks() -> None:
    slow = Directory.of([], [Service("shop", "https://shop.example", interval=3600.0)])
    house = House(directory=slow)
    house.hub.live.hear(heard_check(Check("up")))
    house.prime().now += 2 * 3600 * SECOND
    assert house.get("/api/v1/services")["services"][0]["health_status"] == "up"
    house.now += 2 * 3600 * SECOND
    assert house.get("/api/v1/services")["services"][0]["health_status"] == "stale"


def test_a_service_of_another_place_is_forgotten_with_its_checks() -> None:
    counter = FakeCounter()
    counter.keep(seen("berlin", "down"), subject="old-shop", at=NOON)
    house = House(counter=counter).prime()
    house.now += 3600 * SECOND
    assert [one["name"] for one in house.prime().get("/api/v1/services")["services"]] == ["old-shop"]
    counter.records.clear()
    assert house.prime().get("/api/v1/services")["services"] == []


def heard_check(check: Check) -> Told:
    return heard(check, subject="shop")


# -- uptime ---


def test_unknown_time_is_neither_up_nor_down() -> None:
    start, end = NOON - 60 * MINUTE, NOON
    checks = [(start + minute * MINUTE, "", "up") for minute in range(10)]
    checks += [(start + minute * MINUTE, "", "down") for minute in range(10, 20)]
    checks += [(start + minute * MINUTE, "", "unknown") for minute in range(20, 30)]
    found = seconds_in(checks, start, end, 60.0)
    assert found == {"up": 600.0, "degraded": 0.0, "down": 600.0, "unknown": 2400.0}


def test_a_check_holds_for_two_and_a_half_intervals() -> None:
    start = NOON - 60 * MINUTE
    assert seconds_in([(start, "", "up")], start, NOON, 60.0)["up"] == 150.0
    assert seconds_in([(NOON - MINUTE, "", "up")], start, NOON, 60.0)["up"] == 60.0
    assert seconds_in([(start, "", "up"), (start + 10 * MINUTE, "", "up")], start, NOON, None)["up"] == 2100.0


def test_several_places_make_one_time() -> None:
    start = NOON - 10 * MINUTE
    checks = [(start + m * MINUTE, place, "up") for m in range(10) for place in ("a", "b", "c")]
    checks = [(at, place, "down" if place != "c" and at >= start + 5 * MINUTE else word) for at, place, word in checks]
    assert seconds_in(checks, start, NOON, 60.0) == {"up": 300.0, "degraded": 0.0, "down": 300.0, "unknown": 0.0}


def test_the_old_numbers_stand_beside_the_new_ones() -> None:
    house = house_with(*[(seen("", "up" if minute else "down"), NOON - minute * MINUTE) for minute in range(9, -1, -1)])
    answer = house.get(f"/api/v1/services/shop/uptime?since={(NOON - 20 * MINUTE) // SECOND}")
    contract.uptime(answer)
    assert (answer["total_checks"], answer["successful_checks"], answer["uptime_percentage"]) == (10, 9, 90.0)
    assert answer["up_seconds"] + answer["unknown_seconds"] == 1200.0
    assert answer["coverage"] == 0.45
    assert answer["uptime_of_known"] == 100.0


# -- jobs ---

TOKENS = Keyring(
    (
        Token("cron", digest_of("gd_cron"), "heartbeat"),
        Token("wall", digest_of("gd_wall"), "read"),
        Token("anna", digest_of("gd_anna"), "ack"),
    )
)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer gd_{token}"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_report_is_kept_before_it_is_answered(method: str) -> None:
    house = House(directory=JOBS)
    result = house.ask(method, "/api/v1/heartbeat/backup?status=down&text=disk+full")
    assert result.status_code == 200
    (stored,) = house.counter.records["heartbeat"]["backup"]
    assert read(stored.record)[0].message() == Heartbeat("down", "disk full")


def test_only_jobs_report_and_only_with_a_word_that_is_known() -> None:
    house = House(directory=JOBS)
    for path, code in (("/api/v1/heartbeat/shop", 404), ("/api/v1/heartbeat/backup?status=fine", 400)):
        result = house.ask("POST", path)
        assert result.status_code == code
        contract.error(result.json)
    assert "did you mean backup?" in house.ask("GET", "/api/v1/heartbeat/bakup").json["error"]
    assert house.counter.records == {}


def test_a_report_that_nobody_takes_is_to_be_sent_again() -> None:
    house = House(directory=JOBS)
    assert isinstance(house.hub.voice, FakeVoice)
    house.hub.voice.deaf = True
    result = house.ask("POST", "/api/v1/heartbeat/backup")
    assert (result.status_code, result.json["code"]) == (503, "not_stored")
    assert "Retry-After" in result.headers


def test_a_token_for_heartbeats_sees_nothing_and_one_for_reading_reports_nothing() -> None:
    house = House(directory=JOBS, keyring=TOKENS)
    report = "/api/v1/heartbeat/backup"
    assert [house.ask("POST", report, bearer(one)).status_code for one in ("cron", "anna", "wall")] == [200, 200, 403]
    assert [house.ask("GET", report, bearer(one)).status_code for one in ("cron", "anna", "wall")] == [200, 200, 403]
    assert house.ask("GET", "/api/v1/services", bearer("cron")).status_code == 403
    assert house.ask("HEAD", report, bearer("cron")).status_code == 405
    assert house.ask("GET", report).status_code == 401


def test_a_service_that_is_in_the_configuration_no_more_is_listed_no_longer() -> None:
    house = House(directory=Directory.of([], []))
    house.hub.live.hear(heard_check(Check("down")))
    names = [one["name"] for one in house.prime().get("/api/v1/services")["services"]]
    assert "shop" in names
    house.now += 2 * 3600 * SECOND + SECOND
    assert "shop" not in [one["name"] for one in house.get("/api/v1/services")["services"]]
    house.hub.live.hear(heard_check(Check("down", place="berlin")))
    assert "shop" in [one["name"] for one in house.get("/api/v1/services")["services"]]


def test_a_job_goes_by_one_address_everywhere() -> None:
    house = House(directory=JOBS)
    assert [one["url"] for one in house.prime().get("/api/v1/services")["services"]] == [
        "heartbeat:backup",
        "https://shop.example",
    ]


@pytest.mark.parametrize("path", ["checks", "uptime"])
def test_many_checks_are_read_in_pieces_between_which_others_have_their_turn(path: str) -> None:
    counter = FakeCounter()
    for second in range(2000):
        counter.keep(UP, subject="shop", at=NOON - second * SECOND)
    house, turns = House(counter=counter), 0

    async def counted() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def asked() -> int:
        others = asyncio.ensure_future(counted())
        before = turns
        found = await checks_between(counter, "shop", 0, NOON, 10_000)
        others.cancel()
        assert len(found) == 2000
        return turns - before

    assert asyncio.run(asked()) >= 20
    assert house.get(f"/api/v1/services/shop/{path}")["count" if path == "checks" else "total_checks"] == 2000


class Long(FakeCounter):
    """Has a whole answer of checks, and one more before it; knows how many ask for that at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.asking = self.most = 0

    async def range(self, kind: str, subject: str, start: int, end: int, limit: int) -> tuple[Stored, ...]:
        if end == NOON:
            return (stored(UP, subject=subject),) * limit
        self.asking += 1
        self.most = max(self.most, self.asking)
        for _ in range(300):
            await asyncio.sleep(0)
        self.asking -= 1
        return (stored(UP, subject=subject, at=end),)


def test_of_those_who_count_very_many_checks_one_has_them_in_memory() -> None:
    counter = Long()

    async def asked() -> list[int]:
        turn = asyncio.Lock()
        work = [checks_between(counter, "shop", 0, NOON, 200_000, turn=turn) for _ in range(2)]
        return [len(found) for found in await asyncio.gather(*work)]

    assert asyncio.run(asked()) == [10_001, 10_001]
    assert counter.most == 1

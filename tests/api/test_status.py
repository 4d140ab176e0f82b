"""What anybody may see of services, over HTTP."""

from __future__ import annotations

import asyncio
import re
from xml.etree import ElementTree

import pytest

from alerter.config import Maintenance
from api.config import StatusPage
from api.directory import Directory
from api.public import learn_day
from api.views.status_page import STYLE, badge, graded, percent
from bus.messages import Check
from bus.tables import Service
from tests.api import contract
from tests.api.given import MINUTE, NOON, UP, FakeCounter
from tests.api.house import KEYRING, House

HOUR = 60 * MINUTE
SERVICES = (
    Service("shop", "https://secret.example/health", labels={"area": "sales <&>"}),
    Service("mail", "tcp://10.0.0.7:25", labels={"area": "office"}),
    Service("billing", "https://billing.example"),
    Service("vault", "https://vault.example"),
)
PAGE = StatusPage(("shop", "mail", "bill*"), "Example & Co", "We are <looking> into it.", days=3)


def house(page: StatusPage = PAGE, *windows: Maintenance, words: dict[str, str] | None = None) -> House:
    """A hub where tokens are needed; ``words`` are what each service's newest check found."""
    counter = FakeCounter()
    for service in SERVICES:
        word = (words or {}).get(service.name, "up")
        found = UP if word == "up" else Check(word, url=service.url, error="refused by 10.0.0.7")
        counter.keep(found, subject=service.name, at=NOON)
    directory = Directory.of((), SERVICES, windows)
    return House(counter=counter, directory=directory, keyring=KEYRING, status_page=page).prime()


def learnt(given: House) -> House:
    """Ask for all days that are due, as a worker does."""

    async def all_days() -> None:
        while await learn_day(given.hub):
            pass

    asyncio.run(all_days())
    return given


def test_the_answer_keeps_its_shape_and_needs_no_token() -> None:
    given = learnt(house())
    answer = given.get("/api/v1/status")
    contract.status(answer)
    assert (answer["state"], answer["summary"]) == ("up", "All services are up")
    assert [row["name"] for row in answer["services"]] == ["shop", "mail", "billing"]
    shop = answer["services"][0]
    assert [day["date"] for day in shop["days"]] == ["2026-01-29", "2026-01-30", "2026-01-31"]
    assert {day["down_seconds"] for day in shop["days"]} == {60.0}
    assert shop["availability"] == round(100 * (1 - 3 / (60 * 60)), 4), "three minutes of sixty hours"
    assert given.ask("GET", "/api/v1/services").status_code == 401


def test_nothing_is_told_of_others_nor_any_address_reason_place_or_window() -> None:
    window = Maintenance("secret-window", "12:00", 3600.0, matches=("mail", "vault"))
    given = learnt(house(PAGE, window, words={"shop": "down"}))
    told = "".join(given.ask("GET", path).text for path in ("/api/v1/status", "/status", "/status/shop.svg"))
    for secret in ("vault", "secret", "10.0.0.7", "refused", "hub", "tcp"):
        assert secret not in told
    assert given.ask("GET", "/status/vault.svg").status_code == 404


@pytest.mark.parametrize(
    ("words", "state", "summary"),
    [
        ({"shop": "down"}, "down", "shop is down"),
        ({"shop": "down", "mail": "degraded"}, "down", "shop is down"),
        ({"shop": "down", "mail": "down", "billing": "down"}, "down", "shop, mail and billing are down"),
        ({"mail": "degraded"}, "degraded", "mail is degraded"),
        ({"mail": "unknown"}, "unknown", "Nothing is known of mail"),
        ({"vault": "down"}, "up", "All services are up"),
    ],
)
def test_the_gravest_is_told_first(words: dict[str, str], state: str, summary: str) -> None:
    answer = house(words=words).get("/api/v1/status")
    assert (answer["state"], answer["summary"]) == (state, summary)


def test_of_many_that_are_down_some_are_named() -> None:
    services = [Service(f"s{number}", "https://s.example") for number in range(5)]
    counter = FakeCounter()
    for one in services:
        counter.keep(Check("down", url=one.url), subject=one.name)
    given = House(counter=counter, directory=Directory.of((), services), status_page=StatusPage(("*",))).prime()
    assert given.get("/api/v1/status")["summary"] == "s0, s1, s2 and 2 more are down"


def test_what_is_too_old_is_unknown() -> None:
    given = house()
    given.now += HOUR
    assert given.get("/api/v1/status")["state"] == "unknown"


def test_without_services_there_is_no_page_and_it_is_said_why() -> None:
    given = house(StatusPage())
    answer = given.ask("GET", "/api/v1/status")
    assert (answer.status_code, "[status_page]" in answer.json["error"]) == (404, True)
    assert {given.ask("GET", path).status_code for path in ("/status", "/status/shop.svg")} == {404}


def test_maintenance_is_told_while_it_is_and_before() -> None:
    window = Maintenance("updates", "11:30", 3600.0, matches=("area=office", "shop"), days=("sat", "sun"))
    only = Maintenance("alarms", "11:30", 3600.0, matches=("shop", "rule=disk*"))
    office = Maintenance("office", "11:30", 3600.0, matches=("mail",), days=("sat", "sun"))
    answer = learnt(house(PAGE, window, only, office)).get("/api/v1/status")
    assert (answer["state"], answer["summary"]) == ("maintenance", "mail is under maintenance")
    times = ["2026-01-31T11:30", "2026-02-01T11:30", "2026-02-07T11:30"]
    assert answer["maintenance"] == [
        {"names": ["mail"], "start": f"{start}:00.000Z", "end": f"{start[:11]}12:30:00.000Z"} for start in times
    ]


def test_a_day_of_which_maintenance_is_all_that_is_known_says_so() -> None:
    def day(start: str, lasts: float) -> tuple[bool, float | None]:
        given = house(StatusPage(("mail",), days=2), Maintenance("w", start, lasts, matches=("mail",)))
        given.counter.unknown = True
        found = learnt(given).get("/api/v1/status")["services"][0]["days"][0]
        return found["maintenance"], found["availability"]

    assert day("00:00", 13 * 3600.0) == (True, None)
    assert day("00:00", 12 * 3600.0) == (False, None), "of half of it nothing is known"


def test_a_page_says_of_how_many_days_something_is_known() -> None:
    given = house()
    asyncio.run(learn_day(given.hub))
    text = given.ask("GET", "/status").text
    assert "the last 3 days: 99.86 % available (1 day known)" in text
    assert "the last 3 days: not known<" in text
    assert " known)" not in learnt(house()).ask("GET", "/status").text


def test_outages_are_told_the_newest_first_and_one_that_lasts_has_no_end() -> None:
    given = learnt(house(words={"shop": "down"}))
    outages = given.get("/api/v1/status")["outages"]
    assert [one["end"] for one in outages if one["name"] == "shop"] == [
        None,
        "2026-01-31T00:00:00.000Z",
        "2026-01-30T00:00:00.000Z",
    ]
    assert [one["start"] for one in outages] == sorted((one["start"] for one in outages), reverse=True)
    assert next(one for one in outages if one["name"] == "mail")["end"] == "2026-01-31T12:00:00.000Z"


def test_before_anything_was_asked_nothing_is_known_of_the_past() -> None:
    given = house()
    row = given.get("/api/v1/status")["services"][0]
    assert (row["state"], row["availability"]) == ("up", None)
    assert {day["availability"] for day in row["days"]} == {None}
    given.counter.failure = "the store is away"
    assert asyncio.run(learn_day(given.hub)), "it was asked for"
    assert {kept for _, kept in given.hub.daily.of("shop", NOON)} == {None}


def test_the_page_stands_alone_and_shows_text_as_text() -> None:
    given = learnt(
        house(StatusPage(("*",), "A <b>", "x & y", link="https://example.com/?a=1&b=2", group="area", days=2))
    )
    answer = given.ask("GET", "/status")
    text = answer.text
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in text
    assert 'http-equiv="refresh"' in text
    assert 'src="' not in text, "nothing comes from elsewhere"
    assert '<a href="https://example.com/?a=1&amp;b=2">A &lt;b&gt;</a>' in text
    assert '<p class="text">x &amp; y</p>' in text
    assert re.findall("<h2>(.*?)</h2>", text)[:3] == ["sales &lt;&amp;&gt;", "office", "Others"]
    assert text.count("<rect") == 2 * len(SERVICES)
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert f"<style>{STYLE}</style>" in text


@pytest.mark.parametrize("path", ["/status", "/api/v1/status"])
def test_whoever_asks_it_is_made_anew_each_few_seconds(path: str) -> None:
    given = house()
    ticks = 0.0
    given.hub.monotonic = lambda: ticks
    first = given.ask("GET", path).text
    given.now += 2 * MINUTE
    ticks = 4.9
    assert given.ask("GET", path).text == first
    ticks = 5.0
    assert given.ask("GET", path).text != first


@pytest.mark.parametrize(
    ("share", "text", "word"),
    [
        (None, "not known", "unknown"),
        (100.0, "100 %", "up"),
        (99.9999, "99.99 %", "up"),
        (99.9, "99.90 %", "up"),
        (99.8999, "99.89 %", "degraded"),
        (99.0, "99.00 %", "degraded"),
        (98.9999, "98.99 %", "down"),
        (0.0, "0.00 %", "down"),
    ],
)
def test_a_share_is_never_rounded_up(share: float | None, text: str, word: str) -> None:
    assert (percent(share), graded(share)) == (text, word)


def test_badges_say_how_it_is_and_how_it_was() -> None:
    given = learnt(house(words={"shop": "down"}))
    now = given.ask("GET", "/status/shop.svg")
    assert (now.status_code, now.headers["content-type"]) == (200, "image/svg+xml")
    assert "<title>shop: down</title>" in now.text
    assert "<title>shop: 99.91 % in 3 d</title>" in given.ask("GET", "/status/shop.svg?days=366").text
    assert "<title>shop: 99.86 % in 1 d</title>" in given.ask("GET", "/status/shop.svg?days=1").text
    assert given.ask("GET", "/status/shop.svg?days=x").json["parameter"] == "days"


def test_a_badge_is_a_picture_whatever_it_says() -> None:
    root = ElementTree.fromstring(badge('<a> & "b"', "up", "up"))
    assert root.attrib["aria-label"] == '<a> & "b": up'

"""What anybody may see, made of what is known of each day."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from alerter.config import Maintenance
from api.config import StatusPage
from api.daily import Daily, Day
from api.directory import Directory
from api.live import CheckNow, Live
from api.service_shapes import ServiceInfo
from api.status_shapes import Status
from api.views.services import services
from api.views.status import known, public, status
from bus.availability import Kept
from bus.calendar import days
from bus.messages import Check
from bus.questions import Held
from bus.tables import Service
from tests.api.given import MINUTE, NOON, SECOND, heard, present

Outages = Mapping[int, tuple[tuple[int, int], ...]]
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SHOP = Service("shop", "https://shop.example", labels={"area": "sales"})


def rows(*named: Service, word: str = "up") -> list[ServiceInfo]:
    live, directory = Live(), Directory.of((), named)
    for one in named:
        check = Check(word, url=one.url)
        seen = CheckNow(heard(check, subject=one.name), check)
        live.checks[one.name], live.places[one.name] = seen, {"": seen}
    return services(present(live, directory))["services"]


def learnt(
    count: int, whole: dict[int, Held], outages: Mapping[int, tuple[tuple[int, int], ...]] | None = None
) -> Daily:
    """What is known of the shop: ``whole`` and ``outages`` of so many days ago."""
    daily = Daily(count, "UTC")
    for back, (date, start, end) in enumerate(reversed(days(NOON, count, "UTC"))):
        day = Day("shop", date, start, min(end, NOON))
        if back in whole:
            kept = Kept("shop", date, start, day.end, whole=whole[back], outages=(outages or {}).get(back, ()))
            daily.asked(day, 0.0, kept)
    return daily


def told(daily: Daily, *windows: Maintenance, word: str = "up", page: StatusPage | None = None) -> Status:
    directory = Directory.of((), (SHOP,), windows)
    return status(NOON, page or StatusPage(("*",)), rows(SHOP, word=word), directory, daily)


def test_without_a_glob_nobody_is_public() -> None:
    assert public(rows(SHOP), StatusPage()) == []
    assert [row["name"] for row in public(rows(SHOP), StatusPage(("sh*",)))] == ["shop"]


def test_all_days_count_and_degraded_is_available() -> None:
    daily = learnt(
        3, {0: Held(up=60, degraded=20, down=20), 1: Held(degraded=100, unknown=5), 2: Held(up=90, down=110)}
    )
    assert known(NOON, "shop", daily) == 67.5
    assert known(NOON, "shop", daily, 1) == 80.0
    assert known(NOON, "shop", daily, 2) == 90.0


def test_what_was_down_for_an_instant_was_not_always_there() -> None:
    long = Held(up=10**12, down=1)
    assert known(NOON, "shop", learnt(1, {0: long})) == 99.9999
    assert known(NOON, "shop", learnt(1, {0: Held(up=10**12)})) == 100.0
    assert known(NOON, "shop", learnt(1, {0: Held(unknown=5)})) is None
    assert known(NOON, "shop", learnt(1, {})) is None


def test_a_day_is_one_of_maintenance_when_that_is_most_of_what_is_known() -> None:
    held = {0: Held(maintenance=2, unknown=1), 1: Held(maintenance=1, unknown=1), 2: Held(maintenance=5, up=1)}
    shown = told(learnt(3, held))["services"][0]["days"]
    assert [day["maintenance"] for day in shown] == [False, False, True]
    assert [day["availability"] for day in shown] == [100.0, None, None]


def test_an_outage_that_went_on_at_midnight_is_one() -> None:
    midnight = NOON - 12 * HOUR
    outages = {
        1: ((midnight - 3 * HOUR, midnight - 2 * HOUR), (midnight - HOUR, midnight)),
        0: ((midnight, midnight + HOUR),),
    }
    found = told(learnt(2, dict.fromkeys((0, 1), Held(up=1)), outages))["outages"]
    assert [(one["start"], one["end"], one["seconds"]) for one in found] == [
        ("2026-01-30T23:00:00.000Z", "2026-01-31T01:00:00.000Z", 7200.0),
        ("2026-01-30T21:00:00.000Z", "2026-01-30T22:00:00.000Z", 3600.0),
    ]


@pytest.mark.parametrize(("word", "end"), [("down", None), ("up", "2026-01-31T12:00:00.000Z")])
def test_an_outage_lasts_while_the_service_is_down(word: str, end: str | None) -> None:
    daily = learnt(1, {0: Held(down=1)}, {0: ((NOON - HOUR, NOON),)})
    assert [one["end"] for one in told(daily, word=word)["outages"]] == [end]


def test_an_outage_that_ended_is_over_though_the_service_is_down_anew() -> None:
    daily = learnt(1, {0: Held(down=1)}, {0: ((NOON - HOUR, NOON - MINUTE),)})
    assert [one["end"] for one in told(daily, word="down")["outages"]] == ["2026-01-31T11:59:00.000Z"]


def test_outages_of_the_last_fourteen_days_are_told_fifty_at_most() -> None:
    each = {back: ((NOON - back * DAY - HOUR, NOON - back * DAY - MINUTE),) for back in range(20)}
    found = told(learnt(20, dict.fromkeys(range(20), Held(up=1)), each))["outages"]
    assert found[-1]["start"] == "2026-01-17T11:00:00.000Z", "of a day of which a part is within them"
    many = {0: tuple((NOON - (60 - n) * MINUTE, NOON - (60 - n) * MINUTE + SECOND) for n in range(59))}
    found = told(learnt(1, {0: Held(up=1)}, many))["outages"]
    assert (len(found), found[0]["start"]) == (50, "2026-01-31T11:58:00.000Z")


def test_windows_of_the_next_seven_days_are_told_ten_at_most_and_once_for_all() -> None:
    def shown(*windows: Maintenance) -> list[str]:
        return [one["start"][5:16] for one in told(learnt(1, {}), *windows)["maintenance"]]

    assert shown(Maintenance("over", "11:00", 3600.0, days=("sat",))) == ["02-07T11:00"]
    assert shown(Maintenance("ends", "11:00", 3601.0, days=("sat",))) == ["01-31T11:00", "02-07T11:00"]
    assert shown(Maintenance("noon", "12:00", 60.0, days=("sat",))) == ["01-31T12:00"], "in seven days it is too far"
    assert shown(Maintenance("daily", "12:00", 60.0)) == ["01-31T12:00", *(f"02-0{n}T12:00" for n in range(1, 7))]
    assert len(shown(Maintenance("a", "01:00", 60.0), Maintenance("b", "02:00", 60.0))) == 10


def test_a_service_stands_in_its_group_where_there_is_one() -> None:
    assert told(learnt(1, {}))["services"][0]["group"] is None
    assert told(learnt(1, {}), page=StatusPage(("*",), group="area"))["services"][0]["group"] == "sales"
    assert told(learnt(1, {}), page=StatusPage(("*",), group="else"))["services"][0]["group"] is None


def test_one_service_is_told_by_its_name_and_none_as_none() -> None:
    assert told(learnt(1, {}))["summary"] == "shop is up"
    nobody = status(NOON, StatusPage(("*",)), [], Directory(), Daily(1, "UTC"))
    assert (nobody["state"], nobody["summary"], nobody["services"]) == ("unknown", "There are no services here yet", [])


def test_a_service_that_only_reported_is_told_like_others() -> None:
    found = status(NOON, StatusPage(("*",), group="area"), rows(SHOP), Directory(), Daily(1, "UTC"))
    assert (found["services"][0]["group"], found["services"][0]["state"]) == (None, "up")

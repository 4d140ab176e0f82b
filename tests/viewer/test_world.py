"""What is known of hosts, services, alerts and the link."""

from __future__ import annotations

import pytest

from tests.viewer.given import NOON, calm
from viewer.digest import digest, parts
from viewer.events import (
    Check,
    CheckTold,
    FactsTold,
    Garbage,
    HostEntry,
    HostsTold,
    HostTold,
    LinkTold,
    Missed,
    SampleTold,
    ServiceEntry,
    ServicesTold,
)
from viewer.world import World


def world(*entries: HostEntry) -> World:
    found = World()
    found.take(LinkTold("live"), NOON)
    found.take(HostsTold(entries), NOON)
    return found


def sample(at: float, cpu: float = 41.0) -> SampleTold:
    return SampleTold("web-1", "web-1", at, {"cpu.percent": cpu})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cpu.percent", ("cpu", "", "percent")),
        ("disk[/srv/a.b].percent", ("disk", "/srv/a.b", "percent")),
        ("temperature[coretemp/Package id 0].celsius", ("temperature", "coretemp/Package id 0", "celsius")),
        ("queue", ("queue", "", "")),
    ],
)
def test_a_metrics_name_has_group_instance_and_field(name: str, found: tuple[str, str, str]) -> None:
    assert parts(name) == found


def test_the_list_tells_the_fullest_disk_the_hottest_sensor_and_the_traffic_of_real_interfaces() -> None:
    found = digest(
        {
            "disk[/].percent": 71.0,
            "disk[/srv].percent": 93.0,
            "temperature[a].celsius": 48.0,
            "net[eth0].rx_bytes_per_s": 100.0,
            "net[eth1].rx_bytes_per_s": 20.0,
            "net[lo].rx_bytes_per_s": 5000.0,
            "net[docker0].rx_bytes_per_s": 5000.0,
        }
    )
    assert found == (("/srv", 93.0), ("a", 48.0), 120.0, None)


def test_a_sample_makes_its_host_fresh_and_up() -> None:
    found = world(HostEntry("web-1", "web-1", "down"))
    found.take(sample(NOON), NOON)
    host = found.hosts["web-1"]
    assert (host.state, host.value("cpu.percent"), host.age(NOON + 3)) == ("up", 41.0, 3.0)
    assert host.fresh(NOON + 3)
    assert not host.fresh(NOON + 60)


def test_an_old_sample_that_was_sent_again_does_not_replace_a_newer_one() -> None:
    found = world()
    found.take(sample(NOON, 41.0), NOON)
    found.take(sample(NOON - 30, 99.0), NOON)
    assert found.hosts["web-1"].value("cpu.percent") == 41.0


def test_readings_that_arrive_late_are_as_old_as_they_are() -> None:
    found = world(HostEntry("web-1", "web-1", "down"))
    found.take(sample(NOON - 3600), NOON)
    host = found.hosts["web-1"]
    assert host.age(NOON) == 3600
    assert host.state == "down"


def test_a_clock_that_differs_from_the_hubs_makes_nobody_late() -> None:
    found = World()
    found.take(HostsTold((), ahead=3600.0), NOON)
    found.take(sample(NOON + 3600), NOON)
    assert found.hosts["web-1"].age(NOON) == 0


def test_the_space_between_readings_is_observed_unless_the_host_tells_it() -> None:
    found = world()
    for second in (0, 5, 10):
        found.take(sample(NOON + second), NOON + second)
    assert found.hosts["web-1"].interval == 5
    found.take(FactsTold("web-1", {"interval": 2}), NOON)
    assert found.hosts["web-1"].interval == 2


def test_a_host_that_is_no_longer_listed_is_gone() -> None:
    found = world(calm("web-1"), calm("db-1"))
    found.take(HostsTold((calm("db-1"),)), NOON)
    assert list(found.hosts) == ["db-1"]


def test_the_list_does_not_overwrite_what_the_stream_told_later() -> None:
    found = world()
    found.take(sample(NOON, 41.0), NOON)
    found.take(HostsTold((HostEntry("web-1", "web-1", "up", "", NOON - 5, {"cpu.percent": 7.0}),)), NOON)
    assert found.hosts["web-1"].value("cpu.percent") == 41.0


def test_a_check_changes_its_service() -> None:
    found = world()
    found.take(ServicesTold((ServiceEntry("shop", "https://shop", "up", 80.0, NOON - 60),)), NOON)
    found.take(CheckTold(Check("shop", NOON, "down", None, None, 41, "connection refused")), NOON)
    service = found.services["shop"]
    assert (service.state, service.response_ms, service.checked) == ("down", None, NOON)


def test_a_certificate_is_known_before_the_first_check_is_heard() -> None:
    found = world()
    found.take(ServicesTold((ServiceEntry("shop", "https://shop", "up", 80.0, NOON - 60, tls_days=8),)), NOON)
    assert found.services["shop"].tls_days == 8
    found.take(CheckTold(Check("shop", NOON, "up", 80.0, 200, 7)), NOON)
    assert found.services["shop"].tls_days == 7


def test_of_a_service_whose_last_check_was_missed_the_list_tells_why_and_not_the_check_before() -> None:
    found = world()
    found.take(CheckTold(Check("shop", NOON, "down", None, None, 3, "connection refused")), NOON)
    refused = ServiceEntry("shop", "https://shop", "down", None, NOON, "connection refused", 3)
    found.take(ServicesTold((refused,)), NOON + 1)
    assert (found.services["shop"].why, found.services["shop"].last) != ("", None), "it is the same check"
    found.take(ServicesTold((ServiceEntry("shop", "https://shop", "up", 80.0, NOON + 60, "", 90),)), NOON + 61)
    shop = found.services["shop"]
    assert (shop.state, shop.why, shop.tls_days, shop.last) == ("up", "", 90, None)
    found.take(ServicesTold((refused,)), NOON + 62)
    assert shop.checked == NOON + 60, "an answer that took its time"


def test_a_hub_whose_clock_was_set_back_goes_on_telling_of_services() -> None:
    found, later = world(), NOON + 3600
    found.take(CheckTold(Check("shop", later, "down", None, None, 3, "connection refused")), later)
    found.take(ServicesTold((ServiceEntry("shop", "https://shop", "up", 80.0, NOON),)), NOON)
    assert (found.services["shop"].why, found.services["shop"].checked) == ("", NOON)
    found.take(CheckTold(Check("shop", NOON + 60, "degraded", 900.0)), NOON + 60)
    assert found.services["shop"].state == "degraded"


def test_a_host_whose_clock_was_set_back_does_not_stand_still() -> None:
    now, ahead = NOON + 90, NOON + 3600
    found = world()
    found.take(sample(ahead, 41.0), NOON)
    found.take(sample(NOON + 10, 99.0), NOON + 10)
    assert found.hosts["web-1"].value("cpu.percent") == 41.0, "it may have been sent again after a cut"
    listed = HostEntry("web-1", "web-1", "up", "", now, {"cpu.percent": 98.0})
    described = HostEntry("web-1", "web-1", "up", "", now, {"cpu.percent": 98.0, "disk[/].percent": 5.0})
    for told in (HostsTold((listed,)), HostTold(described, now, None, None)):
        again = world()
        again.take(sample(ahead, 41.0), NOON)
        again.take(told, now)
        assert again.hosts["web-1"].value("cpu.percent") == 98.0
        again.take(sample(now + 1, 97.0), now + 1)
        assert again.hosts["web-1"].value("cpu.percent") == 97.0


def test_what_was_missed_or_not_understood_is_counted() -> None:
    found = world()
    found.take(Missed(3), NOON)
    found.take(Missed(), NOON)
    found.take(Garbage(), NOON)
    assert (found.missed, found.garbage) == (4, 1)


def test_a_lost_link_remembers_when_it_was_last_live() -> None:
    found = world()
    found.take(LinkTold("reconnecting", "refused", NOON + 2), NOON + 1)
    found.take(LinkTold("offline", "refused", NOON + 9), NOON + 5)
    assert (found.link.lost_at, found.link.since) == (NOON + 1, NOON + 5)
    found.take(LinkTold("live"), NOON + 9)
    assert found.link.lost_at is None

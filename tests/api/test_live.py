"""What is known right now."""

from __future__ import annotations

import json
from dataclasses import replace

from api.health import Limits, host_health, service_health
from api.live import MANY_LAYOUTS, MANY_NAMES, Live
from api.views.metrics import plan
from bus.messages import Alert, Facts, Layout, Process, Processes, Sample
from tests.api.given import FACTS, MINUTE, NOON, SECOND, UP, heard, reading


def live_with(*readings_at: int, **changes: float | None) -> Live:
    live = Live()
    layout, sample = reading(changes)
    live.hear(heard(layout))
    for at in readings_at:
        live.hear(heard(sample, at=at))
    return live


def test_the_newest_sample_is_shown() -> None:
    live = live_with(NOON, NOON + SECOND)
    newest = live.hosts["web-1"].newest
    assert newest is not None
    assert newest.at == NOON + SECOND
    assert json.loads(live.latest_text("web-1") or "")["cpus"]["average_usage"] == 12.5


def test_a_sample_that_comes_late_does_not_look_new() -> None:
    live = live_with(NOON)
    late = heard(reading()[1], at=NOON - 10 * MINUTE, received=NOON + SECOND)._replace(sent=NOON + SECOND)
    live.hear(late)
    newest = live.hosts["web-1"].newest
    assert newest is not None
    assert newest.at == NOON
    assert live.hosts["web-1"].heard == NOON + SECOND


def test_a_clock_set_back_does_not_freeze_the_host() -> None:
    live = live_with(NOON + 3600 * SECOND)
    live.hear(heard(reading()[1], at=NOON, received=NOON + 3601 * SECOND))
    newest = live.hosts["web-1"].newest
    assert newest is not None
    assert newest.at == NOON


def test_after_a_restart_the_reading_before_it_is_shown_until_there_are_rates_again() -> None:
    live = live_with(NOON)
    layout, first = reading({"cpu.percent": None})
    live.hear(heard(layout))
    live.hear(heard(first, at=NOON + SECOND))
    assert json.loads(live.latest_text("web-1") or "")["cpus"]["average_usage"] == 12.5


def test_facts_that_come_later_are_in_the_reading_at_once() -> None:
    live = live_with(NOON)
    assert json.loads(live.latest_text("web-1") or "")["system"]["host_name"] is None
    live.hear(heard(FACTS))
    assert json.loads(live.latest_text("web-1") or "")["system"]["host_name"] == "web-1"


def test_a_sample_before_its_layout_has_no_reading_yet_but_has_one_after() -> None:
    live = Live()
    layout, sample = reading()
    live.hear(heard(sample))
    assert live.latest_text("web-1") is None
    assert live.unknown_layouts() == {layout.id}
    live.hear(heard(layout))
    assert live.latest_text("web-1") is not None
    assert not live.unknown_layouts()


def test_who_changes_to_a_layout_that_was_not_heard_is_told_of_until_it_is() -> None:
    live = live_with(NOON)
    assert not live.unnamed
    other = Layout(("cpu.percent", "refused[rate].frames_total"))
    live.hear(heard(Sample(other.id, (1.0, 2.0)), at=NOON + SECOND))
    assert live.unnamed
    assert live.unknown_layouts() == {other.id}
    live.learn({other.id: other.names})
    assert live.unknown_layouts() == set()
    assert not live.unnamed
    live.hear(heard(Sample(other.id, (1.0, 3.0)), at=NOON + 2 * SECOND))
    assert not live.unnamed


def test_a_small_layouts_id_is_told_from_another_ones_too() -> None:
    live = Live()
    for layout in (1, 2):
        live.hear(heard(Sample(layout, (1.0,)), at=NOON + layout * SECOND))
    assert live.unknown_layouts() == {1, 2}, "of the newest and of the one before"


def test_rooms_of_the_hub_are_no_hosts() -> None:
    live = Live()
    live.hear(heard(reading()[1], subject="guardia.collector"))
    assert not live.hosts
    assert live.rooms["guardia.collector"].heard == NOON


def test_a_worker_that_is_not_to_run_any_more_is_no_program_of_the_hub() -> None:
    live = Live()
    for copies, place, at in ((3.0, 1, 0), (3.0, 2, 0), (3.0, 3, 1), (2.0, 1, 5), (2.0, 2, 4)):
        layout = Layout(("program.copies",))
        live.hear(heard(layout))
        told = Sample(layout.id, (copies,))
        live.hear(heard(told, subject=f"guardia.api-{place}", at=NOON + at * SECOND, received=NOON + at * SECOND))
    assert [(name, values) for name, _, values in live.programs()] == [
        ("guardia.api-1", {"program.copies": 2.0}),
        ("guardia.api-2", {"program.copies": 2.0}),
    ]


def test_a_body_that_cannot_be_read_is_counted_and_forgotten() -> None:
    live = Live()
    live.hear(heard(FACTS)._replace(body=b"\xc1"))
    assert live.malformed == 1
    assert "web-1" not in live.hosts


def test_a_broken_sample_is_nobodys_reading() -> None:
    live = Live()
    live.hear(heard(reading()[1])._replace(body=b"\xc1"))
    assert live.latest_text("web-1") is None
    assert live.unknown_layouts() == set()


def test_values_that_do_not_match_their_layout_are_no_reading() -> None:
    live = Live()
    layout, _ = reading()
    live.hear(heard(layout))
    live.hear(heard(Sample(layout.id, (1.0,))))
    assert live.latest_text("web-1") is None


def test_the_newest_facts_processes_and_checks_are_kept_whatever_the_order() -> None:
    live = Live()
    live.hear(heard(Facts(arch="new"), at=NOON))
    live.hear(heard(Facts(arch="old"), at=NOON - SECOND))
    live.hear(heard(Processes((Process(1, "init", "root", 0.1, 1),)), at=NOON))
    live.hear(heard(UP, subject="shop", at=NOON))
    host = live.hosts["web-1"]
    assert host.facts is not None
    assert host.facts.arch == "new"
    assert host.processes is not None
    assert host.processes[0].name == "init"
    assert live.checks["shop"].check.status == "up"


def test_firing_alarms_are_counted_until_they_end() -> None:
    live = Live()
    for incident in ("a", "b", "c"):  # of one rule, on three disks
        live.hear(heard(Alert("disk", "firing", incident=incident), at=NOON))
    assert live.firing() == 3
    live.hear(heard(Alert("disk", "quiet", incident="a"), at=NOON + SECOND))
    live.hear(heard(Alert("disk", "clearing", incident="b"), at=NOON + SECOND))
    live.hear(heard(Alert("disk", "pending"), at=NOON + SECOND))
    assert live.firing() == 2


def test_a_hub_s_clock_that_is_set_back_freezes_nothing_and_hides_no_silence() -> None:
    day = 86_400 * SECOND
    live = live_with(NOON, NOON + day)
    live.hear(heard(UP, subject="shop", at=NOON + day))
    live.set_back(NOON + SECOND)
    host = live.hosts["web-1"]
    assert host.heard == NOON + SECOND
    assert host_health(NOON + 200 * SECOND, host, Limits())[0] == "down"
    assert service_health(NOON + 400 * SECOND, live.places["shop"], Limits())[0] == "stale"

    live.hear(heard(reading()[1], at=NOON + 2 * SECOND))
    live.hear(heard(replace(UP, status="down"), subject="shop", at=NOON + 2 * SECOND))
    assert host.newest is not None
    assert host.newest.at == NOON + 2 * SECOND
    assert live.checks["shop"].check.status == "down"
    assert live.places["shop"][""].check.status == "down"


def test_hosts_that_are_gone_are_forgotten() -> None:
    live = live_with(NOON)
    live.forget(lambda name, heard_at: heard_at < NOON + SECOND)
    assert not live.hosts


def test_layouts_out_of_use_are_forgotten_as_soon_as_there_are_many() -> None:
    live = live_with(NOON)
    for number in range(3 * MANY_LAYOUTS):
        live.hear(heard(Layout((f"invented.x{number}",)), subject="bad", at=NOON))
        assert len(live.layouts) <= MANY_LAYOUTS
        assert reading()[0].id in live.layouts
    assert live.unused >= 2 * MANY_LAYOUTS
    assert live.latest_text("web-1") is not None


def test_a_few_invented_layouts_of_many_names_are_forgotten_too() -> None:
    live = live_with(NOON)
    for turn in range(3 * MANY_NAMES // 2000):
        live.hear(heard(Layout(tuple(f"invented.x{turn}_{place}" for place in range(2000))), subject="bad", at=NOON))
        assert sum(map(len, live.layouts.values())) <= MANY_NAMES
    assert reading()[0].id in live.layouts


def test_what_was_worked_out_of_layouts_goes_with_them() -> None:
    plan.cache_clear()
    live = live_with(NOON)
    most = MANY_NAMES // 2000
    for turn in range(most + 50):
        layout = Layout(tuple(f"invented.x{turn}_{place}" for place in range(2000)))
        for message in (layout, Sample(layout.id, (1.0,) * 2000)):
            live.hear(heard(message, subject="bad", at=NOON))
        live.latest_text("bad")
    assert 0 < plan.cache_info().currsize < most
    assert live.latest_text("web-1") is not None


def test_where_many_layouts_are_in_use_all_of_them_stay() -> None:
    live = live_with(NOON)
    layouts = [Layout((f"in.use{number}",)) for number in range(MANY_LAYOUTS + 100)]
    for number, layout in enumerate(layouts):
        live.hear(heard(layout, subject=f"host-{number}", at=NOON))
        live.hear(heard(Sample(layout.id, (1.0,)), subject=f"host-{number}", at=NOON))
    for number in range(3 * MANY_LAYOUTS):
        live.hear(heard(Layout((f"invented.x{number}",)), subject="bad", at=NOON))
    assert all(layout.id in live.layouts for layout in layouts)
    assert len(live.layouts) <= 2 * len(layouts) + 2

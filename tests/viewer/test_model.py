"""What the person looks at, and what must be asked for it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, calm, samples, session
from viewer import keys
from viewer.events import Failed, HostsTold, LinkTold, Missed, SampleTold, ServiceEntry, ServicesTold
from viewer.model import Model
from viewer.wishes import AskHosts, AskSeries, AskServices

ALL_KEYS = sorted({key for binding in keys.BINDINGS for key in binding.keys} | {"x", "w", "backspace"})


def model(*names: str) -> Model:
    found = Model()
    found.take(LinkTold("live"), NOON)
    found.take(HostsTold(tuple(calm(name) for name in names or ("web-1", "web-2", "web-10"))), NOON)
    found.rows(NOON)
    return found


def press(found: Model, *pressed: str) -> Model:
    for key in pressed:
        found.press(key, NOON)
    return found


def chosen(found: Model) -> str | None:
    host = found.host()
    return host.name if host else None


def test_the_first_host_is_chosen_and_arrows_move_the_choice_and_stop_at_the_ends() -> None:
    found = model()
    assert chosen(found) == "web-1"
    assert chosen(press(found, "down")) == "web-2"
    assert chosen(press(found, "G")) == "web-10"
    assert chosen(press(found, "down")) == "web-10"
    assert chosen(press(found, "g")) == "web-1"


def test_the_choice_stays_with_its_host_when_the_order_changes() -> None:
    found = press(model(), "down")
    found.take(HostsTold((calm("aaa"), calm("web-1"), calm("web-2"))), NOON)
    found.rows(NOON)
    assert chosen(found) == "web-2"


def test_a_choice_that_is_gone_passes_to_its_neighbour() -> None:
    found = press(model(), "down")
    found.take(HostsTold((calm("web-1"), calm("web-10"))), NOON)
    found.rows(NOON)
    assert chosen(found) == "web-10"


def test_enter_opens_a_host_and_escape_leads_back_and_never_out() -> None:
    found = press(model(), "enter")
    assert found.screen == "host"
    assert press(found, "escape").screen == "hosts"
    press(found, "escape", "escape")
    assert found.screen == "pulse"
    assert not found.quit


def test_help_returns_to_where_one_came_from() -> None:
    found = press(model(), "4", "?")
    assert found.screen == "help"
    assert press(found, "escape").screen == "services"


def test_tab_goes_round_all_screens() -> None:
    found = model()
    seen = [press(found, "tab").screen for _ in keys.SCREENS]
    assert seen == ["host", "services", "alerts", "guardia", "pulse", "hosts"]


def test_a_filter_is_typed_taken_back_and_given_up() -> None:
    found = press(model(), "/", "1", "0")
    assert [host.name for host in found.rows(NOON)] == ["web-10"]
    press(found, "backspace", "enter")
    assert [host.name for host in found.rows(NOON)] == ["web-1", "web-10"]
    press(found, "q")
    assert found.quit, "after Enter keys are keys again"


def test_while_a_filter_is_typed_letters_are_letters_and_ctrl_c_quits() -> None:
    found = press(model(), "/", "q")
    assert (found.quit, found.filter) == (False, "q")
    assert press(found, "ctrl-c").quit


def test_zooming_goes_from_window_to_window_and_stops_at_the_ends() -> None:
    found = model()
    assert press(found, "-").window.name == "15m"
    assert press(found, *["-"] * 20).window.name == "30d"
    assert press(found, "0").window.name == "5m"
    assert press(found, "+").window.name == "5m"


def test_a_held_picture_keeps_its_moment_and_catches_up() -> None:
    found = press(model(), "p")
    found.take(SampleTold("web-1", "web-1", NOON + 5, {"cpu.percent": 99.0}), NOON + 5)
    assert found.time(NOON + 60) == NOON
    assert found.world.hosts["web-1"].value("cpu.percent") == 40.0
    press(found, "p")
    assert found.world.hosts["web-1"].value("cpu.percent") == 99.0
    assert found.world.hosts["web-1"].age(NOON + 60) == 55


def test_history_is_asked_for_once_and_again_when_something_was_missed() -> None:
    hub = HubInMemory(fleet(1))
    found = session(hub)
    asked = [wish for wish in hub.asked if isinstance(wish, AskSeries) and not wish.spark]
    assert [(wish.name, wish.window) for wish in asked] == [("web-1", "5m")]
    found.turn()
    assert [wish for wish in found.model.wishes(NOON + 1) if isinstance(wish, AskSeries)] == []
    found.model.take(Missed(3), NOON + 1)
    assert {wish.spark for wish in found.model.wishes(NOON + 1) if isinstance(wish, AskSeries)} == {False, True}


def test_history_is_asked_for_again_after_the_link_was_lost() -> None:
    found = session(HubInMemory(fleet(1)))
    found.model.take(LinkTold("reconnecting", "refused", NOON + 2), NOON + 1)
    found.model.take(LinkTold("live"), NOON + 3)
    wishes = found.model.wishes(NOON + 3)
    assert any(isinstance(wish, AskHosts) for wish in wishes)
    assert any(isinstance(wish, AskSeries) for wish in wishes)


def test_pulse_reads_services_anew_for_the_stream_tells_of_no_check_that_did_not_come() -> None:
    shop = ServiceEntry("shop", "https://shop", "up", 80.0, NOON)
    for screen, again in (("pulse", True), ("services", True), ("host", False)):
        found = model()
        found.show(screen)
        assert AskServices() in found.wishes(NOON)
        found.take(ServicesTold((shop,)), NOON)
        assert AskServices() not in found.wishes(NOON + 1)
        assert (AskServices() in found.wishes(NOON + 6)) is again
        found.take(ServicesTold((shop,)), NOON + 6)
        found.take(Missed(3), NOON + 7)
        assert (AskServices() in found.wishes(NOON + 7)) is again


def test_an_own_clock_that_is_set_back_stops_no_question_and_makes_nobody_fresh() -> None:
    found = model()
    before = NOON - 3600
    found.take(SampleTold("web-1", "web-1", NOON, {"cpu.percent": 1.0}), NOON)
    assert AskHosts() not in found.wishes(NOON)
    assert AskHosts() in found.wishes(before)
    assert not found.world.hosts["web-1"].fresh(before + 300)
    found.take(HostsTold((calm("web-1"),), ahead=3600.0), before)
    assert AskHosts() not in found.wishes(before + 1)
    assert AskHosts() in found.wishes(before + 6)


def test_what_failed_is_not_asked_for_at_once_again() -> None:
    hub = HubInMemory(fleet(1))
    hub.away = True
    found = session(hub)
    count = len(hub.asked)
    found.turn()
    assert len(hub.asked) == count
    hub.now += 6
    found.turn()
    assert len(hub.asked) > count


def test_a_refused_token_is_told_until_the_next_key() -> None:
    found = model()
    found.take(Failed(AskHosts(), "hub:8080 refuses this token", 403), NOON)
    assert found.notice == "hub:8080 refuses this token"
    assert press(found, "j").notice == ""


def test_a_host_to_begin_with_that_is_unknown_is_told() -> None:
    found = Model(wanted="web-9")
    found.take(HostsTold((calm(),)), NOON)
    assert found.notice == "the hub knows no host web-9"


def test_r_tries_to_reach_a_hub_that_is_away() -> None:
    hub = HubInMemory(fleet(1))
    found = session(hub, "r")
    assert hub.hurried == 1
    assert not found.model.hurry


def test_scrolling_beyond_the_end_is_taken_back_at_once() -> None:
    found = session(HubInMemory(fleet(1)), "?")
    found.draw(80, 24)
    found.press("G")
    found.draw(80, 24)
    before = found.draw(80, 24).text()
    found.press("up")
    assert found.draw(80, 24).text() != before


@settings(max_examples=25)
@given(pressed=st.lists(st.sampled_from(ALL_KEYS), max_size=40))
def test_no_series_of_keys_breaks_the_picture(pressed: list[str]) -> None:
    found = session(HubInMemory(fleet(3)))
    for event in samples("web-1", [10.0, 20.0]):
        found.model.take(event, NOON)
    for key in pressed:
        found.press(key)
        assert len(found.draw(80, 24).text().splitlines()) == 24

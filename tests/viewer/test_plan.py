"""What is asked of the hub, and when."""

from __future__ import annotations

from tests.viewer.given import NOON, calm
from viewer.axis import WINDOWS
from viewer.events import Failed, HostsTold, SeriesTold
from viewer.pasts import Pasts
from viewer.plan import LOST, RETRY, SPARKS_AT_ONCE, Plan, series
from viewer.wishes import AskHost, AskHosts, AskServices

WINDOW = WINDOWS[0]
TOLD = HostsTold((calm("web-1"),))


def test_lists_are_asked_for_once_and_again_after_the_refresh() -> None:
    plan = Plan(refresh=5.0)
    assert plan.lists(NOON, services=True, host="web-1") == [AskHosts(), AskServices(), AskHost("web-1")]
    assert plan.lists(NOON + 1, services=True, host="web-1") == [], "they are waited for"
    plan.take(TOLD, NOON + 1)
    assert plan.lists(NOON + 5.9, services=False, host=None) == []
    assert plan.lists(NOON + 6, services=False, host=None) == [AskHosts()]


def test_a_hub_that_needs_long_is_asked_less_often() -> None:
    plan = Plan(refresh=5.0)
    plan.lists(NOON, services=False, host=None)
    plan.take(TOLD, NOON + 4)
    assert plan.lists(NOON + 23.9, services=False, host=None) == []
    assert plan.lists(NOON + 24, services=False, host=None) == [AskHosts()]


def test_what_failed_is_asked_for_again_after_a_while() -> None:
    plan = Plan(refresh=1.0)
    plan.lists(NOON, services=False, host=None)
    plan.take(Failed(AskHosts(), "connection refused"), NOON)
    assert plan.lists(NOON + RETRY - 0.1, services=False, host=None) == []
    assert plan.lists(NOON + RETRY, services=False, host=None) == [AskHosts()]


def test_an_answer_that_never_comes_is_not_waited_for_without_end() -> None:
    plan = Plan()
    plan.lists(NOON, services=False, host=None)
    assert plan.lists(NOON + LOST, services=False, host=None) == []
    assert plan.lists(NOON + LOST + 1, services=False, host=None) == [AskHosts()]


def test_hurry_asks_for_everything_now() -> None:
    plan = Plan(refresh=60.0)
    plan.lists(NOON, services=False, host=None)
    plan.take(TOLD, NOON)
    plan.hurry()
    assert plan.lists(NOON + 1, services=False, host=None) == [AskHosts()]


def test_small_pasts_are_asked_for_a_few_at_a_time() -> None:
    plan, pasts = Plan(), Pasts()
    names = [f"web-{n}" for n in range(9)]
    first = plan.sparks(pasts, names, WINDOW, NOON, NOON)
    assert len(first) == SPARKS_AT_ONCE
    assert plan.sparks(pasts, names, WINDOW, NOON, NOON) == []
    answer = SeriesTold(series("web-0", WINDOW, NOON, spark=True), 5.0, (), {})
    plan.take(answer, NOON)
    pasts.take(answer, WINDOW)
    (following,) = plan.sparks(pasts, names, WINDOW, NOON, NOON)
    assert following == series("web-4", WINDOW, NOON, spark=True)


def test_a_past_that_is_loaded_is_not_asked_for() -> None:
    plan, pasts = Plan(), Pasts()
    (wish,) = plan.host(pasts, "web-1", WINDOW, NOON, NOON)
    assert wish == series("web-1", WINDOW, NOON, spark=False)
    answer = SeriesTold(series("web-1", WINDOW, NOON, spark=False), 1.0, (), {})
    plan.take(answer, NOON)
    pasts.take(answer, WINDOW)
    assert plan.host(pasts, "web-1", WINDOW, NOON + 60, NOON + 60) == []


def test_a_past_reaches_from_before_the_window_to_the_present_in_whole_steps() -> None:
    for window in WINDOWS:
        for spark in (False, True):
            wish = series("web-1", window, NOON + 0.5, spark=spark)
            step = (wish.end - wish.start) // wish.points
            assert (wish.end - wish.start) % wish.points == 0
            assert wish.start % step == wish.end % step == 0
            assert wish.start <= NOON + 0.5 - window.seconds + step
            assert wish.end - step <= NOON + 0.5 < wish.end

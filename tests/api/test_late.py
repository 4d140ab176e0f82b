"""What a worker that began after others tells of what it never heard."""

from __future__ import annotations

from api.fanout import Wish
from tests.api.given import FACTS, MINUTE, NOON, Collector, a_record, reading
from tests.api.test_fanout import House, types


def beside(first: House) -> House:
    """A worker that listens to the same collector, and has heard nothing yet."""
    late = House()
    late.collector, late.now = first.collector, first.now
    return late


def test_who_comes_back_to_a_worker_that_began_meanwhile_is_told_that_something_may_be_missing() -> None:
    first = House()
    listener = first.listen()
    late = beside(first)
    # given that events of after the late worker's beginning passed it by, and the client heard only the first of them
    first.tell(*reading())
    after = listener.events()[-1]["id"]
    first.tell(reading()[1])
    late.now = first.now
    late.tell(*reading())
    assert types(late.listen(after=after)) == ["gap", "metric"]
    assert types(late.listen(Wish(frozenset({"alert", "gap"})), after=after)) == ["gap"], "it may be of any kind"
    newest = late.listen()
    late.tell(FACTS)
    assert types(newest) == ["facts"]
    assert late.fanout.lost == 0, "nobody knows of how many"


def test_who_came_back_before_the_worker_heard_anything_is_told_when_it_does() -> None:
    first = House()
    listener = first.listen()
    late = beside(first)
    first.tell(*reading())
    back = late.listen(after=listener.events()[-1]["id"])
    first.tell(reading()[1])
    late.now = first.now
    late.tell(*reading())
    assert types(back) == ["gap", "metric"]
    late.tell(reading()[1], FACTS)
    assert types(back)[2:] == ["metric", "facts"], "and once"


def test_who_is_told_that_events_are_no_longer_held_is_told_of_no_other_gap_for_it() -> None:
    first = House()
    listener = first.listen()
    first.now = NOON - MINUTE  # before the late worker began
    first.tell(*reading())
    late = beside(first)
    late.now = NOON
    late.tell(*reading())
    assert types(late.listen(after=listener.events()[-1]["id"])) == ["gap", "metric"]


def test_a_collector_that_is_heard_from_its_first_frame_on_leaves_no_gap() -> None:
    house = House()
    listener = house.listen()
    house.tell(*reading())
    house.collector = Collector(incarnation=8)
    house.collector.frame([a_record(FACTS)])  # never arrives
    house.tell(FACTS)
    assert types(listener) == ["metric", "facts"], "of a kind that was not heard before nobody knows"

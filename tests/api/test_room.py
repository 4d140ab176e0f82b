"""How much the clients of the stream may leave unread together."""

from __future__ import annotations

from api.fanout import Wish
from api.views.events import WORDS
from tests.api.given import FACTS
from tests.api.test_fanout import House, Listener


def of(name: str) -> Wish:
    return Wish(WORDS, ("web-1", name))


def test_clients_of_very_many_wishes_may_each_leave_less_unread() -> None:
    house = House(unread_bytes=1000, all_unread_bytes=10_000)
    few = [house.listen(of(f"db-{number}")) for number in range(10)]
    for one in few:
        one.waiting = 1000
    house.tell(FACTS)
    assert not any(one.dropped for one in few)
    # when ten more come, so that together they would leave twice as much
    more = [house.listen(of(f"mail-{number}")) for number in range(10)]
    few[0].waiting = 500
    house.tell(FACTS)
    assert [one.dropped for one in few] == [None, *[(4408, "too slow: 1000 bytes unread")] * 9]
    assert not any(one.dropped for one in more)


def test_clients_of_one_wish_leave_the_same_unread_however_many_they_are() -> None:
    house = House(unread_bytes=1000, all_unread_bytes=10_000)
    many = [house.listen() for _ in range(50)]
    for one in many:
        one.waiting = 1000
    house.tell(FACTS)
    assert not any(one.dropped for one in many)


def test_whoever_is_still_told_what_was_missed_leaves_something_of_his_own_unread() -> None:
    house = House(unread_bytes=1000, all_unread_bytes=10_000)
    behind = [Listener() for _ in range(40)]
    for one in behind:
        house.fanout.expect(one)
    assert house.fanout.room == 250
    house.fanout.leave(behind.pop())
    for one in behind:
        house.fanout.join(of("db-1"), one)
    assert house.fanout.room == 1000

"""A program whose labels change ever so often takes nothing of what else the agent tells."""

from __future__ import annotations

from typing import NamedTuple

from agent.admission import CHANGE_SECONDS, CHANGES, GONE_SECONDS, WAITS, Admission
from agent.exposition import Exposition
from bus.messages import layout_id
from collector.config import Collector
from collector.limits import LAYOUT_PARTS
from collector.novelty import Novelty

DAY = 86_400.0
OWN = tuple(f"own[{one}].percent" for one in range(300))


class One(NamedTuple):
    """A metric, or several of which each is told."""

    name: str
    size: int = 1


class Shop:
    """A program that is asked now and then."""

    def __init__(self, most: int) -> None:
        self._admission: Admission[One] = Admission(most, 0.0)

    def read(self, names: str, now: float) -> tuple[str, str, list[str | None]]:
        """What is told and what is gone, a letter each, and why the others are not told."""
        self._admission.begin(now)
        reasons = [self._admission.reason(One(name)) for name in names]
        gone = "".join(one.name for one in self._admission.end(now))
        told = "".join(name for name in names if self._admission.took(name))
        return told, gone, [reason for reason in reasons if reason is not None]


def test_what_is_gone_keeps_its_name_for_an_hour_and_has_its_place_when_it_comes_back() -> None:
    shop = Shop(4)
    assert shop.read("abc", 0.0) == ("abc", "", [])
    assert shop.read("a", 10.0) == ("a", "bc", [])
    assert shop.read("ab", 20.0) == ("ab", "c", [])
    assert shop.read("ab", 10.0 + GONE_SECONDS - 1) == ("ab", "c", [])
    assert shop.read("ab", 10.0 + GONE_SECONDS) == ("ab", "", [])


def test_what_is_gone_makes_room_what_went_first_before_what_went_last() -> None:
    shop = Shop(4)
    shop.read("abcd", 0.0)
    shop.read("bcd", 10.0)
    shop.read("cd", 20.0)
    assert shop.read("cde", 30.0) == ("cde", "b", [])
    assert shop.read("cdef", 40.0) == ("cdef", "", [])
    assert shop.read("cdefg", 50.0) == ("cdef", "", ["more than 4 metrics"])


def test_what_comes_too_often_waits_and_is_told_together() -> None:
    shop = Shop(100)
    names = [chr(ord("A") + one) for one in range(CHANGES + 3)]
    for one in range(CHANGES):
        assert shop.read("".join(names[: one + 1]), 0.0)[2] == []
    assert shop.read("".join(names), 1.0)[2] == [WAITS] * 3
    shop.read("A", 1.5)  # what comes back is no change
    assert shop.read("".join(names[:CHANGES]), 2.0) == ("".join(names[:CHANGES]), "", [])
    assert shop.read("".join(names), CHANGE_SECONDS + 1.0) == ("".join(names), "", [])
    assert shop.read("".join(names) + "z", CHANGE_SECONDS + 2.0)[2] == [WAITS]


def test_a_name_whose_time_is_over_waits_too() -> None:
    shop = Shop(100)
    shop.read("ab", 0.0)
    assert shop.read("a", 1.0) == ("a", "b", [])
    more = [chr(ord("A") + one) for one in range(CHANGES)]
    for one in range(CHANGES):
        shop.read("a" + "".join(more[: one + 1]), GONE_SECONDS)
    assert shop.read("a" + "".join(more), GONE_SECONDS + 2.0)[1] == "b"
    assert shop.read("a" + "".join(more), GONE_SECONDS + CHANGE_SECONDS)[1] == ""
    assert shop.read("az" + "".join(more), GONE_SECONDS + CHANGE_SECONDS + 1.0)[2] == [WAITS]


def test_there_are_so_many_new_ones_a_day() -> None:
    shop = Shop(3)
    for names in ("abc", "", "def", ""):
        assert shop.read(names, 0.0)[2] == []
    assert shop.read("ghi", 0.0) == ("", "def", ["more new metrics than 3 a day"] * 3)
    assert shop.read("ghi", DAY / 3) == ("g", "", ["more new metrics than 3 a day"] * 2)


def let_in(new_each_time: int, step: float) -> float:
    """Until when on one day a collector lets in the names of a host with such a program; a day: always."""
    shop, novelty, before = (
        Exposition("shop", ("*",), (), 1000, 0.0),
        Novelty(Collector().metrics, 0.0),
        tuple[str, ...](),
    )
    now, number = 0.0, 0
    while now < DAY:
        lines = [b"steady%d 1\n" % one for one in range(300)]
        lines += [b'hits{id="%d"} 1\n' % (number + one) for one in range(new_each_time)]
        number += new_each_time
        names = (*OWN, *shop.read(lines, now).readings)
        parts = [(layout_id(names), part) for part in range(1 + len(names) // LAYOUT_PARTS)]
        if names != before and not novelty.take((*names, *parts), now):
            return now
        before, now = names, now + step
    return DAY


def test_a_program_that_tells_ever_other_labels_leaves_the_names_of_its_host_let_in() -> None:
    assert let_in(new_each_time=40, step=120.0) == DAY

"""Long lists come in parts, and what comes in waits for the picture."""

from __future__ import annotations

import threading
import time

from tests.viewer.given import NOON, HubInMemory, calm, session
from viewer.events import HostsPart, HostsTold
from viewer.feed import HUSHED, Gate
from viewer.session import PART, parts

MANY = tuple(calm(f"web-{number}") for number in range(2 * PART + 50))


def test_a_long_list_is_taken_in_part_by_part_and_a_key_waits_for_none_of_it() -> None:
    hub = HubInMemory()
    found = session(hub)
    hub.events = [HostsTold(MANY)]
    found.turn()
    assert (len(found.model.world.hosts), found.behind) == (PART, True)
    found.turn(hurried=True)
    assert len(found.model.world.hosts) == PART
    while found.behind:
        found.turn()
    assert len(found.model.world.hosts) == len(MANY)
    assert len(found.model.rows(NOON)) == len(MANY)
    # when one has gone, the end of the next list says so
    hub.events = [HostsTold(MANY[1:])]
    found.turn()
    while found.behind:
        found.turn()
    assert "web-0" not in found.model.world.hosts


def test_a_list_in_parts_ends_with_itself() -> None:
    *some, last = parts(HostsTold(MANY, 3.0))
    assert all(isinstance(one, HostsPart) and one.ahead == 3.0 for one in some)
    assert [one for part in some if isinstance(part, HostsPart) for one in part.entries] == list(MANY)
    assert last == HostsTold(MANY, 3.0, taken=True)


def test_what_comes_in_waits_for_a_picture_but_not_for_ever() -> None:
    gate = Gate()
    gate.wait()
    passed = threading.Event()

    def worker() -> None:
        gate.wait()
        passed.set()

    with gate.closed():
        began = time.monotonic()
        thread = threading.Thread(target=worker)
        thread.start()
        assert passed.wait(30), "a picture that takes too long holds nobody up"
        assert time.monotonic() - began >= HUSHED
    thread.join()

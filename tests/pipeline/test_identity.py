"""Keys change under load: whoever has to wait outside meanwhile loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus import enrolled, keys
from tests.pipeline.joined import Joined, home
from tests.pipeline.programs import Programs, until

RATE = 500.0
NAME = "web-1"


@pytest.fixture
def hub() -> Iterator[Programs]:
    made = Programs("keys = true\n")
    for name in ("collector", "store-writer"):
        made.start(name)
    yield made
    made.close()


@pytest.fixture
def host(hub: Programs) -> Iterator[Joined]:
    made = Joined(hub, NAME, RATE)
    made.enrol()
    made.start()
    yield made
    made.stop()


def _more(hub: Programs, count: int) -> None:
    """Wait until so many more messages are stored."""
    goal = len(hub.stored(NAME)) + count if hub.streams(NAME) else count
    until(lambda: bool(hub.streams(NAME)) and len(hub.stored(NAME)) >= goal, 40, f"{count} more are stored", hub)


def _new_key(hub: Programs, host: Joined) -> None:
    line = host.admit(again=True)
    _told_outside(hub)
    host.join(line)


def _revoked_and_enrolled(hub: Programs, host: Joined) -> None:
    enrolled.revoke(home(hub), NAME)
    _told_outside(hub)
    host.enrol()


def _new_hub_key(hub: Programs, host: Joined) -> None:
    enrolled.rotate(home(hub))
    _told_outside(hub)
    host.enrol(again=True)


def _told_outside(hub: Programs) -> None:
    """Wait until the host told a good deal that the hub cannot have taken."""
    goal = hub.count_told() + 3 * int(RATE)
    until(lambda: hub.count_told() >= goal, 30, "the host goes on telling", hub)


@pytest.mark.parametrize("change", [_new_key, _revoked_and_enrolled, _new_hub_key])
def test_keys_change_under_load_and_nothing_is_lost(
    hub: Programs, host: Joined, change: Callable[[Programs, Joined], None]
) -> None:
    _more(hub, 500)
    change(hub, host)
    _more(hub, 500)
    host.stop()

    # then a last start of it delivers what its end left in the spool
    host.start()
    told = hub.told(NAME)
    assert len(told) > 4 * RATE, "there was load: without it the test would prove nothing"
    until(lambda: hub.has_all(NAME, told), 60, "everything that was told has arrived", hub)
    stored = hub.stored(NAME)
    assert not [one for one in told if stored[one.value] != 1]
    assert hub.lost(NAME) == []


def test_the_hubs_home_holds_no_secret_of_the_host(hub: Programs, host: Joined) -> None:
    _more(hub, 100)
    own = keys.read_pair(host.home / "keys" / "agent.key")
    assert own is not None
    files: list[Path] = [file for file in home(hub).rglob("*") if file.is_file()]
    assert not [file for file in files if own.secret.encode() in file.read_bytes()]

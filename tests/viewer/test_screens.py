"""The contract of the drawers: every screen and panel draws itself into any room, whatever it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest

from tests.viewer.fleet import InventedHost, fleet
from tests.viewer.given import LOOK, NOON, HubInMemory, session
from viewer.canvas import Canvas
from viewer.events import AlertsTold, FactsTold, LinkTold, SampleTold, ServiceEntry
from viewer.incidents import Incident
from viewer.panels import PANELS
from viewer.scene import Look, Scene
from viewer.screens import SCREENS
from viewer.session import Session

SIZES = [(20, 5), (39, 10), (40, 10), (40, 24), (60, 14), (63, 20), (64, 18), (80, 24), (120, 40), (150, 30), (250, 80)]
HOSTILE = "\x1b[31m\u202e日本語👩\u200d👩 " + "x" * 300


def nothing() -> Session:
    return session(HubInMemory())


def one() -> Session:
    return session(HubInMemory(fleet(1)))


def sixty() -> Session:
    hub = HubInMemory(fleet(60, NOON))
    hub.services = tuple(ServiceEntry(f"shop-{n}", "https://shop", "up", 80.0, NOON - 5) for n in range(40))
    for minute in range(0, 30, 2):
        at = NOON - 60 * minute
        hub.alarms.append(Incident(f"i{minute}", "cpu", f"web-{minute}", "critical", "firing", at, at))
    return session(hub)


def gaps() -> Session:
    host = InventedHost("web-1")
    host.gaps = [(NOON - 200, NOON - 60), (NOON - 30, NOON + 1)]
    return session(HubInMemory({"web-1": host}))


def many_cores() -> Session:
    return session(HubInMemory({"big-1": InventedHost("big-1", cores=256)}))


def never_seen() -> Session:
    return session(HubInMemory({"web-1": InventedHost("web-1", state="unknown")}))


def away() -> Session:
    found = one()
    found.model.take(LinkTold("offline", HOSTILE, NOON + 5), NOON)
    return found


def hostile() -> Session:
    found = session(HubInMemory({"web-1": InventedHost("web-1", display=HOSTILE)}))
    values = {
        **{f"{group}[{HOSTILE}].{field}": 1e300 for group, field in (("disk", "percent"), ("temperature", "celsius"))},
        **{f"net[{HOSTILE}].{way}_bytes_per_s": -1e300 for way in ("rx", "tx")},
        **{f"io[a[b].c].{way}_bytes_per_s": 1e-300 for way in ("read", "write")},
        "cpu.percent": -5.0,
        "cpu[0].percent": 1e9,
        "cpu[1].percent": None,
        "memory.percent": 1e300,
        "memory.total": 0.0,
        "memory.used": 1e308,
        "swap.total": 1.0,
        "load.1m": -1e9,
        "system.uptime_seconds": 1e300,
    }
    found.model.take(FactsTold("web-1", {"os_name": HOSTILE, "interval": 1e-9, "memory_total": -5, "kernel": 7}), NOON)
    found.model.take(SampleTold("web-1", HOSTILE, NOON, values), NOON)
    odd = Incident(HOSTILE, HOSTILE, HOSTILE, HOSTILE, "firing", 1e300, -1e300, reason=HOSTILE, value=1e300)
    found.model.take(AlertsTold((odd,), ()), NOON)
    return found


GIVEN: list[Callable[[], Session]] = [nothing, one, sixty, gaps, many_cores, never_seen, away, hostile]


@cache
def seen(make: Callable[[], Session]) -> Session:
    """One of them, made once, for tests that change nothing in it."""
    return make()


def bounded(canvas: Canvas, wide: int, high: int) -> None:
    assert len(canvas.texts) == len(canvas.styles) == high
    assert all(len(row) == wide for row in canvas.texts)
    assert all(len(row) == wide for row in canvas.styles)
    acting = {text for row in canvas.texts for text in row if not (text == "" or text.isprintable())}
    assert acting == set(), "nothing acts on the terminal"


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("make", GIVEN, ids=lambda make: make.__name__)
def test_every_screen_draws_itself_at_every_size(screen: str, make: Callable[[], Session]) -> None:
    found = make()
    found.model.show(screen)
    for look in (LOOK, Look("block"), Look("ascii", plain=True)):
        found.look = look
        # Which characters are used changes nothing about the room: a few sizes tell.
        for wide, high in SIZES if look is LOOK else SIZES[2::4]:
            canvas = found.draw(wide, high)
            bounded(canvas, wide, high)
            if look.plain:
                assert canvas.text().isascii()


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("make", GIVEN, ids=lambda make: make.__name__)
def test_every_panel_stays_inside_its_pane(name: str, make: Callable[[], Session]) -> None:
    found = seen(make)
    host = found.model.host()
    if host is None:
        return
    for wide, high in [*SIZES, (1, 1), (3, 2), (4, 3), (12, 4), (24, 7), (39, 100)]:
        need = PANELS[name].need(Scene(found.model, NOON, LOOK), host, wide)
        if need is None:
            continue
        assert 0 < need.least <= need.good <= need.want
        canvas = Canvas(wide + 4, high + 4)
        PANELS[name].draw(Scene(found.model, NOON, LOOK), canvas.pane().part(2, 2, wide, high), host)
        bounded(canvas, wide + 4, high + 4)
        inside = {(x, y) for x in range(2, wide + 2) for y in range(2, high + 2)}
        drawn = {(x, y) for y, row in enumerate(canvas.texts) for x, text in enumerate(row) if text != " "}
        assert drawn <= inside


@pytest.mark.parametrize("screen", SCREENS)
def test_scrolling_through_a_screen_at_a_small_size_breaks_nothing(screen: str) -> None:
    found = sixty()
    found.model.show(screen)
    for key in ("pagedown", "pagedown", "G", "down", "pageup", "g", "up"):
        found.press(key)
        bounded(found.draw(64, 18), 64, 18)


def test_a_panel_of_a_host_that_measures_no_such_thing_is_left_out() -> None:
    found = session(HubInMemory({"web-1": InventedHost("web-1", state="unknown")}), screen="host")
    text = found.draw(120, 60).text()
    assert "CPU" in text
    assert all(title not in text for title in ("Filesystems", "Temperatures", "Net "))


def test_a_picture_of_sixty_hosts_is_drawn_in_a_glance() -> None:
    found = sixty()
    found.draw(200, 60)
    began = time.process_time()
    for _ in range(5):
        found.draw(200, 60)
    assert (time.process_time() - began) / 5 < 0.1


def test_a_service_that_was_never_looked_at_says_why() -> None:
    hub = HubInMemory(fleet(1))
    hub.services = (ServiceEntry("outside", "https://192.0.2.5/", "unknown", reason="192.0.2.5 is not public"),)
    found = session(hub)
    for screen in ("services", "pulse"):
        found.model.show(screen)
        assert "192.0.2.5 is not public" in found.draw(150, 40).text()


@pytest.mark.parametrize("size", [(40, 10), (120, 11)])
def test_a_list_of_a_single_line_has_a_row_and_not_its_heads(size: tuple[int, int]) -> None:
    found = sixty()
    found.model.show("pulse")
    lines = found.draw(*size).text().splitlines()
    for above, line in pairwise(lines):
        assert not (" STATE " in above and line.startswith("╰")), f"{above}\n{line}"


def test_where_no_row_finds_room_there_is_no_list() -> None:
    found = sixty()
    found.model.show("pulse")
    for high in range(10, 20):
        text = found.draw(40, high).text()
        assert "–0 of" not in text
        assert "Firing" in text

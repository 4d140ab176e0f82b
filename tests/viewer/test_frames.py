"""Exact pictures of a few small moments, at noon."""

from __future__ import annotations

from datetime import UTC

from tests.viewer.given import LOOK, NOON, HubInMemory, calm, samples
from viewer.events import FactsTold, HostEntry, HostsTold, LinkTold, SampleTold, SeriesTold
from viewer.model import Model
from viewer.plan import series
from viewer.scene import Look
from viewer.session import Session

RAMP = [float(percent) for percent in range(0, 101, 5)]
"""CPU, rising to 100 % at noon, a reading each 10 seconds."""


def web_and_db(look: Look = LOOK) -> Session:
    """web-1 climbs to 100 % CPU; db-1 has not been heard for ten minutes."""
    model = Model(address="hub:8080")
    model.take(LinkTold("live"), NOON)
    model.take(HostsTold((calm("web-1"), HostEntry("db-1", "db-1", "down", "nothing heard", NOON - 600))), NOON)
    model.press("down", NOON)
    model.pasts.track("web-1", model.window)
    for event in samples("web-1", RAMP):
        model.take(event, event.at)
    model.take(FactsTold("web-1", {"interval": 10, "os_name": "Debian", "os_version": "12"}), NOON)
    memory = {"memory.total": 16.0 * 1024**3, "memory.used": 8.0 * 1024**3, "disk[/].percent": 93.0}
    model.take(SampleTold("web-1", "web-1", NOON, {"cpu.percent": 100.0, "memory.percent": 50.0, **memory}), NOON)
    wish = series("web-1", model.window, NOON, spark=False)
    model.take(SeriesTold(wish, 10.0, (), {}), NOON)
    hub = HubInMemory()
    hub.away, hub.events = True, []
    return Session(model, hub, look, clock=lambda: NOON)


def hosts_picture() -> str:
    return web_and_db().draw(60, 20).text()


def host_picture() -> str:
    found = web_and_db()
    found.press("enter")
    return found.draw(48, 16).text()


def away_picture() -> str:
    found = web_and_db(Look("ascii", plain=True, zone=UTC))
    found.model.take(LinkTold("reconnecting", "cannot reach hub:8080: connection refused", NOON + 2), NOON)
    return found.draw(60, 10).text()


def test_the_list_stands_above_the_chosen_hosts_chart() -> None:
    assert (
        hosts_picture()
        == """\
 1  2 Hosts  3  4  5  6                    hub:8080  ● LIVE
╭─ Hosts ──────────────────── ▼ 1 down ─ ● 1 up ─ 2 hosts ─╮
│  STATE▾  HOST        CPU  5m            MEM  DISK   SEEN │
│  ▼ down  db-1          –                  –     –   10 m │
│▸ ● up    web-1      100%    ▁▁▃▄▅▆▇██   50%   93%    0 s │
╰──────────────────────────────────────────────────────────╯
╭─ CPU ────────────────────────────────── 100% ─ max 100% ─╮
│100%                                                   ⣠⣴⣾│
│                                                   ⢀⣠⣾⣿⣿⣿⣿│
│                                                ⢀⣤⣶⣿⣿⣿⣿⣿⣿⣿│
│                                             ⣀⣴⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                                          ⣠⣤⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│ 50%                                  ⢀⣠⣴⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                                   ⢀⣤⣶⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                                ⢀⣤⣶⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                             ⣀⣤⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                          ⣠⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│  0%                  ⣀⣠⣴⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
╰─────────────11:56─────11:57──────11:58─────11:59─────────╯
 ↑↓ select  Enter open  Esc back  a ack  ? help   window 5m
"""
    )


def test_a_small_terminal_shows_what_fits_and_says_what_does_not() -> None:
    assert (
        host_picture()
        == """\
 1  2  3 Host  4  5  6         hub:8080  ● LIVE
 web-1  ● up  0 s ago  Debian 12   PgDn: 2 more
╭─ CPU ────────────────────── 100% ─ max 100% ─╮
│100%                                     ⣀⣤⣴⣶⣿│
│                                   ⢀⣠⣤⣶⣾⣿⣿⣿⣿⣿⣿│
│ 50%                          ⣀⣤⣴⣶⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│                        ⢀⣠⣤⣴⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
│  0%              ⣀⣀⣤⣤⣶⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
╰──────────11:56───11:57────11:58───11:59──────╯
╭─ Memory ───────────────────── 50% ─ max 50% ─╮
│RAM ━━━━━━━━━━━───────────  50%  8.0 of 16 GiB│
│100%                                          │
│                  ⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤│
│  0%              ⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿│
╰──────────11:56───11:57────11:58───11:59──────╯
 ↑↓ select  Esc back  a ack  ? help   window 5m
"""
    )


def test_a_hub_that_is_away_is_told_with_the_reason_and_in_ascii_where_need_be() -> None:
    assert (
        away_picture()
        == """\
 1  2 Hosts  3  4  5  6     hub:8080  ~ RECONNECTING in 2 s
+- Hosts --- v 1 down - * 1 up - 2 hosts - as of 12:00:00 -+
|  STATEv   HOST        CPU  5m           MEM  DISK   SEEN |
|  v down?  db-1          -                 -     -   10 m |
|> * up     web-1      100%    _.:-=*##   50%   93%    0 s |
|                                                          |
|                                                          |
|                                                          |
+----------------------------------------------------------+
 cannot reach hub:8080: connection refused        window 5m
"""
    )

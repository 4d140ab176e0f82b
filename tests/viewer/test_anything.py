"""Whatever is pressed and whatever happens, in whatever order: nothing raises, and the model agrees with itself."""

from __future__ import annotations

import json
import math

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.viewer.fleet import fleet, rfc
from tests.viewer.given import NOON, HubInMemory, calm, session
from viewer import keys, parse
from viewer.axis import WINDOWS
from viewer.events import (
    AlertTold,
    Check,
    CheckTold,
    Event,
    FactsTold,
    Failed,
    Garbage,
    HostEntry,
    HostsTold,
    LinkTold,
    Missed,
    SampleTold,
    ServiceEntry,
    ServicesTold,
)
from viewer.session import Session
from viewer.wishes import AskHost, AskHosts

LEAVING = {"q", "ctrl-c"}
PRESSED = st.sampled_from(
    [*sorted({key for binding in keys.BINDINGS for key in binding.keys} - LEAVING), "x", "Z", "5", "backspace", "é"]
)
NAMES = st.sampled_from(["web-1", "db-1", "cache-1", "new-1", "\x1b[2J", "", "a" * 300, "日本"])
NUMBERS = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 100)
METRICS = st.sampled_from(
    [
        "cpu.percent",
        "memory.percent",
        "net[eth0].rx_bytes_per_s",
        "disk[/].percent",
        "temperature[x].celsius",
        "cpu[0].percent",
        "[",
        "x",
    ]
)
TIMES = st.floats(NOON - 400, NOON + 400) | st.floats(-1e12, 1e12)
VALUES = st.dictionaries(METRICS, NUMBERS, max_size=6)
STATES = st.sampled_from(["up", "down", "stale", "unknown", "degraded", "odd"])
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(SampleTold, NAMES, NAMES, TIMES, VALUES),
    st.builds(lambda names: HostsTold(tuple(calm(name) for name in names)), st.lists(NAMES, max_size=4, unique=True)),
    st.builds(
        lambda rows, ahead: HostsTold(tuple({row.name: row for row in rows}.values()), ahead),
        st.lists(
            st.builds(HostEntry, NAMES, NAMES, STATES, st.text(max_size=5), st.none() | TIMES, VALUES), max_size=4
        ),
        st.floats(-1e6, 1e6),
    ),
    st.builds(
        FactsTold, NAMES, st.dictionaries(st.sampled_from(["interval", "os_name", "version"]), NUMBERS | st.text())
    ),
    st.builds(
        LinkTold,
        st.sampled_from(["connecting", "live", "reconnecting", "offline"]),
        st.text(max_size=9),
        st.none() | TIMES,
    ),
    st.builds(Missed, st.none() | st.integers(0, 9)),
    st.just(Garbage()),
    st.builds(
        Failed,
        st.sampled_from([AskHosts(), AskHost("web-1")]),
        st.text(max_size=9),
        st.sampled_from([0, 401, 403, 500]),
    ),
    st.just(AlertTold()),
    st.builds(lambda name, at, status, ms: CheckTold(Check(name, at, status, ms)), NAMES, TIMES, STATES, NUMBERS),
    st.builds(lambda names: ServicesTold(tuple(ServiceEntry(n, "", "up") for n in names)), st.lists(NAMES, max_size=3)),
)
PASSING = st.floats(-5, 400)
STEPS = st.lists(
    st.tuples(PRESSED, st.none()) | st.tuples(st.none(), EVENTS) | st.tuples(PASSING, st.none()), max_size=30
)


def consistent(found: Session, hub: HubInMemory) -> None:
    """What must hold after every step."""
    model, now = found.model, hub.now
    assert model.screen in (*keys.SCREENS, "help", "why", "backtest")
    assert model.behind in keys.SCREENS
    assert model.window in WINDOWS
    assert model.time(now) <= max(now, model.paused_at or now), "nothing of the future is shown"
    assert (model.replay is None) == (model.world is model.present)
    assert model.replay is None or model.paused_at is None, "the past is no held present"
    assert (model.replay is None) == (model.pasts.anchor == 0)
    assert model.paused_at is not None or not model.backlog
    assert all(name == host.name for name, host in model.world.hosts.items())
    rows = model.rows(now)
    assert len(rows) == len({host.name for host in rows})
    if rows and not model.filter:
        assert model.hosts.chosen in model.hosts.order or not model.present.hosts_told
    assert 0 <= model.scroll <= 10_000


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, size=st.sampled_from([(80, 24), (40, 10), (130, 41), (9, 3)]))
def test_keys_events_and_time_in_any_order_leave_a_picture_and_a_model_that_agrees(
    steps: list[tuple[str | float | None, Event | None]], size: tuple[int, int]
) -> None:
    hub = HubInMemory(fleet(3))
    found = session(hub)
    for pressed, event in steps:
        if isinstance(pressed, str):
            found.press(pressed)
        elif isinstance(pressed, float):
            hub.now += pressed  # clocks are set back, too
        elif event is not None:
            hub.events.append(event)
        found.turn()
        canvas = found.draw(*size)
        assert (len(canvas.texts), len(canvas.texts[0])) == (size[1], size[0])
        assert not any("\x1b" in cell for row in canvas.texts for cell in row)
        consistent(found, hub)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(rfc(NOON)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KNOWN = (
    "type",
    "id",
    "server_id",
    "service_name",
    "subject",
    "timestamp",
    "values",
    "facts",
    "status",
    "missed",
    "started_at",
)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["metric", "facts", "service_check", "alert", "gap", "processes", "loss", "odd"]),
    fields=st.dictionaries(st.sampled_from(KNOWN), JSON),
)
def test_a_message_of_any_shape_is_an_event_or_garbage(kind: str, fields: dict[str, object]) -> None:
    hub = HubInMemory(fleet(1))
    found = session(hub)
    event = parse.stream_event(json.dumps({**fields, "type": kind}))
    if event is not None:
        found.model.take(event, NOON)
        found.draw(80, 24)
    assert all(host.heard is None or math.isfinite(host.heard) for host in found.model.world.hosts.values())

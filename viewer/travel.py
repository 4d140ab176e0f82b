"""How the person moves through time: back, on, to an incident, and home to the present. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from viewer.events import BeforeTold
from viewer.pasts import anchored
from viewer.replay import SPEEDS, Replay
from viewer.wishes import AskBefore

if TYPE_CHECKING:
    from viewer.model import Model

LATEST_SHARE = 0.25
"""An incident is shown with so much of the window after its beginning."""


def visit(model: Model, at: float, now: float, *, speed: float | None = None) -> None:
    """Show the moment ``at`` (seconds since the epoch, by our clock), moving on when a ``speed`` is given.

    A moment that is not over yet is the present.
    """
    if at >= now:
        home(model, now)
        return
    if model.paused_at is not None:
        model.hold(now)  # what was held back belongs to the present
    if model.replay is None:
        model.replay = Replay(model.world, at, now)
        model.world = model.replay.world
    model.replay.go(at, now)
    if speed is not None:
        model.replay.run(now, running=True, speed=speed)
    follow(model, now)


def home(model: Model, now: float) -> None:
    """Show the present, and let it go on."""
    if model.replay is not None:
        model.world, model.replay = model.replay.present, None
        model.pasts.anchor = 0
        model.plan.again("incidents")
    if model.paused_at is not None:
        model.hold(now)


def pan(model: Model, windows: float, now: float) -> None:
    """Go so many windows forward; from the present, back only."""
    if model.replay is None and windows > 0:
        if model.paused_at is not None:
            home(model, now)
        return
    visit(model, model.time(now) + windows * model.window.seconds, now)


def hasten(model: Model, steps: int, now: float) -> None:
    """Replay faster or slower by so many steps; a moment that stands begins to move."""
    replay = model.replay
    if replay is None:
        return
    nearest = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - replay.speed))
    place = nearest + steps if replay.running else nearest
    replay.run(now, running=True, speed=SPEEDS[max(0, min(len(SPEEDS) - 1, place))])


def incident(model: Model, now: float) -> None:
    """Go to where the incident before the moment shown began."""
    host = model.host() if model.screen == "host" else None
    shown = model.time(now) + model.present.ahead
    if model.replay is not None:
        shown -= LATEST_SHARE * model.window.seconds  # where the one that is looked at began
    begun = [
        one.began
        for one in (*model.alarms.past, *model.alarms.standing)
        if one.state != "pending" and (host is None or one.subject == host.name)
    ]
    before = [at for at in begun if at < shown - 1]
    if before:
        _look_at(model, max(before), now)
        return
    # What is known goes back some days; the hub's own memory further.
    model.sought = AskBefore(math.floor(shown - 1), "" if host is None else f"host/{host.name}")
    model.plan.again("before")
    model.notice = "looking for the incident before…"


def found(model: Model, told: BeforeTold, now: float) -> None:
    """Go to the incident that was looked for, unless the person has gone elsewhere meanwhile."""
    one = told.incident
    if told.wish != model.sought:
        return
    model.sought = None
    if one is None:
        subject = told.wish.subject.removeprefix("host/")
        model.notice = f"no incident of {subject} before" if subject else "no incident before this moment"
        return
    model.notice = ""
    _look_at(model, one.began, now)


def _look_at(model: Model, began: float, now: float) -> None:
    """Show what ``began`` then, by the hub's clock, with some of what came after it."""
    visit(model, began - model.present.ahead + LATEST_SHARE * model.window.seconds, now)


def follow(model: Model, now: float) -> None:
    """Let a replay move on; at the present it is over."""
    if model.replay is None:
        return
    if model.replay.over(now):
        home(model, now)
        return
    model.replay.show(now)
    model.pasts.anchor = anchored(model.replay.time(now) + model.present.ahead, model.window)

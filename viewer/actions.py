"""What each action of the table of keys does. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from viewer import acts, travel
from viewer.prompt import Prompt
from viewer.targets import Targets, targets

if TYPE_CHECKING:
    from viewer.model import Model


def _reverse(model: Model, now: float) -> None:
    picking = model.lists[model.screen]
    picking.reverse = not picking.reverse


def _filter(model: Model, now: float) -> None:
    model.prompt = Prompt("filter", Targets(), "", model.filter)


def _reset(model: Model, now: float) -> None:
    model.window = model.start_window
    travel.home(model, now)


def _scale(model: Model, now: float) -> None:
    model.own_scale = not model.own_scale


def _enter(model: Model, now: float) -> None:
    if model.screen == "alerts":
        acts.why(model, now)
        return
    if model.screen == "pulse" and model.pulse.chosen in model.world.hosts:
        model.hosts.choose(model.pulse.chosen)
    if model.host():
        model.show("host")


def _command(model: Model, now: float) -> None:
    model.prompt = Prompt("command", targets(model, now), "", hint="Tab completes")


ACTIONS: dict[str, Callable[[Model, float], None]] = {
    "up": lambda model, now: model.move(-1),
    "down": lambda model, now: model.move(1),
    "page_up": lambda model, now: model.turn(-1),
    "page_down": lambda model, now: model.turn(1),
    "first": lambda model, now: model.move(-1_000_000),
    "last": lambda model, now: model.move(1_000_000),
    "enter": _enter,
    "back": lambda model, now: model.back(),
    "next_screen": lambda model, now: model.step_screen(1),
    "previous_screen": lambda model, now: model.step_screen(-1),
    "screen_pulse": lambda model, now: model.show("pulse"),
    "screen_hosts": lambda model, now: model.show("hosts"),
    "screen_host": lambda model, now: model.show("host"),
    "screen_services": lambda model, now: model.show("services"),
    "screen_alerts": lambda model, now: model.show("alerts"),
    "screen_guardia": lambda model, now: model.show("guardia"),
    "mark": lambda model, now: acts.mark(model),
    "acknowledge": acts.acknowledge,
    "silence": acts.silence,
    "end": acts.end,
    "why": acts.why,
    "backtest": acts.backtest,
    "command": _command,
    "filter": _filter,
    "sort": lambda model, now: model.order_by_next(),
    "reverse": _reverse,
    "zoom_in": lambda model, now: model.zoom(-1),
    "zoom_out": lambda model, now: model.zoom(1),
    "zoom_reset": _reset,
    "scale": _scale,
    "earlier": lambda model, now: travel.pan(model, -0.25, now),
    "later": lambda model, now: travel.pan(model, 0.25, now),
    "slower": lambda model, now: travel.hasten(model, -1, now),
    "faster": lambda model, now: travel.hasten(model, 1, now),
    "incident": lambda model, now: travel.incident(model, now),
    "pause": lambda model, now: model.hold(now),
    "refresh": lambda model, now: model.ask_again(),
    "help": lambda model, now: model.back() if model.screen == "help" else model.show("help"),
    "quit": lambda model, now: model.leave(),
}
"""What each action of the table of keys does."""

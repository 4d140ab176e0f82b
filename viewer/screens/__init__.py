"""The drawer of screens: one file, one entry. Pure.

A screen draws itself into a pane of whatever size, from 40 columns on.
"""

from __future__ import annotations

from collections.abc import Callable

from viewer.canvas import Pane
from viewer.scene import Scene
from viewer.screens import alerts, backtest, guardia, help, host, hosts, pulse, services, why

Screen = Callable[[Scene, Pane], None]

SCREENS: dict[str, Screen] = {
    "pulse": pulse.draw,
    "hosts": hosts.draw,
    "host": host.draw,
    "services": services.draw,
    "alerts": alerts.draw,
    "guardia": guardia.draw,
    "why": why.draw,
    "backtest": backtest.draw,
    "help": help.draw,
}

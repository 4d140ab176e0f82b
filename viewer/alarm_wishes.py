"""What the screens about alarms and about the hub itself want to know, and the acts that wait. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from viewer.wishes import AskAlerts, AskHub, AskIncidents, AskLabels, AskRules, AskWhy, Wish

if TYPE_CHECKING:
    from viewer.model import Model

HALF_DAY = 43_200
LATELY = 7 * 86_400
"""Seconds of the past whose incidents are listed, at least."""


def alarm_wishes(model: Model, now: float, end: float) -> list[Wish]:
    """What these want now, whether it is due or not; ``end`` is the moment shown, by the hub's clock."""
    found: list[Wish] = []
    while model.deeds.waiting:
        found.append(model.deeds.waiting.popleft())
    if model.sought is not None:
        found.append(model.sought)
    if model.screen == "why":
        found.append(AskWhy(*model.why))
    if model.screen == "backtest" and model.trial is not None and model.alarms.backtest is None:
        found.append(model.trial)
    if model.paused_at is not None:
        return found
    found += [AskAlerts(), AskLabels()]
    if model.screen in ("pulse", "alerts", "hosts", "host"):
        found.append(AskRules())
    if model.screen in ("pulse", "guardia"):
        found.append(AskHub())
    found.append(_incidents(model, now + model.present.ahead, end))
    return found


def _incidents(model: Model, now: float, end: float) -> AskIncidents:
    """What burned before the moment shown, by the hub's clock; in a replay what burned after it too.

    What a busy hub tells is cut off at its older end, so a replay then asks for the days around its moment only.
    """
    back = max(LATELY, 2 * model.window.seconds)
    if model.replay is None:
        return AskIncidents("now", math.floor(min(end, now) - back), math.ceil(now))
    half_day = math.floor(end / HALF_DAY)
    until = min(now, (half_day + 2) * HALF_DAY) if model.alarms.busy else now
    return AskIncidents(f"replay {half_day}", half_day * HALF_DAY - back, math.ceil(until))

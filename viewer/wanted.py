"""What the screens about alarms and about the hub itself want to know, and the acts that wait. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from viewer.events import (
    Wish,
)
from viewer.wishes import (
    AskAlerts,
    AskHub,
    AskIncidents,
    AskLabels,
    AskRules,
    AskWhy,
)

if TYPE_CHECKING:
    from viewer.model import Model

LATELY = 7 * 86_400
"""Seconds of the past whose incidents are listed, at least."""


def more_wishes(model: Model, now: float, end: float) -> list[Wish]:
    """All of them, whether they are due or not; ``end`` is the moment shown, by the hub's clock."""
    found: list[Wish] = []
    while model.deeds.waiting:
        found.append(model.deeds.waiting.popleft())
    if model.screen == "why":
        found.append(AskWhy(*model.why))
    if model.screen == "backtest" and model.trial is not None and model.alarms.backtest is None:
        found.append(model.trial)
    if model.paused_at is not None:
        return found
    found += [AskAlerts(), AskLabels()]
    if model.screen in ("alerts", "hosts", "host"):
        found.append(AskRules())
    if model.screen in ("pulse", "guardia"):
        found.append(AskHub())
    # Now, whatever is shown: incidents of the past do not change, and a replay looks back from where it is.
    since = math.floor(min(end, now + model.present.ahead) - max(LATELY, 2 * model.window.seconds))
    found.append(AskIncidents("replay" if model.replay else "now", since, math.ceil(now + model.present.ahead)))
    return found

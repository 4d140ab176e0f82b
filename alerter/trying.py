"""``guardia backtest --hub``: a trial that the hub of another machine makes, by its own rules and of its own past."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from bus.harmless import safe_lines
from bus.hub_api import HINT, HubApi, Refused
from bus.hubs import Hub, with_remedy
from bus.judging import Objected
from bus.questions import Unanswered
from bus.reasons import reason

PATIENCE = 100.0
"""Seconds until the answer has to begin; a hub ends a trial after 80."""
TURN = 60.0
"""So long is waited while others try."""


def tried_at(
    place: Hub,
    trial: Mapping[str, Any],
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """What the hub says to a trial, as ``POST /api/v1/backtest`` takes it, ready to be printed; raises ``Unanswered``.

    The connection ends with us, and with it the trial.
    """
    api = HubApi(place, "guardia")
    until = clock() + TURN
    try:
        while True:
            try:
                return _said(api.request("/backtest", (), "POST", dict(trial), patience=PATIENCE), api.address, trial)
            except Refused as refusal:
                if refusal.again is None or clock() + refusal.again > until:
                    raise _unanswered(refusal, api.address) from None
                pause(refusal.again)
            except (requests.RequestException, OSError, ValueError) as error:
                raise Unanswered(with_remedy(reason(error, api.address))) from None
    finally:
        api.close()


def _unanswered(refusal: Refused, address: str) -> Unanswered:
    if refusal.status in (404, 405) and refusal.known:
        return _other_version(address)
    return Objected(str(refusal)) if refusal.status in (400, 413) and refusal.known else Unanswered(str(refusal))


def _said(answer: requests.Response, address: str, trial: Mapping[str, Any]) -> str:
    try:
        text = "\n".join(str(line) for line in answer.json()["lines"])
    except (ValueError, KeyError, TypeError):
        raise Unanswered(f"{address} does not answer as a hub does{HINT}") from None
    if not trial["json"]:
        return safe_lines(text)
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        raise _other_version(address) from None


def _other_version(address: str) -> Unanswered:
    what = "cannot try this for another machine"
    return Unanswered(f"the hub at {address} {what}: have the same version of Guardia there and here")

"""Small human incidents and letters for tests: host web-1, service shop, noon."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alerter.incidents import RESOLVED, Acknowledgement, Incident
from alerter.letters import ALARM, RECOVERY, Item, Letter, item_key

SECOND = 1_000_000_000
NOON = 1_795_521_600 * SECOND
"""2026-11-24 12:00 UTC."""


def burning(**changes: Any) -> Incident:
    """web-1's processor is busy since 11:55."""
    incident = Incident(
        id="c0ffee0000000001",
        rule="cpu-busy",
        kind="host",
        subject="web-1",
        display="Web 1",
        instance="",
        severity="warning",
        state="firing",
        transition=1,
        started_at=NOON - 300 * SECOND,
        changed_at=NOON,
        value=93.1,
        threshold=90.0,
        reason="cpu.percent is 93.1 %, above 90 %",
    )
    return replace(incident, **changes)


def service_down(**changes: Any) -> Incident:
    """The shop does not answer."""
    told = {
        "id": "c0ffee0000000002",
        "rule": "service-down",
        "kind": "service",
        "subject": "shop",
        "display": "shop",
        "severity": "critical",
        "value": None,
        "threshold": None,
        "reason": "service.state is down",
        "url": "https://shop.example/health",
        "error": "503 Service Unavailable",
    }
    return burning(**{**told, **changes})


def over(incident: Incident, at: int = NOON + 600 * SECOND) -> Incident:
    """The same after its end."""
    return replace(
        incident,
        state=RESOLVED,
        transition=incident.transition + 1,
        changed_at=at,
        ended_at=at,
        reason="it is well again",
    )


def acknowledged(incident: Incident, owner: str = "anna") -> Incident:
    """The same when somebody cares."""
    return replace(incident, acknowledged=Acknowledgement(owner, NOON, "I am on it"))


def item(incident: Incident | None = None, about: str = "", channel: str = "ops", **changes: Any) -> Item:
    """Something to say about an incident."""
    incident = incident or burning()
    about = about or (ALARM if incident.firing else RECOVERY)
    return replace(Item(item_key(incident, about, channel), channel, about, NOON, incident), **changes)


def letter(*items: Item) -> Letter:
    """A letter of these items."""
    return Letter(items[0].key if len(items) == 1 else f"several.{len(items)}.ops", items)

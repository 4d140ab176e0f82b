"""Alarms, incidents, silences and reasons as clients read them. Pure."""

from __future__ import annotations

from api.alert_shapes import (
    AcknowledgedShape,
    Alert,
    Alerts,
    HoldShape,
    IncidentPage,
    IncidentShape,
    OpeningShape,
    RuleRows,
    SilenceRows,
    SilenceShape,
    WhyShape,
)
from api.encoding import to_time
from bus.judging import (
    Acknowledgement,
    AlarmList,
    Hold,
    Incident,
    IncidentList,
    Opening,
    RuleList,
    SilenceList,
    Standing,
    WhyAnswer,
)
from bus.messages import Silence


def alerts(answer: AlarmList) -> Alerts:
    """The answer to ``GET /alerts``."""
    return {"alerts": [_alert(one) for one in answer.alarms], "count": len(answer.alarms)}


def page(answer: IncidentList) -> IncidentPage:
    """The answer to ``GET /incidents``."""
    rows = [incident(one) for one in answer.incidents]
    return {"incidents": rows, "count": len(rows), "next": answer.cursor or None}


def incident(one: Incident) -> IncidentShape:
    """One incident."""
    return {
        "id": one.id,
        "rule": one.rule,
        "kind": one.kind,
        "subject": one.subject,
        "display": one.display or one.subject,
        "instance": one.instance,
        "severity": one.severity,
        "state": one.state,
        "started_at": to_time(one.started_at),
        "changed_at": to_time(one.changed_at),
        "ended_at": _time(one.ended_at),
        "value": one.value,
        "threshold": one.threshold,
        "reason": one.reason,
        "labels": one.labels,
        "acknowledged": _acknowledged(one.acknowledged),
        "url": one.url,
        "error": one.error,
        "flapping": one.flapping,
        "advice": one.advice,
    }


def silence(one: Silence) -> SilenceShape:
    """One silence."""
    return {
        "id": one.id,
        "owner": one.owner,
        "reason": one.reason,
        "starts": to_time(one.starts),
        "until": to_time(one.until),
        "matches": list(one.matches),
        "revoked": one.revoked,
    }


def silences(answer: SilenceList) -> SilenceRows:
    """The answer to ``GET /silences``."""
    return {
        "silences": [silence(one) for one in answer.silences],
        "maintenance": [_opening(one) for one in answer.maintenance],
        "count": len(answer.silences),
    }


def _opening(one: Opening) -> OpeningShape:
    return {
        "name": one.name,
        "starts": to_time(one.starts),
        "until": to_time(one.until),
        "matches": list(one.matches),
    }


def why(subject: str, answer: WhyAnswer) -> WhyShape:
    """The answer to ``GET /why``."""
    return {
        "subject": subject,
        "at": to_time(answer.at),
        "verdicts": [
            {
                "rule": one.rule,
                "subject": one.subject,
                "instance": one.instance,
                "verdict": one.verdict,
                "detail": one.text,
                "chain": [
                    {"at": to_time(step.at), "decision": step.verdict, "detail": step.text} for step in one.steps
                ],
            }
            for one in answer.chains
        ],
    }


def rules(answer: RuleList) -> RuleRows:
    """The answer to ``GET /rules``."""
    return {
        "rules": [
            {
                "name": one.name,
                "kind": one.kind,
                "when": one.when,
                "clear": one.clear,
                "severity": one.severity,
                "for_seconds": one.seconds,
                "clear_seconds": one.clear_seconds,
                "own": one.own,
                "subjects": list(one.subjects),
                "channels": list(one.channels),
                "labels": dict(one.labels),
                "advice": one.advice,
            }
            for one in answer.rules
        ],
        "count": len(answer.rules),
    }


def _alert(one: Standing) -> Alert:
    return {
        "id": one.incident or None,
        "rule": one.rule,
        "kind": one.kind,
        "subject": one.subject,
        "display": one.display or one.subject,
        "instance": one.instance,
        "severity": one.severity,
        "state": one.state,
        "since": to_time(one.since),
        "started_at": _time(one.started_at),
        "value": one.value,
        "threshold": one.threshold,
        "reason": one.reason,
        "labels": one.labels,
        "acknowledged": _acknowledged(one.acknowledged),
        "holds": [_hold(hold) for hold in one.holds],
        "advice": one.advice,
    }


def _acknowledged(known: Acknowledgement | None) -> AcknowledgedShape | None:
    return None if known is None else {"owner": known.owner, "at": to_time(known.at), "note": known.note}


def _hold(hold: Hold) -> HoldShape:
    return {"cause": hold.cause, "detail": hold.detail, "until": _time(hold.until)}


def _time(at: int | None) -> str | None:
    return None if at is None else to_time(at)

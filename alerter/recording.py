"""What was decided, as rows of the alerter's memory and back. Pure; the transaction is handed in.

alarms             rule, kind, subject, instance -> the alarm, when it fired of late, its incident's id
incidents          id -> the incident
incidents_by_time  when it began, id -> true
decisions          kind/subject, rule, instance, time -> verdict, sentence, what held before
untold             a running number -> an Alert or Silence record that nobody was told of yet
silences           id -> the silence
"""

from __future__ import annotations

import re
from _blake2 import blake2b
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from alerter.deciding import CHANGED, Decision
from alerter.incidents import Incident
from alerter.machine import Alarm, Change, State
from alerter.memory import Transaction
from alerter.subjects import Cell, Kept
from bus.fields import Unfit, build, plain
from bus.judging import Step
from bus.messages import Alert, Silence

BETWEEN = "\0"
LONGEST_INSTANCE = 200
"""Bytes of an instance within a key: with the longest names around it a key has no more than 423, of 511."""


def record(txn: Transaction, decision: Decision) -> None:
    """Keep a decision, the alarm after it and its incident."""
    row = {
        "verdict": decision.verdict,
        "text": decision.text,
        "before": decision.before,
        "value": decision.value,
        "incident": decision.incident.id if decision.incident else "",
    }
    note(txn, decision.kind, decision.subject, decision.rule, decision.instance, decision.at, row)
    keep_alarm(txn, decision.kind, decision.subject, decision.cell)
    is_another = decision.change in (Change.FIRED, Change.RESOLVED) or decision.verdict == CHANGED
    if decision.incident is not None and is_another:
        keep_incident(txn, decision.incident)


def note(txn: Transaction, kind: str, subject: str, rule: str, instance: str, at: int, row: Mapping[str, Any]) -> None:
    """Keep a row of the chain that ``guardia why`` tells; of several at one instant each has its place."""
    prefix = chain_key(kind, subject, rule, instance)
    while (there := txn.get("decisions", f"{prefix}{at:020d}")) is not None and there["text"] != row["text"]:
        at += 1
    txn.put("decisions", f"{prefix}{at:020d}", dict(row))


def chain_key(kind: str, subject: str, rule: str, instance: str) -> str:
    """What the keys of a chain begin with."""
    return BETWEEN.join((f"{kind}/{subject}", rule, placed(instance), ""))


def alarm_key(rule: str, kind: str, subject: str, instance: str) -> str:
    """The key of an alarm; the instance as a whole stands in its row."""
    return BETWEEN.join((rule, kind, subject, placed(instance)))


def placed(instance: str) -> str:
    """The instance as it stands in keys: a long one cut, with a digest of the whole."""
    told = instance.encode()
    if len(told) <= LONGEST_INSTANCE:
        return instance
    digest = blake2b(told, digest_size=8).hexdigest()
    return f"{told[: LONGEST_INSTANCE - len(digest) - 1].decode(errors='ignore')}~{digest}"


def keep_alarm(txn: Transaction, kind: str, subject: str, cell: Cell) -> None:
    """Keep the alarm as it is now, or forget it when it is quiet and did not fire of late."""
    key = alarm_key(cell.rule.name, kind, subject, cell.instance)
    if cell.alarm is None and not cell.fired:
        txn.delete("alarms", key)
        return
    txn.put("alarms", key, _alarm_row(cell))


def keep_all(txn: Transaction, kept: Iterable[Kept]) -> None:
    """Keep the alarms as they were found."""
    for one in kept:
        txn.put("alarms", alarm_key(one.rule, one.kind, one.subject, one.instance), _alarm_row(one))


def _alarm_row(one: Cell | Kept) -> dict[str, Any]:
    quiet = one.alarm is None or one.alarm.state is State.QUIET
    return {
        "alarm": None if quiet else plain(one.alarm),
        "fired": list(one.fired),
        "incident": one.incident.id if one.incident else "",
        "instance": one.instance,
        "turn": one.turn,
    }


def keep_incident(txn: Transaction, incident: Incident) -> None:
    """Keep an incident, to be found by its id and by its time."""
    txn.put("incidents", incident.id, plain(incident))
    txn.put("incidents_by_time", time_key(incident), True)


def time_key(incident: Incident) -> str:
    """The key under which an incident stands by its time: that of the begin of what it is about, which stays."""
    return f"{incident.started_at:020d}.{incident.id}"


def is_time_key(text: str) -> bool:
    """Whether it has the form of such a key."""
    return re.fullmatch(r"[0-9]{20}\.[0-9a-f]+", text, re.ASCII) is not None


def read_incident(value: Any) -> Incident | None:
    """The incident that was kept; None when a newer version wrote what is not understood."""
    try:
        return build(Incident, value, "incident")
    except Unfit:
        return None


def kept_alarms(txn: Transaction, since: int, *, whole: bool = True) -> list[Kept]:
    """The alarms of an earlier life; ``since``: older firings are no longer of interest.

    An incident whose alarm was lost burns on, wherever one may have been: where rows are damaged, or not ``whole``.
    """
    found, read = [], 0
    for key, row in txn.items("alarms"):
        rule, kind, subject, instance = key.split(BETWEEN)
        instance = row.get("instance", instance)  # rows of earlier versions have it in their keys alone
        try:
            alarm = _alarm(row["alarm"])
        except (Unfit, ValueError, TypeError, KeyError):
            continue
        read += 1
        fired = tuple(at for at in row.get("fired", ()) if at > since)
        incident = read_incident(txn.get("incidents", row["incident"])) if row.get("incident") else None
        if incident is not None and not incident.firing:
            incident = None
        if alarm.state in (State.FIRING, State.CLEARING) and incident is None:
            alarm = Alarm()
        if alarm.state is State.QUIET and not fired:
            continue  # of what may be long gone: nothing is to come of it
        found.append(Kept(rule, kind, subject, instance, alarm, fired, incident, row.get("turn", 0)))
    if not whole or read < txn.count("alarms"):
        found += _orphans(txn, {one.incident.id for one in found if one.incident})
    return found


def _orphans(txn: Transaction, known: Collection[str]) -> Iterator[Kept]:
    for _, value in txn.items("incidents"):
        one = read_incident(value)
        if one is not None and one.firing and one.id not in known:
            alarm = Alarm(
                state=State.FIRING,
                since=one.changed_at,
                began=one.started_at,
                count=1,
                fired_at=one.changed_at,
                value=one.value,
                threshold=one.threshold,
                reason=one.reason,
            )
            yield Kept(one.rule, one.kind, one.subject, one.instance, alarm, (), one)


def _alarm(row: Mapping[str, Any] | None) -> Alarm:
    return Alarm() if row is None else Alarm(**{**row, "state": State(row["state"])})


def kept_silences(txn: Transaction) -> dict[str, Silence]:
    """The silences by id."""
    found = {}
    for id, value in txn.items("silences"):
        try:
            found[id] = build(Silence, value, "silence")
        except Unfit:
            continue
    return found


def alert(decision: Decision) -> Alert:
    """What the bus is told of a transition."""
    incident = decision.incident
    return Alert(
        rule=decision.rule,
        state=decision.state.value,
        severity=decision.severity,
        incident=incident.id if incident else "",
        transition=incident.transition if incident else 0,
        value=decision.value,
        threshold=decision.threshold,
        started_at=incident.started_at if incident else None,
        reason=decision.text if decision.instance in decision.text else f"[{decision.instance}] {decision.text}",
        labels=dict(incident.labels) if incident and incident.labels else None,
    )


def steps(txn: Transaction, prefix: str, at: int, most: int) -> tuple[list[Step], str, list[str]]:
    """The newest decisions of a chain up to ``at``, oldest first; what held before the next one; their incidents."""
    found: list[Step] = []
    incidents: dict[str, None] = {}
    for key, row in txn.items("decisions", prefix, prefix + f"{at + 1:020d}", backwards=True):
        found.append(Step(int(key.rpartition(BETWEEN)[2]), row["verdict"], row["text"]))
        if incident := row.get("incident"):
            incidents[incident] = None
        if len(found) == most:
            break
    later = next(iter(txn.items("decisions", prefix, prefix + f"{at:020d}")), None)
    return found[::-1], later[1].get("before", "") if later else "", list(incidents)


def swept(txn: Transaction, before: int, each: int) -> int:
    """Forget decisions older than ``before`` and, of each chain, all but the newest ``each``; how many went."""
    doomed: list[str] = []
    chain, count = "", 0
    for key in txn.keys("decisions"):
        prefix, _, at = key.rpartition(BETWEEN)
        chain, count = (chain, count + 1) if prefix == chain else (prefix, 1)
        if count > each or int(at) < before:
            doomed.append(key)
    for key in doomed:
        txn.delete("decisions", key)
    return len(doomed)


def swept_alarms(txn: Transaction, before: int) -> None:
    """Forget alarms that are quiet and did not fire since ``before``."""
    for key in [key for key, row in txn.items("alarms") if not row["alarm"] and max(row["fired"], default=0) < before]:
        txn.delete("alarms", key)


def swept_incidents(txn: Transaction, before: int) -> list[str]:
    """Forget incidents that were over before ``before``; returns their ids."""
    doomed: list[tuple[str, str]] = []
    for key, _ in txn.items("incidents_by_time"):
        began, _, id = key.partition(".")
        if int(began) >= before:
            break
        incident = read_incident(txn.get("incidents", id))
        if incident is None or (incident.ended_at is not None and incident.ended_at < before):
            doomed.append((key, id))
    for key, id in doomed:
        txn.delete("incidents_by_time", key)
        txn.delete("incidents", id)
    return [id for _, id in doomed]

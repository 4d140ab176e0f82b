"""The shapes of answers about alarms, incidents, silences and reasons, as types. Pure. See ``api.shapes``."""

# No "from __future__ import annotations" here: as text, NotRequired would not be seen by __required_keys__.

from typing import Annotated, TypedDict

from api.shapes import Time


class HoldShape(TypedDict):
    """Why nobody is told of an incident now."""

    cause: Annotated[str, "silence, maintenance, parent or connectivity"]
    detail: str
    until: Time | None


class AcknowledgedShape(TypedDict):
    """Who takes care of an incident."""

    owner: str
    at: Time
    note: str


class Alert(TypedDict):
    """One alarm that is not quiet."""

    id: Annotated[str | None, "of its incident; null while it is pending"]
    rule: str
    kind: Annotated[str, "host, service or hub"]
    subject: str
    display: str
    instance: Annotated[str, "what of the subject, as / of disk[/].percent; empty: the whole"]
    severity: Annotated[str, "info, warning or critical"]
    state: Annotated[str, "pending, firing or clearing"]
    since: Annotated[Time, "in this state"]
    started_at: Time | None
    value: float | None
    threshold: float | None
    reason: str
    labels: dict[str, str]
    acknowledged: AcknowledgedShape | None
    holds: list[HoldShape]
    advice: Annotated[str, "what its rule says to do; may be empty"]


class Alerts(TypedDict):
    """What is not quiet, the worst first."""

    alerts: list[Alert]
    count: int


class IncidentShape(TypedDict):
    """One alarm from firing to resolved."""

    id: str
    rule: str
    kind: Annotated[str, "host, service or hub"]
    subject: str
    display: str
    instance: str
    severity: str
    state: Annotated[str, "firing or resolved"]
    started_at: Time
    changed_at: Time
    ended_at: Time | None
    value: float | None
    threshold: float | None
    reason: str
    labels: dict[str, str]
    acknowledged: AcknowledgedShape | None
    url: str
    error: str
    flapping: bool
    advice: str


class IncidentPage(TypedDict):
    """What fired, the newest first."""

    incidents: list[IncidentShape]
    count: int
    next: Annotated[str | None, "give it as cursor= for the next page"]


class RuleShape(TypedDict):
    """A rule in force."""

    name: str
    kind: str
    when: str
    clear: str
    severity: str
    for_seconds: float
    clear_seconds: float
    own: Annotated[bool, "false: one that Guardia brings"]
    subjects: list[str]
    channels: Annotated[list[str], "none: the default ones"]
    labels: dict[str, str]
    advice: str


class RuleRows(TypedDict):
    """The rules in force."""

    rules: list[RuleShape]
    count: int


class DoneShape(TypedDict):
    """What was changed is on the disk."""

    id: str
    text: str


class SilenceShape(TypedDict):
    """Notices of what matches are held back."""

    id: str
    owner: str
    reason: str
    starts: Time
    until: Time
    matches: Annotated[list[str], "globs of subjects, or rule=GLOB, severity=WORD, LABEL=VALUE"]
    revoked: bool


class OpeningShape(TypedDict):
    """When a maintenance window of the configuration is open: now, or the next time."""

    name: str
    starts: Time
    until: Time
    matches: list[str]


class SilenceRows(TypedDict):
    """The silences that hold or will hold, and the maintenance windows of the configuration."""

    silences: list[SilenceShape]
    maintenance: list[OpeningShape]
    count: int


class DecisionShape(TypedDict):
    """One step on the way to a verdict."""

    at: Time
    decision: str
    detail: str


class VerdictShape(TypedDict):
    """Of one rule, subject and instance."""

    rule: str
    subject: str
    instance: str
    verdict: str
    detail: str
    chain: list[DecisionShape]


class WhyShape(TypedDict):
    """Why there was an alarm, or none."""

    subject: str
    at: Time
    verdicts: list[VerdictShape]


class TrialShape(TypedDict):
    """What a rule would have done with another condition."""

    rule: str
    seconds: Annotated[float, "so much of the past was judged"]
    lines: Annotated[list[str], "for people, as guardia backtest prints it"]

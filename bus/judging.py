"""What may be asked of the alerter, what it answers, and the incident that all rooms speak of. Pure.

A question travels to the alerter's socket as [number, question] and its answer comes back as [number, answer], both
msgpack maps; ``ask`` names the question. Times are ns since the epoch. An answer that could not be given is a map
with ``error``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgpack

from bus.fields import MOST, Unfit, build, plain
from bus.messages import Silence
from bus.questions import Unanswered, question_in

MAX_INCIDENTS = 1000
MOST_LISTED = 100_000
"""Silences, or rules: there may be one for each host, and some that are over."""
LONGEST_SILENCE = 366 * 86_400.0
"""Seconds: what is never to be told needs another rule."""
SEVERITIES = ("info", "warning", "critical")
"""From what may wait to what may not."""
FIRING, RESOLVED = "firing", "resolved"
UNKNOWN_SUBJECT, NO_RULE = "unknown_subject", "no_rule"
"""Verdicts of an answer to ``Why``: of a name that nobody knows, of a rule that is not in force."""
SUBJECT_KINDS = ("host", "service", "hub")


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nobody is told of an incident now. It holds back notices, never a state or a recovery."""

    cause: str
    """silence, maintenance, parent or connectivity."""
    detail: str
    """A sentence: ``silenced by anna until 12:30: new disk``."""
    until: int | None = None
    """ns; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody knows about an incident and cares for it."""

    owner: str
    at: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """One alarm from firing to resolved. Times in ns since the epoch, by the hub's clock.

    ``kind``: host, service or hub. ``state``: firing or resolved. The same history gives the same ``id``, in a
    back-test too.
    """

    id: str
    rule: str
    kind: str
    subject: str
    display: str
    instance: str
    severity: str
    state: str
    transition: int
    """1 when it fired, 2 when it was resolved; what is told of it is told once for each."""
    started_at: int
    """When what it is about began, which is before it fired."""
    changed_at: int
    ended_at: int | None = None
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    """Whom its rule names; none: the default ones."""
    url: str = ""
    error: str = ""
    acknowledged: Acknowledgement | None = None
    flapping: bool = False
    """Whether it comes and goes."""
    advice: str = ""
    """What its rule says to do."""

    @property
    def firing(self) -> bool:
        """Whether it still burns."""
        return self.state == FIRING


# -- questions and answers ---


@dataclass(frozen=True, slots=True)
class Alarms:
    """What is pending, firing or clearing now, of one subject or of all."""

    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm that is not quiet. ``incident`` is empty while it is pending; ``holds`` say why nobody is told."""

    rule: str
    kind: str
    subject: str
    state: str
    since: int
    display: str = ""
    instance: str = ""
    severity: str = "warning"
    value: float | None = None
    threshold: float | None = None
    reason: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    incident: str = ""
    started_at: int | None = None
    acknowledged: Acknowledgement | None = None
    holds: tuple[Hold, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class AlarmList:
    """The answer to ``Alarms``, worst first."""

    alarms: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class Incidents:
    """Incidents that burned between ``since`` and ``until``, newest first; ``cursor`` is of the answer before."""

    since: int | None = None
    until: int | None = None
    subject: str | None = None
    limit: int = 100
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class IncidentList:
    """The answer to ``Incidents``; ``cursor`` is empty when there are no more."""

    incidents: tuple[Incident, ...]
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an alarm came, or did not: of one rule or (empty) of all, now or ``at`` a time. Names may be globs."""

    subject: str
    rule: str = ""
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One decision: a word for programs, a sentence for people."""

    at: int
    verdict: str
    text: str


@dataclass(frozen=True, slots=True)
class Chain:
    """The decisions on one rule, subject and instance, oldest first; ``verdict`` and ``text`` are the outcome."""

    rule: str
    subject: str
    instance: str
    verdict: str
    text: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class WhyAnswer:
    """The answer to ``Why``: what mattered at ``at``, the loudest first."""

    at: int
    chains: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Silences:
    """Silences that hold now or will; with ``past``, those that ended too."""

    past: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """When a maintenance window is open: now, or the next time. Times in ns."""

    name: str
    starts: int
    until: int
    matches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SilenceList:
    """The answer to ``Silences``, the one that ends first before the others; maintenance by when it begins."""

    silences: tuple[Silence, ...] = field(metadata={MOST: MOST_LISTED})
    maintenance: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class AddSilence:
    """Hold back the notices of what ``matches`` until ``until``; ``starts`` None: now.

    ``matches`` are globs of subjects, or ``rule=GLOB``, ``severity=WORD``, ``NAME=VALUE`` of a label. Of one kind any
    has to match, of every kind that is given one.
    """

    owner: str
    reason: str
    until: int
    matches: tuple[str, ...]
    starts: int | None = None


@dataclass(frozen=True, slots=True)
class EndSilence:
    """End the silence ``id`` now."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """``owner`` cares for the incident: reminders and escalation end, the recovery is told."""

    incident: str
    owner: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to what changes something: its id and a sentence."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force."""


@dataclass(frozen=True, slots=True)
class RuleShown:
    """A rule in force; ``own`` False: one that Guardia brings."""

    name: str
    kind: str
    when: str
    clear: str
    severity: str
    seconds: float
    clear_seconds: float
    own: bool
    subjects: tuple[str, ...] = ("*",)
    channels: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    """Of the subjects only those that have all of these."""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class RuleList:
    """The answer to ``Rules``."""

    rules: tuple[RuleShown, ...] = field(metadata={MOST: MOST_LISTED})


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill begins that tells ``channel``; empty: it is over, ``passed`` or not."""

    channel: str = ""
    passed: bool = False


Question = Alarms | Incidents | Why | Silences | AddSilence | EndSilence | Acknowledge | Rules | Drill
ANSWERS: dict[type[Any], type[Any]] = {
    Alarms: AlarmList,
    Incidents: IncidentList,
    Why: WhyAnswer,
    Silences: SilenceList,
    AddSilence: Done,
    EndSilence: Done,
    Acknowledge: Done,
    Rules: RuleList,
    Drill: Done,
}
QUESTIONS: dict[str, type[Any]] = {question.__name__: question for question in ANSWERS}


class NotThere(Unanswered):
    """There is no such incident or silence; the text names it."""


class Objected(Unanswered):
    """What is asked for cannot be done as it is asked for; the text says why."""


_FAULTS: dict[str, type[Unanswered]] = {"missing": NotThere, "objected": Objected}


def read_question(data: bytes) -> Question:
    """The question in ``data``; raises ``Unfit`` when it is none."""
    return question_in(data, QUESTIONS, most=1000)  # type: ignore[no-any-return]


def pack_answer(answer: Any) -> bytes:
    """The bytes of an answer."""
    return msgpack.packb(plain(answer))  # type: ignore[no-any-return]


def pack_refusal(fault: Unanswered) -> bytes:
    """The bytes that make ``read_answer`` raise ``fault`` where somebody asked."""
    kind = next((kind for kind, of in _FAULTS.items() if isinstance(fault, of)), "")
    return msgpack.packb({"error": str(fault), "kind": kind})  # type: ignore[no-any-return]


def read_answer(question: Question, data: bytes) -> Any:
    """The answer of the type that belongs to ``question``; raises ``Unanswered``."""
    value = msgpack.unpackb(data)
    if type(value) is dict and "error" in value:
        raise _FAULTS.get(str(value.get("kind")), Unanswered)(value["error"])
    try:
        return build(ANSWERS[type(question)], value, "answer")
    except Unfit as error:
        raise Unanswered(f"the alerter's answer is not understood: {error}") from None

"""An alerter that answers from a list: host ``web-1`` burns, a silence holds."""

from __future__ import annotations

from typing import Any

from api.judge import AlerterAway
from bus.judging import (
    Acknowledge,
    Acknowledgement,
    AddSilence,
    AlarmList,
    Alarms,
    Chain,
    Done,
    EndSilence,
    Hold,
    Incident,
    IncidentList,
    Incidents,
    NotThere,
    Objected,
    Opening,
    Question,
    RuleList,
    Rules,
    RuleShown,
    SilenceList,
    Silences,
    Standing,
    Step,
    Why,
    WhyAnswer,
)
from bus.messages import Silence
from tests.api.given import MINUTE, NOON

INCIDENT = Incident(
    id="4f2a",
    rule="disk-full",
    kind="host",
    subject="web-1",
    display="web-1",
    instance="/",
    severity="critical",
    state="firing",
    transition=1,
    started_at=NOON - 10 * MINUTE,
    changed_at=NOON,
    value=96.5,
    threshold=95.0,
    reason="disk[/].percent is 96.5, above 95 for 10 min",
    labels={"dc": "fra"},
    acknowledged=Acknowledgement("anna", NOON, "new disk is on its way"),
    advice="https://wiki.example/disk-full",
)
SILENCE = Silence("s1", "anna", "new disk", NOON, NOON + 30 * MINUTE, ("web-1",))
OPENING = Opening("backups", NOON + 13 * 60 * MINUTE, NOON + 15 * 60 * MINUTE, ("role=db",))
STANDING = Standing(
    "disk-full",
    "host",
    "web-1",
    "firing",
    NOON,
    instance="/",
    severity="critical",
    value=96.5,
    threshold=95.0,
    reason="disk[/].percent is 96.5, above 95 for 10 min",
    labels={"dc": "fra"},
    incident="4f2a",
    started_at=NOON - 10 * MINUTE,
    acknowledged=INCIDENT.acknowledged,
    holds=(Hold("silence", "silenced by anna until 12:30: new disk", NOON + 30 * MINUTE),),
    advice=INCIDENT.advice,
)
CHAIN = Chain(
    "disk-full",
    "web-1",
    "/",
    "silenced",
    "firing, and silenced by anna until 12:30: new disk",
    (Step(NOON - 10 * MINUTE, "pending", "disk[/].percent is 96.5, above 95"), Step(NOON, "firing", "for 10 min")),
)
RULE = RuleShown(
    "disk-full",
    "host",
    "disk[*].percent > 95",
    "disk[*].percent < 90",
    "critical",
    600.0,
    60.0,
    False,
    advice=INCIDENT.advice,
)


class FakeJudge:
    """Answers, remembers what was asked, and knows one incident and one silence."""

    def __init__(self) -> None:
        self.asked: list[Question] = []

    async def answer(self, question: Question) -> Any:
        """See ``api.judge.Judge``."""
        self.asked.append(question)
        match question:
            case Alarms(subject):
                return AlarmList((STANDING,) if subject in (None, "web-1") else ())
            case Incidents(cursor="rubbish"):
                raise Objected("'rubbish' is no cursor")
            case Incidents():
                return IncidentList((INCIDENT,), "next-page")
            case Acknowledge(incident):
                return self._done(incident, INCIDENT.id, "acknowledged")
            case Why():
                return WhyAnswer(NOON, (CHAIN,))
            case Silences():
                return SilenceList((SILENCE,), (OPENING,))
            case AddSilence(matches=("late",)):
                raise Objected("a silence ends after it began, and not in the past")
            case AddSilence():
                return Done(SILENCE.id, "silenced until 12:30")
            case EndSilence(silence):
                return self._done(silence, SILENCE.id, "ended")
            case Rules():
                return RuleList((RULE,))

    def _done(self, given: str, known: str, text: str) -> Done:
        if given != known:
            raise NotThere(f"there is no {given}")
        return Done(given, text)


class NoJudge:
    """Where there is no alerter to ask."""

    async def answer(self, question: Question) -> Any:
        """Nobody answers."""
        raise AlerterAway("there is none here")

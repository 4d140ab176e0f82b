"""The alerter's query endpoint: what fires, what happened, why; silences and acknowledgements are taken here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import zmq

from alerter import recording, silences, wording
from alerter.committer import Committer
from alerter.incidents import SEVERITIES, Incident
from alerter.judge import Judge
from alerter.letters import Told
from alerter.machine import Finding, State, progress
from alerter.memory import MemoryFull, Transaction
from alerter.subjects import Cell, Subject
from alerter.why import why
from bus.fields import Unfit
from bus.judging import (
    MAX_INCIDENTS,
    Acknowledge,
    Acknowledgement,
    AddSilence,
    AlarmList,
    Alarms,
    Done,
    Drill,
    EndSilence,
    IncidentList,
    Incidents,
    NotThere,
    Objected,
    Question,
    RuleList,
    Rules,
    SilenceList,
    Silences,
    Standing,
    Why,
    pack_answer,
    pack_refusal,
    read_question,
)
from bus.messages import DRILL, Silence
from bus.questions import Unanswered
from bus.sockets import Answer

AT_ONCE = 16
"""Questions that are answered before the loop looks at anything else."""
MOST_ALARMS = 4000
"""Alarms in one answer, the gravest: whoever asks reads no longer lists (``bus.fields.MAX_ITEMS``)."""
MOST_LOOKED_AT = 50_000
"""Incidents that are looked at for one page; the next page goes on from there."""
History = Callable[[Transaction, str], Mapping[str, Told]]
"""Gives, within a transaction, what each channel was told of an incident."""


class Drilled(Protocol):
    """Who keeps the drills."""

    def begin(self, channel: str, now: int) -> str:
        """Begin one that tells ``channel``; what there is against it, empty when nothing is."""
        ...

    def end(self, now: int, *, passed: bool) -> None:
        """End the one that is under way."""
        ...


class Counter:
    """Answers questions about alarms."""

    def __init__(
        self,
        judge: Judge,
        committer: Committer,
        reading: Callable[[], AbstractContextManager[Any]],
        clock: Callable[[], int],
        history: History = lambda _txn, _incident: {},
        drills: Drilled | None = None,
    ) -> None:
        self._judge = judge
        self._committer = committer
        self._reading = reading
        self._clock = clock
        self._history = history
        self._drills = drills

    def serving(self, answer: Answer) -> Callable[[], None]:
        """The handler for the socket on which questions come as [who asks, number, question]."""

        def serve() -> None:
            for _ in range(AT_ONCE):
                try:
                    frames = answer.raw.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    return
                if len(frames) == 3:
                    reply = [frames[0], frames[1], self.answered(frames[2])]
                    try:
                        answer.raw.send_multipart(reply, zmq.NOBLOCK)
                    except zmq.ZMQError:
                        continue  # who asked is gone or does not listen

        return serve

    def answered(self, data: bytes) -> bytes:
        """The bytes of the answer to the question in ``data``, or of why there is none."""
        try:
            return pack_answer(self.answer(read_question(data)))
        except Unfit as error:
            return pack_refusal(Unanswered(f"not understood: {error}"))
        except Unanswered as error:
            return pack_refusal(error)
        except MemoryFull as full:
            return pack_refusal(Unanswered(f"it cannot be kept: {full}"))

    def answer(self, question: Question) -> Any:
        """The answer of the type that belongs to ``question``; raises ``NotThere`` or ``Objected``."""
        now = self._clock()
        match question:
            case Alarms():
                return self._alarms(question, now)
            case Incidents():
                return self._incidents(question)
            case Why():
                with self._reading() as txn:
                    return why(question, self._judge, txn, self._committer.holds, now, partial(self._history, txn))
            case Silences():
                holding = self._committer.holding
                found = silences.current(holding.silences, now, past=question.past)
                return SilenceList(found, silences.openings(holding.windows, now))
            case AddSilence():
                return self._silence(question, now)
            case EndSilence():
                return self._end(question, now)
            case Acknowledge():
                return self._acknowledge(question, now)
            case Drill():
                return self._drill(question, now)
            case Rules():
                return RuleList(tuple(rule.shown() for rule in self._judge.rules))

    def _alarms(self, question: Alarms, now: int) -> AlarmList:
        kind, _, name = (question.subject or "").rpartition("/")
        found = [
            self._standing(subject, cell, now)
            for subject, cell in self._judge.standing()
            if question.subject is None or (name == subject.name and kind in ("", subject.kind))
        ]
        found.sort(
            key=lambda one: (one.state == State.PENDING, -SEVERITIES.index(one.severity), -one.since, one.subject)
        )
        return AlarmList(tuple(found[:MOST_ALARMS]))

    def _standing(self, subject: Subject, cell: Cell, now: int) -> Standing:
        alarm, incident = cell.alarm, cell.incident
        assert alarm is not None
        said = wording.said_at(subject, cell, now)
        reason = alarm.reason or said.text
        if alarm.state is State.PENDING:
            # The reason was written when its run began; how long it has held by now says more.
            finding = Finding(True, wait=cell.rule.wait, times=cell.rule.times)
            reason = f"{said.text}, {progress(alarm.count, now - alarm.began, finding)}"
        return Standing(
            rule=cell.rule.name,
            kind=subject.kind,
            subject=subject.name,
            state=alarm.state.value,
            since=alarm.since,
            display=subject.display,
            instance=cell.instance,
            severity=cell.rule.severity,
            value=said.value if said.value is not None else alarm.value,
            threshold=said.threshold if said.threshold is not None else alarm.threshold,
            reason=reason,
            labels=dict(subject.labels),
            incident=incident.id if incident else "",
            started_at=incident.started_at if incident else None,
            acknowledged=incident.acknowledged if incident else None,
            holds=self._committer.holds.get(incident.id, ()) if incident else (),
            advice=cell.rule.advice,
        )

    def _incidents(self, question: Incidents) -> IncidentList:
        limit = min(max(question.limit, 1), MAX_INCIDENTS)
        kind, _, name = (question.subject or "").rpartition("/")
        found: list[Incident] = []
        cursor, last, looked = "", "", 0
        if question.cursor and not recording.is_time_key(question.cursor):
            raise Objected(f"{question.cursor[:40]!r} is no cursor; hand back next of the page before as it was")
        with self._reading() as txn:
            for key, _ in txn.items("incidents_by_time", after=question.cursor, backwards=True):
                if len(found) == limit or looked == MOST_LOOKED_AT:
                    cursor = last
                    break
                last, looked = key, looked + 1
                incident = recording.read_incident(txn.get("incidents", key.partition(".")[2]))
                if incident is None or (question.until is not None and incident.started_at > question.until):
                    continue
                over = question.since is not None and (incident.ended_at or question.since) < question.since
                if over or (name and (incident.subject != name or kind not in ("", incident.kind))):
                    continue
                found.append(self._judge.decider.open.get(incident.id, incident))
        return IncidentList(tuple(found), cursor)

    def _silence(self, asked: AddSilence, now: int) -> Done:
        if objection := silences.objection(asked, now):
            raise Objected(objection)
        made = silences.made(asked, secrets.token_hex(4), now)
        self._committer.silence(made, now)
        begin = f" from {silences.clock(made.starts, now)}" if made.starts > now else ""
        text = f"silence {made.id} holds{begin} until {silences.clock(made.until, now)}"
        strange = silences.strange(made.matches, self._judge.subjects.values(), self._judge.rules)
        return Done(made.id, f"{text}; nothing that is known now matches {', '.join(strange)}" if strange else text)

    def _end(self, asked: EndSilence, now: int) -> Done:
        known = self._committer.holding.silences.get(asked.id)
        if known is None:
            raise NotThere(f"there is no silence {asked.id}; guardia silence list shows their ids")
        if known.revoked or known.until <= now:
            return Done(asked.id, f"silence {asked.id} was over already")
        reason = f"{known.reason} (ended by {asked.owner})" if asked.owner != known.owner else known.reason
        ended = Silence(known.id, known.owner, reason, known.starts, now, known.matches, True)
        self._committer.silence(ended, now)
        return Done(asked.id, f"silence {asked.id} is over")

    def _drill(self, asked: Drill, now: int) -> Done:
        if self._drills is None:
            raise Objected("no drills are held here")
        if not asked.channel:
            self._drills.end(now, passed=asked.passed)
            self._committer.settle(now)
            return Done("drill", "the drill is over")
        if objection := self._drills.begin(asked.channel, now):
            raise Objected(objection)
        return Done("drill", f"a breach of {DRILL} is told to {asked.channel}")

    def _acknowledge(self, asked: Acknowledge, now: int) -> Done:
        if not asked.owner.strip():
            raise Objected("an acknowledgement has an owner: say who you are")
        incident = self._committer.acknowledge(asked.incident, Acknowledgement(asked.owner.strip(), now, asked.note))
        if incident is None:
            raise NotThere(f"no incident {asked.incident} fires now; guardia alerts shows their ids")
        self._committer.settle(now)
        return Done(incident.id, f"{incident.rule} of {incident.subject} is acknowledged by {asked.owner.strip()}")

"""From a truth to a decision: the alarm goes on, an incident begins or ends, and it is noted why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerter import wording
from alerter.incidents import FIRING, Incident, incident_id, resolved
from alerter.machine import QUIET, TABLE, Alarm, Change, Finding, State, in_words, meaning, step
from alerter.subjects import STEADY, Cell, Subject
from bus.timing import HOUR

CHANGED = "changed"
"""The verdict of a step that says what the configuration made of an incident that burns."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one rule, subject and instance, and what held before."""

    at: int
    kind: str
    subject: str
    rule: str
    instance: str
    verdict: str
    text: str
    before: str
    state: State
    change: Change | None
    severity: str
    value: float | None
    threshold: float | None
    cell: Cell
    incident: Incident | None

    @property
    def told(self) -> bool:
        """Whether the bus hears of it: the alarm changed, or the configuration changed what burns."""
        return self.change is not None or self.verdict == CHANGED


class Decider:
    """Keeps the decisions until they are taken, and the incidents that burn, by id."""

    def __init__(self, flapping_count: int) -> None:
        self.flapping_count = flapping_count
        self.open: dict[str, Incident] = {}
        self.counted: dict[Cell, Subject] = {}
        """Alarms that wait for more readings in a row, and had another since they were kept."""
        self._decided: list[Decision] = []

    def taken(self) -> list[Decision]:
        """The decisions since the last call."""
        found, self._decided = self._decided, []
        return found

    def decide(self, subject: Subject, cell: Cell, place: int, truth: bool | None, values: Sequence[float]) -> bool:
        """Take what a rule found of a subject, of whose line the cell is at ``place``; whether that was news."""
        now, rule = subject.now, cell.rule
        alarm = cell.alarm or QUIET
        if truth is False and alarm.fired_at and rule.when.aged and subject.unheard_since(alarm.fired_at):
            # It fired because nothing was heard, and still nothing was: that the hub began to listen anew ends it not.
            truth = None
        clear = not truth
        bound_clear = subject.bound.cells[place].clear
        if cell.alarm is not None and truth is False and bound_clear is not None:
            recovered = bound_clear(values, subject)
            clear = recovered is True
            if recovered is None and alarm.state is State.CLEARING:
                truth = None  # no reading speaks against it
        finding = Finding(truth, clear, wait=rule.wait, settle=cell.settle, times=rule.times)
        state = TABLE[alarm.state, meaning(alarm, finding, now)]
        verdict = verdict_of(state, truth, clear)
        if state is alarm.state and verdict == cell.verdict:
            # Nothing new: no sentence is made of it.
            cell.truth = truth
            if cell.alarm is not None:
                cell.alarm = replace(step(alarm, finding, now)[0], reason=alarm.reason)
                if rule.times > 1 and state is State.PENDING:
                    self.counted[cell] = subject
            return False
        if not cell.verdict and state is State.QUIET:
            # That a rule does not hold at its first look is no decision, but the state of the world.
            cell.verdict, cell.truth = verdict, truth
            return False
        said = wording.said(rule.when, subject.bound.names, cell.instance, values, subject, subject.error)
        finding = replace(finding, text=said.text, value=said.value, threshold=said.threshold)
        cell.truth = truth
        self._go_on(subject, cell, verdict, finding)
        return True

    def _go_on(self, subject: Subject, cell: Cell, verdict: str, finding: Finding) -> None:
        """Let the alarm go on by ``finding``, with its incident, and note it."""
        now = subject.now
        after, change, reason = step(cell.alarm or QUIET, finding, now)
        before, cell.verdict = cell.verdict, verdict
        cell.alarm = after if after.state is not State.QUIET else None
        if change is Change.FIRED:
            cell.fired = (*(at for at in cell.fired if at > now - HOUR), now)
            cell.incident = self._incident(subject, cell, after, reason)
            self.open[cell.incident.id] = cell.incident
        elif change is Change.RESOLVED and cell.incident is not None:
            self.open.pop(cell.incident.id, None)
            cell.incident = replace(resolved(cell.incident, now, reason, finding.value), error=subject.error)
        self._note(subject, cell, verdict, reason, before, change, finding.value, finding.threshold)

    def _incident(self, subject: Subject, cell: Cell, alarm: Alarm, reason: str) -> Incident:
        rule = cell.rule
        flapping = len(cell.fired) >= self.flapping_count and not rule.drill
        if flapping:
            lasts = in_words(max(rule.settle, STEADY))
            reason += f"; it fired {len(cell.fired)} times within the last hour, and ends once it is clear for {lasts}"
        return Incident(
            id=incident_id(rule.name, subject.key, cell.instance, alarm.fired_at),
            rule=rule.name,
            kind=subject.kind,
            subject=subject.name,
            display=subject.display,
            instance=cell.instance,
            severity=rule.severity,
            state=FIRING,
            transition=1,
            started_at=alarm.began,
            changed_at=alarm.fired_at,
            value=alarm.value,
            threshold=alarm.threshold,
            reason=reason,
            labels=dict(subject.labels),
            channels=rule.channels,
            url=subject.url,
            error=subject.error,
            flapping=flapping,
            advice=rule.advice,
        )

    def renew(self, subject: Subject, cell: Cell, now: int) -> None:
        """What burns is as grave as its rule says now, has the labels of now, and goes to whom the rule names now."""
        before, rule = cell.incident, cell.rule
        if before is None:
            return
        after = replace(
            before,
            severity=rule.severity,
            channels=rule.channels,
            labels=dict(subject.labels),
            advice=rule.advice,
        )
        if after != before:
            subject.at(max(now, subject.now))
            cell.incident = self.open[after.id] = after
            text = difference(before, after)
            self._note(subject, cell, CHANGED, text, cell.verdict, None, after.value, after.threshold)

    def end(self, subject: Subject, cell: Cell, why: str) -> None:
        """End an alarm on what is no longer watched."""
        self._go_on(subject, cell, "gone", Finding(None, gone=True, text=why))

    def _note(
        self,
        subject: Subject,
        cell: Cell,
        verdict: str,
        text: str,
        before: str,
        change: Change | None,
        value: float | None,
        threshold: float | None,
    ) -> None:
        incident = cell.incident
        if cell.alarm is None:
            cell.incident = None
        if change is Change.RESOLVED and verdict != "gone":
            verdict = "resolved"
        state = cell.alarm.state if cell.alarm else State.QUIET
        self._decided.append(
            Decision(
                at=subject.now,
                kind=subject.kind,
                subject=subject.name,
                rule=cell.rule.name,
                instance=cell.instance,
                verdict=verdict,
                text=text,
                before=before,
                state=state,
                change=change,
                severity=cell.rule.severity,
                value=value,
                threshold=threshold,
                cell=cell,
                incident=incident,
            )
        )


def difference(before: Incident, after: Incident) -> str:
    """What the configuration made of an incident, as a sentence."""
    parts = []
    if after.severity != before.severity:
        parts.append(f"{after.severity}, before {before.severity}")
    if after.channels != before.channels:
        old, new = (", ".join(one.channels) or "the default ones" for one in (before, after))
        parts.append(f"channels {new}, before {old}")
    if after.labels != before.labels:
        old, new = (", ".join(map("=".join, one.labels.items())) or "none" for one in (before, after))
        parts.append(f"labels {new}, before {old}")
    if after.advice != before.advice:
        parts.append("another advice")
    return f"by the configuration as it is now: {'; '.join(parts)}"


def verdict_of(state: State, truth: bool | None, clear: bool) -> str:
    """The word for what holds."""
    if state is State.QUIET:
        return "no_data" if truth is None else "below"
    if state is State.FIRING and truth is False and not clear:
        return "not_clear"
    return state.value

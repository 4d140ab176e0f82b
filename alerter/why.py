"""Why an alarm came, or did not: the chain of decisions on one rule, subject and instance, with its outcome. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from alerter import wording
from alerter.deciding import CHANGED
from alerter.incidents import Hold
from alerter.judge import Judge
from alerter.letters import Told
from alerter.machine import State, in_words
from alerter.memory import Transaction
from alerter.notices import FREE, SAID
from alerter.recording import chain_key, steps
from alerter.silences import clock
from alerter.subjects import LATE_PLACE, LEAST_PLACE, Cell, Subject
from bus.faults import did_you_mean, listed, meant
from bus.judging import NO_RULE, SUBJECT_KINDS, UNKNOWN_SUBJECT, Chain, Step, Why, WhyAnswer

MOST_STEPS = 20
MOST_CHAINS = 500
LOUD = ("firing", "not_clear", "clearing", "pending", "no_data")
"""The order in which chains are told; all others follow."""
BURNING = ("firing", "not_clear", "clearing")
HOLDS = {"silence": "silenced", "maintenance": "maintenance", "parent": "parent", "connectivity": "connectivity"}
"""By the cause of a hold, which its step bears, the verdict on what it holds back."""


History = Callable[[str], Mapping[str, Told]]
"""Gives what each channel was told of an incident, by its id."""


def why(
    question: Why,
    judge: Judge,
    txn: Transaction,
    holds: Mapping[str, Sequence[Hold]],
    now: int,
    history: History = lambda _: {},
) -> WhyAnswer:
    """The chains that the question is about, the loudest first."""
    at = now if question.at is None else question.at
    kind, _, name = question.subject.rpartition("/")
    subjects = [
        subject
        for subject in judge.subjects.values()
        if kind in ("", subject.kind) and fnmatchcase(subject.name, name or "*")
    ]
    if not subjects:
        return WhyAnswer(at, (Chain(question.rule, name, "", UNKNOWN_SUBJECT, _unknown(kind, name, judge)),))
    chains: list[Chain] = []
    for subject in subjects:
        found = list(_of_subject(subject, question, judge, txn, holds, at, now, history))
        chains += found or [_no_rule(subject, question, judge)]
        if len(chains) >= MOST_CHAINS:
            break
    return WhyAnswer(at, tuple(sorted(chains, key=_loudness)[:MOST_CHAINS]))


def _unknown(kind: str, name: str, judge: Judge) -> str:
    """That there is no such subject, with the one that was probably meant, else those that there are."""
    if kind and kind not in SUBJECT_KINDS:
        near = did_you_mean(kind, SUBJECT_KINDS)
        return f"{kind} is no kind of subject, expected {listed(SUBJECT_KINDS)}" + (f"; {near}" if near else "")
    asked = f"{kind}/{name}" if kind else name
    text = f"nobody here has heard of {asked}, and it is not in the configuration"
    elsewhere = sorted(one.key for one in judge.subjects.values() if one.name == name)
    if elsewhere:
        return f"{text}; did you mean {elsewhere[0]}?"
    names = [
        name
        for one in SUBJECT_KINDS
        if kind in ("", one)
        for name in sorted(subject.name for subject in judge.subjects.values() if subject.kind == one)
    ]
    return f"{text}; {meant(name, names)}"


def _loudness(chain: Chain) -> tuple[int, str, str, str]:
    verdict = chain.steps[-1].verdict if chain.steps else chain.verdict
    place = next((i for i, word in enumerate(LOUD) if word in (chain.verdict, verdict)), len(LOUD))
    return place, chain.subject, chain.rule, chain.instance


def _no_rule(subject: Subject, question: Why, judge: Judge) -> Chain:
    if gone := judge.gone(subject):
        text = f"{subject.key} is gone, {gone}: nothing is judged"
        return Chain(question.rule, subject.name, "", "out_of_scope", text)
    named = [rule for rule in judge.rules if fnmatchcase(rule.name, question.rule or "*")]
    if not named:
        near = did_you_mean(question.rule, [rule.name for rule in judge.rules]) or "guardia rules lists all"
        text = (
            f"there is no rule {question.rule}, or it is switched off; {near}"
            if question.rule
            else "no rules are in force"
        )
        return Chain(question.rule, subject.name, "", NO_RULE, text)
    one = next((rule for rule in named if rule.concerns(subject.kind, subject.name, subject.labels)), None)
    if one is None and not question.rule:
        text = f"no rule concerns {subject.key}: nothing of it is judged; guardia rules says whom each concerns"
        return Chain("", subject.name, "", "out_of_scope", text)
    if one is None:
        one = named[0]
        whom = f"{one.kind}s {', '.join(one.subjects)}"
        labels = "".join(f" with {name} = {value}" for name, value in one.labels.items())
        text = f"{one.name} is judged for {whom}{labels}, and {subject.key} is none of them"
        return Chain(one.name, subject.name, "", "out_of_scope", text)
    text = f"{subject.key} has nothing that {one.when.text} could be judged for"
    return Chain(one.name, subject.name, "", "no_data", text)


def _of_subject(
    subject: Subject,
    question: Why,
    judge: Judge,
    txn: Transaction,
    holds: Mapping[str, Sequence[Hold]],
    at: int,
    now: int,
    history: History,
) -> Iterable[Chain]:
    for cell in list(subject.cells.values()):
        if not fnmatchcase(cell.rule.name, question.rule or "*"):
            continue
        prefix = chain_key(subject.kind, subject.name, cell.rule.name, cell.instance)
        rows, later, incidents = steps(txn, prefix, at, MOST_STEPS)
        if at >= now:
            verdict, text, more = _now(subject, cell, judge, holds, now)
        else:
            verdict, text, more = _then(rows, later, cell)
        if cell.incident and question.at is None and cell.incident.id not in incidents:
            incidents.append(cell.incident.id)
        sent = [step for id in incidents for told in history(id).values() for step in deliveries(told) if step.at <= at]
        known = sorted([*rows, *sent], key=lambda step: step.at)
        yield Chain(cell.rule.name, subject.name, cell.instance, verdict, text, (*known, *more))


def deliveries(told: Told) -> list[Step]:
    """What one channel was told, as steps: ``delivered``, ``waiting``, ``later``, ``never``, ``withdrawn``."""
    found = []
    for one in told.said:
        tries = f" at attempt {one.attempts}" if one.attempts > 1 else ""
        words = {
            "waiting": "is about to go out",
            "delivered": f"delivered{tries}",
            "later": f"failed {one.attempts} {'time' if one.attempts == 1 else 'times'}, is tried again",
            "never": "given up",
            "withdrawn": "not needed any more",
        }.get(one.outcome, one.outcome)
        detail = f": {one.detail}" if one.detail else ""
        found.append(Step(one.at, one.outcome, f"{told.channel}: {one.about} {words}{detail}"))
    return found


def _then(rows: Sequence[Step], later: str, cell: Cell) -> tuple[str, str, Sequence[Step]]:
    """The outcome as it was: what the alarm was then, and what was so of the incident that it began."""
    state: Step | None = None
    hold: Step | None = None
    known: Step | None = None
    for step in rows:
        if step.verdict in HOLDS:
            hold = step
        elif step.verdict == FREE:
            hold = None
        elif step.verdict == "acknowledged":
            known = known or step
        elif step.verdict not in SAID and step.verdict != CHANGED:
            state = step
            if step.verdict not in BURNING:
                hold = known = None
    if found := hold or known:
        verdict = HOLDS.get(found.verdict, found.verdict)
        return verdict, f"{state.text}; {found.text}" if state else found.text, ()
    if state:
        return state.verdict, state.text, ()
    if later:
        return later, f"before the first decision that is known it was {_in_words(later)}", ()
    if cell.verdict:
        return cell.verdict, f"it was {_in_words(cell.verdict)} ever since it is known", ()
    return "unknown", "nothing is known of that time", ()


def _in_words(verdict: str) -> str:
    return verdict.replace("_", " ")


def _now(
    subject: Subject, cell: Cell, judge: Judge, holds: Mapping[str, Sequence[Hold]], now: int
) -> tuple[str, str, Sequence[Step]]:
    """The outcome as it is at this moment, in fresh words."""
    found = wording.said_at(subject, cell, now)
    said = found.text
    stale = "" if cell.rule.when.timed else _stale(subject, now)
    alarm = cell.alarm
    if alarm is None:
        if judge.hearing.blind and cell.rule.timed:
            return "blind", "Guardia's own collector is not heard: no silence means anything", ()
        if cell.truth is None or found.truth is None or not subject.heard:
            return "no_data", _no_data(subject, said, now), ()
        if found.truth:  # the rule is new to one who is silent, or another reading counts
            return "no_data", _no_data(subject, f"{said}, not yet judged", now), ()
        return "below", f"{said}{stale}", ()
    if alarm.state is State.PENDING:
        return "pending", f"{said}, {_patience(cell, now)}{stale}", ()
    incident = cell.incident
    verdict = cell.verdict or alarm.state.value
    if verdict == "not_clear" and found.truth:
        verdict = alarm.state.value  # of what goes to and fro between the levels the first step alone is noted
    text = f"{_burning(subject, cell, verdict, said, now)}; fires since {clock(alarm.fired_at, now)}{stale}"
    if incident is None:
        return verdict, text, ()
    held = holds.get(incident.id, ())
    if held:
        return HOLDS.get(held[0].cause, held[0].cause), f"{text}; {held[0].detail}", ()
    if incident.acknowledged is not None:
        by = incident.acknowledged
        note = f": {by.note}" if by.note else ""
        return "acknowledged", f"{text}; acknowledged by {by.owner} at {clock(by.at, now)}{note}", ()
    return verdict, text, ()


def _burning(subject: Subject, cell: Cell, verdict: str, said: str, now: int) -> str:
    """What is found of an alarm that burns: where it stands now, not when it fired."""
    alarm = cell.alarm
    assert alarm is not None
    if alarm.state is State.CLEARING:
        return f"{said}, clear for {in_words(max(0, now - alarm.since))} of {in_words(cell.settle)}"
    if verdict == "not_clear":
        return f"{said}, not yet clear"
    if cell.rule.when.aged and subject.unheard_since(alarm.fired_at):
        return f"{alarm.reason}, and nothing since the hub hears again"
    return said or alarm.reason


def _stale(subject: Subject, now: int) -> str:
    """Since when what is known of a subject is what it said last, where it should have said more by now."""
    turns = [place.spacing for place in subject.places_seen.values()]
    usual = max(LEAST_PLACE, LATE_PLACE * max(turns, default=int(subject.interval * 1e9)))
    return f"; last heard {in_words(now - subject.heard)} ago" if now - subject.heard > usual else ""


def _no_data(subject: Subject, said: str, now: int) -> str:
    if not subject.heard:
        return f"{subject.key} has never been heard"
    return f"{said or 'no reading'}; last heard {in_words(now - subject.heard)} ago"


def _patience(cell: Cell, now: int) -> str:
    rule, alarm = cell.rule, cell.alarm
    assert alarm is not None
    parts = []
    if rule.wait:
        parts.append(f"pending {in_words(now - alarm.began)} of {in_words(rule.wait)}")
    if rule.times > 1:
        parts.append(f"{alarm.count} of {rule.times} times in a row")
    return " and ".join(parts) or "pending"

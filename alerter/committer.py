"""Commits what was judged, with all that follows from it, and tells it afterwards.

One transaction holds the alarms, the incidents, the decisions, the notices that the speaker wants to send and the
records that the bus is to be told of. A kill before its end repeats the judgement, a kill after it the telling.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from alerter import recording
from alerter.deciding import Decision
from alerter.expecting import expect, expected
from alerter.holding import Holding
from alerter.incidents import Hold, Incident
from alerter.judge import Judge
from alerter.machine import Change
from alerter.memory import Memory, MemoryFull, Transaction
from alerter.notices import FREE, HELD, LASTING, Reason
from alerter.rules import calls_unreachable
from alerter.subjects import NEVER
from alerter.untold import Untold
from bus.fields import plain
from bus.judging import Acknowledgement
from bus.messages import Silence
from bus.producer import Teller
from bus.timing import HOUR, SECOND
from bus.wire import Record, identity

MOST_UNSETTLED = 100_000
LEAP = 86_400 * SECOND
"""A clock that is so much further (ns) than it was may be wrong."""
DOUBT = 21_600 * SECOND
"""For so long (ns) after that nothing is forgotten for its age, which no clock that is set right brings back."""
LOOK = SECOND
"""What holds back those that burn is looked at this often (ns), and whenever it may have changed."""
MOST_CONSIDERED = 300
"""So many of those that burn are considered at once; when ten thousand do, judging must not wait for it."""


class Speaker(Protocol):
    """Who tells people; what it wants to say is written with the judgement."""

    def consider(
        self,
        transaction: Transaction,
        incidents: Sequence[Incident],
        holds_by_incident: Mapping[str, Sequence[Hold]],
        now: int,
    ) -> Mapping[str, Sequence[Reason]]:
        """Decide what has to be said of these incidents, and write it down; why, by their ids."""
        ...

    def forget(self, transaction: Transaction, incident: str) -> None:
        """Forget what was told of an incident that is itself forgotten."""
        ...

    def jumped(self, transaction: Transaction, incidents: Sequence[str], by: int) -> None:
        """The hub's clock was set by ``by`` (ns): what waits has waited for as long as before."""
        ...


class Committer:
    """Settles what the judge decided. Its methods are called from the loop alone."""

    def __init__(
        self,
        judge: Judge,
        holding: Holding,
        memory: Memory,
        speaker: Speaker,
        teller: Teller,
        log: logging.Logger,
    ) -> None:
        self.judge = judge
        self.holding = holding
        self.holds: dict[str, tuple[Hold, ...]] = {}
        self.settled = 0
        self.full = False
        """Whether the disk takes nothing of what is decided, which is kept in memory alone."""
        self.judged = 0
        """When the last record that was judged was received, ns; kept with what followed from it."""
        self.there: set[str] = set()
        """Which records of that very millisecond were judged; empty: all that there were."""
        self._there: list[Record] = []
        self._memory = memory
        self._speaker = speaker
        self._untold = Untold(memory, teller, log)
        self._log = log
        self._unsettled: list[Decision] = []
        self._touched: dict[str, Incident] = {}
        self._said: dict[str, Sequence[Reason]] = {}
        self._expected: dict[str, int] | None = {}
        """Since when those are expected that were never heard, as it is kept; None: nobody knows what is."""
        self._doubted_until = 0
        self._looked = 0
        self._turn = 0

    # -- beginning ---

    def restore(self, now: int, *, salvaged: bool = False) -> int:
        """Go on from what was kept; returns when what was judged last was received, 0 for never.

        Tells the bus what it was not told. ``salvaged``: what was kept may have lost some of it.
        """
        with self._memory.transaction() as txn:
            self.holding.silences = recording.kept_silences(txn)
            self.holding.recovered = dict(txn.get("state", "recovered") or {})
            kept = recording.kept_alarms(txn, now - HOUR, whole=not salvaged)
            self.judged = int(txn.get("state", "judged") or 0)
            self._doubt(now - self.judged if self.judged else 0, now)
            there = txn.get("state", "there") or {}
            self.there = set(there.get("records", ())) if there.get("at") == self.judged else set()
            self.judge.hearing.lives = [(since, away) for since, away in txn.get("state", "lives") or ()]
            self._expected = since = txn.get("state", "expected") or {}
            untold = self._untold.kept(txn)
        expect(self.judge.subjects.values(), since, now)
        self.judge.restore(kept, now)
        if salvaged:
            # Another life need not know that something was lost.
            with suppress(MemoryFull), self._memory.transaction() as txn:
                recording.keep_all(txn, kept)
        self._untold.tell(untold)
        return self.judged

    # -- settling ---

    def note(self, records: Iterable[Record], received: int) -> None:
        """These records, received at ``received``, are judged; kept with what follows from them."""
        if received > self.judged:
            self.judged, self.there, self._there = received, set(), []
        if received == self.judged:
            self._there += records

    def _keep_judged(self, txn: Transaction) -> None:
        for cell, subject in self.judge.decider.counted.items():
            recording.keep_alarm(txn, subject.kind, subject.name, cell)
        self.there.update(map(identity, self._there))
        self._there = []
        txn.put("state", "judged", self.judged)
        txn.put("state", "there", {"at": self.judged, "records": sorted(self.there)})
        txn.put("state", "lives", self.judge.hearing.lives)

    def _keep_expected(self, txn: Transaction) -> None:
        found = expected(self.judge.subjects.values())
        if found != self._expected:
            txn.put("state", "expected", found)
            self._expected = found

    def settle(self, now: int, *, all_open: bool = False) -> None:
        """Make durable what was decided since the last time; ``all_open``: the speaker looks at more of what burns."""
        decisions = self._unsettled + self.judge.decider.taken()
        if not decisions and not self._touched and not all_open and 0 <= now - self._looked < LOOK:
            return
        over = [d.incident for d in decisions if d.change is Change.RESOLVED and d.incident]
        for incident in over:
            if calls_unreachable(self.judge.rules, incident.rule):
                self.holding.ended(incident, now)
        holds = self._held(decisions, over, now)
        changed = [id for id in holds if holds[id] != self.holds.get(id, ())]
        if not decisions and not changed and not self._touched and not all_open:
            return
        heard = {d.incident.id: d.incident for d in decisions if d.incident}
        considered = self._next_considered() if all_open else ()
        incidents = {**self._open([*changed, *heard, *considered]), **{one.id: one for one in over}}
        touched = self._open(self._touched)
        incidents |= touched
        untold = [self._untold.alert(decision) for decision in decisions if decision.told]
        said = self._said
        try:
            with self._memory.transaction() as txn:
                for decision in decisions:
                    recording.record(txn, decision)
                for one in touched.values():
                    recording.keep_incident(txn, one)
                for id in changed:
                    self._note_holds(txn, incidents.get(id) or self.judge.decider.open[id], holds[id], now)
                if incidents:
                    held = {id: holds[id] for id in incidents if id in holds}
                    reasons = self._speaker.consider(txn, list(incidents.values()), held, now)
                    said = self._note_reasons(txn, incidents, reasons, now)
                self._untold.keep(txn, untold)
                if over:
                    txn.put("state", "recovered", self.holding.recovered)
                # Nothing is judged twice: a value from before the alarm would end it.
                self._keep_judged(txn)
        except MemoryFull as full:
            self._failed(full, decisions)
            return
        self._say(self._memory.away)
        gone = {one.id for one in over}
        self.holds = {id: found for id, found in holds.items() if id not in gone}
        self._said = {id: found for id, found in said.items() if id not in gone}
        self._unsettled, self._touched = [], {}
        self.judge.decider.counted.clear()
        self.settled += len(decisions)
        self._untold.tell(untold)

    def note_judged(self) -> None:
        """Note how far judging came, though nothing followed from it, and who was expected in vain so far."""
        if self._unsettled:
            return  # what followed from it is not kept
        try:
            with self._memory.transaction() as txn:
                self._keep_judged(txn)
                self._keep_expected(txn)
        except MemoryFull as full:
            self._failed(full, self._unsettled)
            return
        self.judge.decider.counted.clear()

    def jumped(self, by: int, now: int) -> None:
        """The hub's clock was set by ``by`` (ns) to ``now``: nobody is told sooner or later for that."""
        self._doubt(by, now)
        if self.judged > now:
            self.judged, self.there, self._there = now, set(), []
        try:
            with self._memory.transaction() as txn:
                self._keep_judged(txn)
                self._keep_expected(txn)
                self._speaker.jumped(txn, list(self.judge.decider.open), by)
        except MemoryFull as full:
            self._failed(full, self._unsettled)

    def acknowledge(self, id: str, by: Acknowledgement) -> Incident | None:
        """Somebody cares for an incident that burns; None when there is none. Raises ``MemoryFull``."""
        for _, cell in self.judge.standing():
            if cell.incident is not None and cell.incident.id == id:
                incident = replace(cell.incident, acknowledged=by)
                text = f"acknowledged by {by.owner}: {by.note}".rstrip(": ")
                with self._memory.transaction() as txn:
                    recording.keep_incident(txn, incident)
                    self._note(txn, incident, "acknowledged", text, by.at)
                cell.incident = self._touched[id] = self.judge.decider.open[id] = incident
                return incident
        return None

    def silence(self, silence: Silence, now: int) -> None:
        """Keep a silence, new or ended, and let it work. Raises ``MemoryFull``."""
        untold = [self._untold.silence(silence, now)]
        with self._memory.transaction() as txn:
            txn.put("silences", silence.id, plain(silence))
            self._untold.keep(txn, untold)
        self.holding.silences[silence.id] = silence
        self._looked = 0
        self._untold.tell(untold)
        self.settle(now)

    def sweep(self, now: int, *, decisions: int, each: int, incidents: int) -> None:
        """Forget what is older than these times (ns) and silences long over, by a clock that is in no doubt."""
        if now < self._doubted_until:
            return
        over = [id for id, one in self.holding.silences.items() if one.until < now - incidents]
        try:
            with self._memory.transaction() as txn:
                recording.swept(txn, now - decisions, each)
                recording.swept_alarms(txn, now - HOUR)
                for id in recording.swept_incidents(txn, now - incidents):
                    self._speaker.forget(txn, id)
                for id in over:
                    txn.delete("silences", id)
        except MemoryFull as full:
            self._failed(full, self._unsettled)
            return
        for id in over:
            del self.holding.silences[id]

    # -- within ---

    def _doubt(self, by: int, now: int) -> None:
        """The clock is further by ``by`` (ns) than it was before."""
        self._doubted_until = now + DOUBT if by > LEAP else 0

    def _held(self, decisions: Sequence[Decision], over: Sequence[Incident], now: int) -> dict[str, tuple[Hold, ...]]:
        """What holds back each incident that burns or is just over."""
        burning = self.judge.decider.open
        fresh = [one.incident for one in decisions if one.incident is not None]
        # A parent that is gone or back matters to all that depend on it.
        if not 0 <= now - self._looked < LOOK or any(calls_unreachable(self.judge.rules, one.rule) for one in fresh):
            self._looked = now
            return self.holding.held([*burning.values(), *over], self.judge, now)
        looked = [burning.get(one.id, one) for one in fresh] + list(over)
        known = {id: found for id, found in self.holds.items() if id in burning}
        return known | self.holding.held(looked, self.judge, now)

    def _next_considered(self) -> Sequence[str]:
        """The next of those that burn, in turn."""
        burning = list(self.judge.decider.open)
        begin = self._turn if self._turn < len(burning) else 0
        self._turn = begin + MOST_CONSIDERED
        return burning[begin : self._turn]

    def _open(self, ids: Iterable[str]) -> dict[str, Incident]:
        burning = self.judge.decider.open
        return {id: burning[id] for id in ids if id in burning}

    def _note_holds(self, txn: Transaction, incident: Incident, holds: Sequence[Hold], now: int) -> None:
        before = {hold.cause for hold in self.holds.get(incident.id, ())}
        for hold in holds:
            if hold.cause not in before and hold.cause != self._last(txn, incident)[0]:
                self._note(txn, incident, hold.cause, hold.detail, now)
        if before and not holds:
            self._note(txn, incident, FREE, "nobody is held back any longer", now)

    def _note_reasons(
        self, txn: Transaction, incidents: Mapping[str, Incident], reasons: Mapping[str, Sequence[Reason]], now: int
    ) -> dict[str, Sequence[Reason]]:
        """Keep why somebody is told or not, where it is another reason than before; returns the reasons that hold."""
        said = dict(self._said)
        for id, found in reasons.items():
            before = said.get(id, ())
            for reason in found:
                # Holds are told by themselves, with what they are.
                if reason in before or reason.verdict.startswith(HELD):
                    continue
                if reason.verdict not in LASTING or (reason.verdict, reason.text) != self._last(txn, incidents[id]):
                    self._note(txn, incidents[id], reason.verdict, reason.text, now)
            said[id] = found
        return said

    def _last(self, txn: Transaction, one: Incident) -> tuple[str, str]:
        """The verdict and the text of the last step: an earlier life may have said what goes on."""
        steps, _, _ = recording.steps(txn, recording.chain_key(one.kind, one.subject, one.rule, one.instance), NEVER, 1)
        return (steps[0].verdict, steps[0].text) if steps else ("", "")

    def _note(self, txn: Transaction, incident: Incident, verdict: str, text: str, at: int) -> None:
        row = {"verdict": verdict, "text": text, "before": "firing", "value": None}
        # A step after the transition that it follows, which may bear the same time.
        key = (incident.kind, incident.subject, incident.rule, incident.instance)
        recording.note(txn, *key, at=max(at, incident.changed_at + 1), row=row)

    def _failed(self, full: MemoryFull, decisions: list[Decision]) -> None:
        self._expected = None
        self._say(str(full))
        self._unsettled = decisions[-MOST_UNSETTLED:]

    def _say(self, why: str) -> None:
        """Why nothing can be kept on the disk; empty: it can."""
        if why and not self.full:
            what = (
                "told, kept in memory alone, and told again if this program ends" if self._memory.away else "not told"
            )
            self._log.error("what is decided is %s: %s", what, why)
        elif self.full and not why:
            self._log.info("what is decided can be kept again")
        self.full = bool(why)

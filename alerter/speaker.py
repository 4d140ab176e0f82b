"""The outbox's shell: what was decided goes on disk, what is on disk goes out, what came of it goes on disk.

    speaker.consider(transaction, incidents, holds, now)     inside the transaction that stores the judgement
    speaker.start()                                          sends what waits, of this life or an earlier one

A letter's key is on disk before the first attempt, its outcome after each: a kill in between sends it again under the
same key. Every channel has one attempt under way at most, in a thread, so that none waits for another.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from alerter import letters, outbox, queues
from alerter.attempts import attempt, clean, word
from alerter.channels.common import Carries, Channel, secrets_of
from alerter.incidents import Hold, Incident
from alerter.letters import ALARM, RECOVERY, Item, Letter, Said, Told, order_of
from alerter.memory import Memory, MemoryFull, Transaction
from alerter.notices import Intent, Reason, decide, noted
from alerter.outbox import Delivered, Lane, Later, Never, Outcome, Policy, Settled, parts, some
from alerter.routes import Routes
from bus import failpoints
from bus.loop import Loop, Timer
from bus.messages import Notice
from bus.timing import SECOND

MOST_LOOKED_AT = 500
"""So many of a channel's items of each severity are looked at in one turn, to make one letter of them."""
MOST_LOOKED_AT_ALONE = 64
"""So many where each goes out by itself."""
LOOK_SECONDS = 1.0
"""A channel that may not speak yet is looked at this often, however much is decided meanwhile: that reads its queue."""
AGAIN_SECONDS = 2.0
"""Between two tries to write what came of an attempt, when the disk is full."""
LATER_SECONDS = 60.0
"""Between two tries to give up what waits for nobody, when the disk is full."""
Tell = Callable[[Notice, str, int], None]
"""Tells the bus of an attempt: the record, its subject, its time."""


class Submits(Protocol):
    """What runs an attempt off the loop."""

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Run ``call`` in a thread, ``done`` on the loop."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """By what people are told, as the settings have it."""

    channels: Mapping[str, Channel]
    routes: Routes
    policy: Policy
    carrier: Carries
    link: str
    """Where people see this hub; empty: nowhere."""


class Speaker:
    """Its methods are for the loop's own thread."""

    def __init__(
        self,
        memory: Memory,
        means: Means,
        *,
        loop: Loop,
        workers: Submits,
        log: logging.Logger,
        tell: Tell,
        wall: Callable[[], int] = time.time_ns,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._memory, self._loop, self._workers = memory, loop, workers
        self._log, self._tell = log, tell
        self._wall, self._clock, self._chance = wall, clock, chance
        self._lanes: dict[str, Lane] = {}
        self._secrets: dict[str, tuple[str, ...]] = {}
        self._channels: Mapping[str, Channel] = {}
        self._as_is: dict[str, int] = {}
        """Since when (ns) each channel is as it is, as far as this life knows."""
        self._looked: dict[str, float] = {}
        """Until when channels that may not speak yet are not looked at again."""
        self._timer: Timer | None = None
        self.counts: Counter[str] = Counter()
        """Attempts that delivered, failed or were given up, in this life."""
        self._set(means)

    def use(self, means: Means) -> None:
        """Speak by these from now on; what waits for a channel that is no more is given up."""
        self._set(means)
        self.start()

    def _set(self, means: Means) -> None:
        now, channels = self._wall(), means.channels
        self._as_is |= {name: now for name, one in channels.items() if self._channels.get(name) != one}
        self._means, self._channels = means, channels
        self._lanes = {
            name: replace(self._lanes.get(name, Lane()), groups=channel.groups) for name, channel in channels.items()
        }
        self._looked.clear()
        # Those of channels that are no more stay: an attempt may be under way.
        self._secrets |= {name: secrets_of(channel) for name, channel in channels.items()}

    # -- deciding, within the judgement's transaction ---

    def consider(
        self,
        transaction: Transaction,
        incidents: Iterable[Incident],
        holds: Mapping[str, Sequence[Hold]],
        now: int,
    ) -> dict[str, tuple[Reason, ...]]:
        """Put into the outbox what has to be said of ``incidents``, and say why, by their ids.

        To be asked for what changed, and every few seconds for all that burns: reminders, escalations and holds that
        end come of that. What was said is not said again.
        """
        found, written = {}, False
        for incident in incidents:
            rows = self.history(transaction, incident.id)
            told = {name: one.past(now) for name, one in rows.items() if name in self._channels}
            for one in (one for name, one in told.items() if one is not rows[name]):
                transaction.put("told", one.row, letters.as_row(one))
            # Whom a channel did not reach as it was, it may reach as it is now.
            known = {n: one for n, one in told.items() if not (incident.firing and one.refused_before(self._as_is[n]))}
            decided = decide(incident, holds.get(incident.id, ()), known, self._means.routes, now)
            for intent in decided.intents:
                # Of one channel there may be several: an alarm, and that it is acknowledged.
                told[intent.channel] = self._put(transaction, incident, intent, told.get(intent.channel), now)
                written = True
            found[incident.id] = decided.reasons
        if written:
            failpoints.at("outbox.commit")
            self._soon()
        return found

    def history(self, transaction: Transaction, incident: str) -> dict[str, Told]:
        """What each channel was told of an incident."""
        rows = (letters.read_told(value) for _, value in transaction.items("told", f"{incident}/"))
        return {told.channel: told for told in rows if told is not None}

    def forget(self, transaction: Transaction, incident: str) -> None:
        """Forget what was told of an incident that is itself forgotten."""
        for key in [key for key, _ in transaction.items("told", f"{incident}/")]:
            transaction.delete("told", key)

    def jumped(self, transaction: Transaction, incidents: Iterable[str], by: int) -> None:
        """The hub's clock was set by ``by`` (ns): what waits, and who was told of these, waited as long as before."""
        now = self._wall()
        self._as_is = {name: min(at, now) for name, at in self._as_is.items()}
        for item in [letters.read_item(value) for _, value in transaction.items("outbox")]:
            if item is not None:
                transaction.put("outbox", item.row, letters.as_row(replace(item, at=item.at + by)))
        for incident in incidents:
            for told in self.history(transaction, incident).values():
                told = replace(told, first_at=told.first_at + by, spoken_at=told.spoken_at + by)
                transaction.put("told", told.row, letters.as_row(told))

    def _put(
        self,
        transaction: Transaction,
        incident: Incident,
        intent: Intent,
        told: Told | None,
        now: int,
    ) -> Told:
        number = int(transaction.get("state", "outbox.order") or 0) + 1
        transaction.put("state", "outbox.order", number)
        told = noted(told, intent, incident, now)
        # What became graver since goes with its alarm, which may still wait, and never before it.
        order = order_of(number, told.severity or incident.severity)
        item = Item(intent.key(incident), intent.channel, intent.about, now, incident, order)
        transaction.put("outbox", item.row, letters.as_row(item))
        told = told.noted(Said(now, intent.about, incident.transition, "waiting"))
        transaction.put("told", told.row, letters.as_row(told))
        return told

    # -- sending ---

    def start(self) -> None:
        """Go on with what an earlier life left; what it left for channels that are no more is given up."""
        with self._memory.reading() as view:
            rows = [letters.read_item(value) for _, value in view.items("outbox")]
        gone = [item for item in rows if item is not None and item.channel not in self._channels]
        if gone:
            try:
                with self._memory.transaction() as transaction:
                    for item in gone:
                        self._end(transaction, (item,), "never", "the channel is configured no more")
            except MemoryFull as error:
                self._log.error("what waits for channels that are no more is not given up yet: %s", error)
                self._loop.after(LATER_SECONDS, self.start)
                self._soon()
                return
            self.counts["given_up"] += len(gone)
            names = ", ".join(sorted({item.channel for item in gone}))
            self._log.error("%d notices are given up: %s is configured no more", len(gone), names)
        self._soon()

    def _soon(self, seconds: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.after(seconds, self._pump)

    def _pump(self) -> None:
        """One turn for each channel that is free; then wait for the first that has something to do."""
        self._timer = None
        waits = []
        for name, lane in self._lanes.items():
            if lane.busy:
                continue
            if (rest := self._looked.get(name, 0.0) - self._clock()) > 0:
                waits.append(rest)
                continue
            try:
                wait = self._turn(name, lane)
                self._looked[name] = self._clock() + min(wait or 0.0, LOOK_SECONDS)
            except MemoryFull as error:
                self._log.error("notices cannot go out: %s", error)
                wait = AGAIN_SECONDS
            if wait is not None:
                waits.append(wait)
        if waits and self._timer is None:
            self._soon(min(waits))

    def _turn(self, name: str, lane: Lane) -> float | None:
        with self._memory.reading() as view:
            items = queues.waiting(view, name, MOST_LOOKED_AT if lane.groups else MOST_LOOKED_AT_ALONE)
            told = queues.told_of(view, items, name)
            failing = lane.failing_since is not None
            unheard = queues.unheard(view, name, MOST_LOOKED_AT, lane.handed) if failing else ()
            turn = outbox.turn(items, told, lane, self._means.policy, self._clock(), self._wall(), unheard)
            letter = replace(queues.begun(view, turn.letter), link=self._means.link) if turn.letter else None
        begins = turn.letter is not None and not all(item.letter for item in turn.letter.items)
        if turn.withdrawn or turn.expired or turn.handed or begins:
            with self._memory.transaction() as transaction:
                for item, why in turn.withdrawn:
                    self._end(transaction, (item,), "withdrawn", why)
                if turn.expired:
                    self._end(transaction, turn.expired, "never", "it could not be told in time", hand_over=True)
                for item in turn.handed:
                    transaction.put("outbox", item.row, letters.as_row(replace(item, handed=True)))
                self._hand_over(transaction, turn.handed, turn.handed)
                for item in letter.items if letter else ():
                    transaction.put("outbox", item.row, letters.as_row(item))
                failpoints.at("outbox.commit")
            for item in turn.expired:
                self.counts["given_up"] += 1
                whom = f"{name} ({some(item.left)})" if item.left else name
                self._log.error("%s was not told of %s in time, and is not any more", whom, item.incident.subject)
        if letter is None:
            return 0.0 if turn.withdrawn or turn.expired or turn.handed else turn.seconds  # behind these may be more
        lane.busy = True
        channel, carrier = self._channels[name], self._means.carrier
        self._workers.submit(
            lambda: attempt(channel, letter, carrier),
            lambda outcome: self._came(name, letter, outcome),
        )
        return None

    def _came(self, name: str, letter: Letter, came: Outcome | BaseException) -> None:
        """An attempt ended."""
        outcome = clean(name, came, self._secrets[name])
        try:
            with self._memory.transaction() as transaction:
                settled = self._settled(transaction, name, letter, outcome)
                failpoints.at("mark")
        except MemoryFull as error:
            # The channel stays busy: nothing goes out twice only because the disk is full.
            words = ", ".join(map(word, parts(outcome, letter.left)))
            self._log.error("cannot write that %s %s: %s", name, words, error)
            self._loop.after(AGAIN_SECONDS, lambda: self._came(name, letter, outcome))
            return
        self._report(name, letter, outcome, settled)
        self._soon()

    def _settled(self, transaction: Transaction, name: str, letter: Letter, outcome: Outcome) -> Settled:
        lane = self._lanes.get(name, Lane())
        kept = replace(lane, spoken=list(lane.spoken), resting=dict(lane.resting), behind=dict(lane.behind))
        told = queues.told_of(transaction, letter.items, name)
        settled = outbox.settle(letter, outcome, kept, self._means.policy, self._clock(), self._chance())
        if name not in self._lanes and settled.kept:
            return settled  # what waited for a channel that is no more was given up meanwhile
        for row in outbox.told_after(letter, outcome, told, self._wall()):
            transaction.put("told", row.row, letters.as_row(row))
        for item in settled.done:
            transaction.delete("outbox", item.row)
        rows = {item.key: item.row for item in letter.items}
        for item in settled.kept:
            there = letters.read_item(
                transaction.get("outbox", rows[item.key])
            )  # the clock may have been set meanwhile
            transaction.delete("outbox", rows[item.key])
            transaction.put("outbox", item.row, letters.as_row(replace(item, at=there.at if there else item.at)))
        self._hand_over(transaction, settled.handed, letter.items)
        if name in self._lanes:
            self._lanes[name] = kept
        return settled

    def _hand_over(self, transaction: Transaction, items: Sequence[Item], company: Sequence[Item]) -> None:
        """Tell the fallback in their channel's place, and of ends that are decided; ``company`` went out with them."""
        fallback = self._means.routes.fallback(items[0].channel) if items else ""
        if not fallback:
            return
        now = self._wall()
        over = {one.incident for one in queues.told_of(transaction, items, items[0].channel).values() if one.recovered}
        behind = (*company, *queues.ends(transaction, items[0].channel, over))
        ends = {one.incident.id: one.incident for one in behind if one.about == RECOVERY}
        for incident in (item.incident for item in items):
            told = self.history(transaction, incident.id).get(fallback)
            if told is not None and told.transition >= incident.transition:
                continue
            self._put(transaction, incident, Intent(ALARM, fallback), told, now)
            self._soon()
            if incident.id in ends:
                told = self.history(transaction, incident.id)[fallback]
                self._put(transaction, ends[incident.id], Intent(RECOVERY, fallback), told, now)

    def _end(
        self, transaction: Transaction, items: Sequence[Item], outcome: str, why: str, *, hand_over: bool = False
    ) -> None:
        told = queues.told_of(transaction, items, items[0].channel)
        for row in outbox.given_up(items, told, self._wall(), outcome, why):
            transaction.put("told", row.row, letters.as_row(row))
        for item in items:
            transaction.delete("outbox", item.row)
        if hand_over:
            self._hand_over(transaction, outbox.to_hand_over(items), items)

    # -- what is said about it ---

    def _report(self, name: str, letter: Letter, outcome: Outcome, settled: Settled) -> None:
        many = "" if letter.alone else f" and {len(letter.items) - 1} more"
        what = f"{letter.first.about} of {letter.first.incident.rule} on {letter.first.incident.subject}{many}"
        for part in parts(outcome, letter.left):
            match part:
                case Delivered(detail=detail):
                    self.counts["delivered"] += 1
                    self._log.info("told %s: %s", name, what)
                case Later(why=detail):
                    self.counts["failed"] += 1
                    again = f"trying again in {settled.wait:.3g} s"
                    self._log.warning("cannot tell %s: %s, %s (%s)", name, detail, again, what)
                case Never(why=detail):
                    self.counts["given_up"] += 1
                    self._log.error("%s refuses: %s (%s)", name, detail, what)
            for item in letter.items:
                record = Notice(
                    incident=item.incident.id,
                    channel=name,
                    outcome=word(part),
                    attempt=item.attempts + 1,
                    transition=item.incident.transition,
                    detail=detail[:300],
                )
                self._tell(record, item.incident.subject, self._wall())

    def vitals(self) -> dict[str, float | None]:
        """How many notices wait and how old the oldest is, and what came of the attempts of this life."""
        now = self._wall()
        with self._memory.reading() as view:
            count = view.count("outbox")
            found = (queues.oldest(view, name) for name in self._lanes)
            oldest = min((at for at in found if at is not None), default=None)
        return {
            "outbox.waiting": float(count),
            "outbox.oldest_seconds": 0.0 if oldest is None else max(0.0, (now - oldest) / SECOND),
            "notices.delivered_total": float(self.counts["delivered"]),
            "notices.failed_total": float(self.counts["failed"]),
            "notices.given_up_total": float(self.counts["given_up"]),
        }

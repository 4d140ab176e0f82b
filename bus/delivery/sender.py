"""What a producer sends when, and what it may forget (rules R1 to R8, the sender's side). Pure.

A process makes one ``Sender`` from what its spool kept; it begins a new epoch. Messages are numbered in batches:

    epoch, first = sender.claim(len(batch))         number them
    spool.append(epoch, first, packed, ...)         make them durable
    actions = sender.spooled(size, now)             now they may be sent
    sender.begin_epoch()                            instead, when that failed: perhaps some are, so number them anew

and everything else that happens is told to ``on_event``, ``refused``, ``clock_stepped``, ``on_receipt``,
``on_tick``, ``evicted`` and ``blocked``. The answers are actions (``bus.delivery.actions``), to be done in their
order. All work is done on ranges: a batch of a thousand messages costs as much as one. ``now`` is monotonic,
in seconds. ``bus.courier`` is the one who uses all this.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from bus.control import Flags, Mark, Receipt
from bus.delivery.actions import Action, Connect, Greet, Move, Send, Settled
from bus.delivery.flows import Flows
from bus.delivery.outflow import Kept, Outflow, Store
from bus.delivery.pump import Pump
from bus.delivery.states import TABLE, Event, Flag, State
from bus.delivery.window import Backoff, Limits

DROPPED_SECONDS = 600.0
"""A spool is full for so long after it dropped something: what is too old goes every few minutes."""
_SPOKEN = (State.SYNCING, State.FLOWING, State.WAITING)


class Sender:
    """The sending side of delivery; the module says how to use it."""

    def __init__(
        self,
        kept: Iterable[Kept] = (),
        *,
        rng: random.Random,
        now: float,
        generation: int = 0,
        limits: Limits | None = None,
    ) -> None:
        """``kept`` is what the spool holds, oldest epoch first; ``generation`` the store's it last heard of."""
        self.limits = limits or Limits()
        self.state = State.NEW
        self.flags: set[Flag] = set()
        self.generation = generation
        self.flows = Flows(kept, self.limits, rng)
        self.pump = Pump(self.flows, self.limits, rng, now)
        self._rng = rng
        self._nonce = self._answered = rng.getrandbits(48)
        self._listed: tuple[int, ...] = ()
        self._asking = Backoff(self.limits.answer_timeout, self.limits.timeout, rng)
        self._pausing = Backoff(self.limits.pause, self.limits.timeout_max, rng)
        self._refusing = Backoff(self.limits.refused_pause, self.limits.refused_pause_max, rng)
        self._answer_by: float | None = None
        self._resume_at = self._probe_at = self._reconnect_at = now
        self._heard = self._dropped_until = float("-inf")
        self._floors_due = float("inf")

    # -- what the producer asks ---

    def claim(self, count: int) -> tuple[int, int]:
        """(epoch, first number) for the next ``count`` messages."""
        live = self.flows.live
        first = live.claimed + 1
        live.claimed += count
        return live.epoch, first

    def base(self, epoch: int) -> int:
        """The lowest number of the epoch that can still be supplied."""
        flow = self.flows.get(epoch)
        return flow.base if flow is not None else 1

    @property
    def unacknowledged(self) -> int:
        """Messages in the spool that the store has not acknowledged."""
        return self.flows.unacknowledged

    @property
    def under_way(self) -> int:
        """Messages sent and not yet acknowledged."""
        return self.flows.under_way

    @property
    def calm(self) -> bool:
        """Whether the next receipt cannot make anything be done: all is well, and everything was sent."""
        return self.state is State.FLOWING and not self.flags and not self.flows.old and self.flows.live.unsent <= 0

    def due(self, now: float) -> float:
        """Seconds until ``on_tick`` has something to do, if nothing else happens before."""
        times = [now + 60.0]
        if self.state is State.WAITING:
            times.append(self._resume_at)
        elif self._answer_by is not None:
            times.append(self._answer_by)
        if self.flags and Flag.REFUSED in self.flags:
            times.append(self._reconnect_at)
        if self.state is State.FLOWING:
            times.append(self.pump.due(now))
            if self.flags and Flag.HUB_FULL in self.flags:
                times.append(self._probe_at)
            if self._answer_by is None:
                times.append(self._floors_due)
        return max(0.0, min(times) - now)

    # -- what happens ---

    def spooled(self, size: int, now: float) -> list[Action]:
        """The claimed messages, ``size`` bytes in all, are durable."""
        live = self.flows.live
        first, count = live.last + 1, live.claimed - live.last
        if not count:
            return []
        live.last = live.claimed
        self.pump.window.spooled(count, size)
        if live.behind_since is None:
            live.behind_since = now
        if self._flowing:
            return self.pump.run(now)
        if self.state in _SPOKEN:
            # Nobody may acknowledge these now, but who watches live wants to see them: shown once, out of window.
            return [Send(live.epoch, first, live.last)]
        return []

    def on_event(self, event: Event, now: float) -> list[Action]:
        """START, CONNECTED or DISCONNECTED."""
        if event is Event.CONNECTED:
            self.flags.discard(Flag.REFUSED)
            self._refusing.reset()
        return self._go(event, now, again=event is Event.CONNECTED)

    def refused(self, now: float) -> list[Action]:
        """The hub refused this producer's key; a refused socket is dead until it is connected anew."""
        self.flags.add(Flag.REFUSED)
        self._reconnect_at = now + self._refusing.next()
        return self._go(Event.DISCONNECTED, now)

    def clock_stepped(self, now: float) -> list[Action]:
        """Time jumped: this may be a machine resumed from a snapshot, whose numbers are used already (R4)."""
        # Even an epoch without messages may have been used by the life that the snapshot does not know.
        self.begin_epoch()
        return self._go(Event.CONNECTED, now, again=True) if self.state in _SPOKEN else []

    def begin_epoch(self) -> int:
        """Number new messages in a new epoch from now on; returns it."""
        return self.flows.begin().epoch

    def adopt(self, kept: Iterable[Kept], now: float) -> None:
        """Take up what the spool turned out to hold after the start, since it could not be read then."""
        if self.flows.adopt(kept):
            self._floors_due = min(self._floors_due, now)

    def evicted(self, epoch: int, base: int, dropped: int, now: float) -> None:
        """The spool let go of everything below ``base``; ``dropped`` of it was not acknowledged."""
        flow = self.flows.get(epoch)
        if flow is None:
            return
        flow.base = max(flow.base, base)
        flow.sent = max(flow.sent, flow.done)
        if not flow.under_way:
            flow.deadline = None
        if dropped:
            self.flags.add(Flag.SPOOL_FULL)
            self._dropped_until = now + DROPPED_SECONDS
            if not flow.held:
                # No message of this epoch is left to carry its base: a HELLO must tell.
                self._floors_due = min(self._floors_due, now)
        if not flow.unfinished:
            self.flows.refresh()

    def blocked(self, epoch: int, number: int, now: float) -> None:
        """The queue to the door is full: nothing from ``number`` on went out."""
        flow = self.flows.get(epoch)
        if flow is not None:
            self.pump.blocked(flow, number, now)

    def on_tick(self, now: float) -> list[Action]:
        """Time passed."""
        actions: list[Action] = []
        if Flag.SPOOL_FULL in self.flags and now >= self._dropped_until:
            self.flags.discard(Flag.SPOOL_FULL)
        if Flag.REFUSED in self.flags and now >= self._reconnect_at:
            self._reconnect_at = now + self._refusing.next()
            actions.append(Connect())
        if self.state is State.WAITING:
            if now >= self._resume_at:
                actions += self._go(Event.PAUSED, now)
        elif self._answer_by is not None and now >= self._answer_by:
            actions += self._go(Event.SILENT, now)
        elif self.state is State.FLOWING:
            actions += self._overdue(now)
        return actions + (self.pump.run(now) if self._flowing else [])

    def on_receipt(self, receipt: Receipt, now: float) -> list[Action]:
        """The store said what it has."""
        self._heard = now
        store = (receipt.generation, receipt.incarnation)
        answers = self._answered < receipt.answer <= self._nonce
        if answers:
            self._answered = receipt.answer
            self._adopt(store, now)
        elif store != self.flows.store:
            # Old news of a former life of the store, or the first of a new one: asking tells which.
            return self._go(Event.STRANGER, now)
        self.pump.credit = receipt.credit
        self._hear_flags(receipt.flags, now)
        actions: list[Action] = []
        under_way = self.under_way
        advanced = sum(self._hear(mark, now, actions) for mark in receipt.marks)
        if advanced:
            self.pump.acknowledged(advanced, under_way)
            self._pausing.reset()
        if answers:
            actions += self._hear_answer(now)
        elif advanced:
            actions += self._go(Event.ADVANCED, now)
        return actions + (self.pump.run(now) if self._flowing else [])

    # -- receipts ---

    @property
    def _flowing(self) -> bool:
        return self.state is State.FLOWING and not (self.flags and Flag.HUB_FULL in self.flags)

    def _adopt(self, store: Store, now: float) -> None:
        """From now on this life of the store is believed; what another one said is void (R5)."""
        self.flows.store = store
        if store[0] != self.generation:
            # A floor counts only where both sides speak of the same generation.
            self.generation, self._floors_due = store[0], now

    def _hear_flags(self, flags: Flags, now: float) -> None:
        if Flags.REVOKED in flags and Flag.REFUSED not in self.flags:
            self.flags.add(Flag.REFUSED)
            self._reconnect_at = now + self._refusing.next()
        full = Flags.DISK_FULL in flags
        if full and Flag.HUB_FULL not in self.flags:
            self.flags.add(Flag.HUB_FULL)
            self._probe_at = self._next_probe(now)
            self.pump.rewind()
        elif not full and Flag.HUB_FULL in self.flags:
            self.flags.discard(Flag.HUB_FULL)
            self.pump.rewind()

    def _hear(self, mark: Mark, now: float, actions: list[Action]) -> int:
        """Take in one mark; returns by how much the watermark moved on."""
        flow = self.flows.get(mark.epoch)
        if flow is None:
            return 0
        if mark.refused:
            flow.held_until = now + self.limits.timeout * self._rng.uniform(0.5, 1.0)
            flow.rewind()
            return 0
        before = flow.acked
        if flow.store != self.flows.store:
            # The first word of this life of the store on this epoch counts as it is, even if it goes back.
            flow.store = self.flows.store
            flow.acked = mark.watermark
            flow.rewind()
        else:
            flow.acked = max(before, mark.watermark)
        if flow.acked == before:
            actions += self.pump.mend(flow, mark, now) if self._flowing else []
            return 0
        if flow.acked > flow.claimed:
            self._outrun(flow, before, actions)
        flow.acked = min(flow.acked, flow.last)
        flow.once = max(flow.once, flow.acked)
        flow.sent = max(flow.sent, flow.done)
        self.pump.moved_on(flow, now)
        actions.append(Settled(flow.epoch, flow.acked))
        if not flow.unfinished and flow is not self.flows.live:
            self.flows.refresh()
        return max(0, flow.acked - before)

    def _hear_answer(self, now: float) -> list[Action]:
        """The marks of an answer to HELLO were taken in."""
        self.flows.refresh()
        listed = [flow for flow in map(self.flows.get, self._listed) if flow is not None]
        if any(not flow.held and flow.acked < flow.base - 1 for flow in listed):
            # The store could not write the floor down, its disk being full, say.
            self._floors_due = min(self._floors_due, now + self.limits.timeout * self._rng.uniform(0.5, 1.0))
        if any(flow.store != self.flows.store for flow in listed):
            return []
        self._answer_by = None
        self._asking.reset()
        return self._go(Event.ANSWERED, now)

    def _outrun(self, flow: Outflow, before: int, actions: list[Action]) -> None:
        """R4: the store has numbers that were never given here. Ours with the same numbers are others."""
        first = max(before, flow.base - 1) + 1
        if flow is self.flows.live:
            self.begin_epoch()
        if first <= flow.last:
            actions.append(Move(flow.epoch, first, flow.last))

    # -- states ---

    def _overdue(self, now: float) -> list[Action]:
        """What to do about receipts that do not come, in FLOWING."""
        late = self.pump.late(now)
        if late and now - self._heard >= self.limits.timeout:
            return self._go(Event.SILENT, now)
        if late:
            self.pump.window.lost(now)
        for flow in late:
            self.pump.rewind(flow)
        if self._answer_by is not None:
            return []
        unheard = not self.flows.old and self.flows.unheard
        full = Flag.HUB_FULL in self.flags and now >= self._probe_at
        return [self._hello(now)] if late or unheard or full or now >= self._floors_due else []

    def _go(self, event: Event, now: float, *, again: bool = False) -> list[Action]:
        state = TABLE[self.state][event]
        if state is self.state and not again:
            return []
        self.state = state
        if state is State.FLOWING:
            return []
        self._answer_by = None
        if state is State.WAITING:
            if self.under_way:
                self.pump.window.lost(now)
            self._resume_at = now + self._pausing.next()
            # The last HELLO may be lost, and with it a floor; a receipt that ends the waiting does not answer it.
            self._floors_due = min(self._floors_due, now)
        self.pump.rewind()
        if state is State.CONNECTING and event is Event.START:
            return [Connect()]
        return [self._hello(now)] if state is State.SYNCING else []

    def _hello(self, now: float) -> Greet:
        self._nonce += 1
        syncing = self.state is State.SYNCING
        self._answer_by = now + (self._asking.next() if syncing else self.limits.timeout)
        self._probe_at = self._next_probe(now)
        self._floors_due = float("inf")
        offers, more = self.flows.offers()
        self._listed = tuple(offer.epoch for offer in offers)
        return Greet(self._nonce, offers, more)

    def _next_probe(self, now: float) -> float:
        return now + self.limits.probe * self._rng.uniform(0.75, 1.0)

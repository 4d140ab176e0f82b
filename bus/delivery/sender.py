"""What a producer sends when, and what it may forget (rules R1 to R8, the sender's side). Pure.

A process makes one ``Sender`` from what its spool kept; it begins a new epoch. Messages are numbered in batches:

    epoch, first = sender.claim(len(batch))         number them
    spool.append(epoch, first, packed, ...)         make them durable
    actions = sender.spooled(size, now)             now they may be sent
    sender.unclaim()                                instead, when they could not be made durable

and everything else that happens is told to ``on_event``, ``on_receipt``, ``on_tick``, ``evicted`` and
``blocked``. The answers are actions, to be done in their order:

    Send(epoch, first, last)     push these messages from the spool; base, generation and time of now
    Greet(nonce, offers, more)   say HELLO
    Settled(epoch, watermark)    the spool may trim up to here when it needs room (R7); may also go back
    Move(epoch, first, last)     claim, pack and spool these messages again under the live epoch, then trim (R4)
    Connect()                    connect the sockets, anew if they were connected

All work is done on ranges: a batch of a thousand messages costs as much as one. ``now`` is monotonic, seconds.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from bus.control import MAX_OFFERS, Flags, Mark, Offer, Receipt
from bus.delivery.outflow import Kept, Outflow, Store
from bus.delivery.states import TABLE, Event, Flag, State
from bus.delivery.window import Backoff, Limits, Window


@dataclass(frozen=True, slots=True)
class Send:
    """Push the messages ``first`` to ``last`` of an epoch."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Greet:
    """Say HELLO."""

    nonce: int
    offers: tuple[Offer, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """The store's watermark of an epoch is now this."""

    epoch: int
    watermark: int


@dataclass(frozen=True, slots=True)
class Move:
    """Number the messages ``first`` to ``last`` of an epoch anew."""

    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the sockets."""


Action = Send | Greet | Settled | Move | Connect


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
        self.window = Window(self.limits, now)
        self.state = State.NEW
        self.flags: set[Flag] = set()
        self.generation = generation
        self.credit = 0
        self.resent = 0
        self._rng = rng
        self._flows: dict[int, Outflow] = {}
        for one in kept:
            self._flows[one.epoch] = Outflow(
                one.epoch, one.base, one.last, one.last, one.once, one.once, sent=max(one.once, one.base - 1)
            )
        self._old: list[Outflow] = []
        self._store: Store | None = None
        self._nonce = self._answered = rng.getrandbits(48)
        self._answer_by: float | None = None
        self._listed: tuple[int, ...] = ()
        self._timeout = self.limits.timeout
        self._asking = Backoff(self.limits.answer_timeout, self.limits.timeout, rng)
        self._pausing = Backoff(self.limits.pause, self.limits.timeout_max, rng)
        self._refusing = Backoff(self.limits.refused_pause, self.limits.refused_pause_max, rng)
        self._resume_at = self._probe_at = self._reconnect_at = now
        self._heard = self._blocked_until = self._begun = float("-inf")
        self._dropped_until = float("-inf")
        self._probe: tuple[int, int, float] | None = None
        self._floors_due = float("inf")
        self._short = False
        self.live = self._begin(now)

    # -- what the producer asks ---

    def claim(self, count: int) -> tuple[int, int]:
        """(epoch, first number) for the next ``count`` messages."""
        first = self.live.claimed + 1
        self.live.claimed += count
        return self.live.epoch, first

    def unclaim(self) -> None:
        """The numbers claimed since the last ``spooled`` go to no message: nothing of it was made durable."""
        self.live.claimed = self.live.last

    def base(self, epoch: int) -> int:
        """The lowest number of the epoch that can still be supplied."""
        return self._flows[epoch].base

    @property
    def unacknowledged(self) -> int:
        """Messages in the spool that the store has not acknowledged."""
        return sum(flow.last - flow.done for flow in self._old) + self.live.last - self.live.done

    @property
    def under_way(self) -> int:
        """Messages sent and not yet acknowledged."""
        return sum(flow.under_way for flow in self._old) + self.live.under_way

    def due(self, now: float) -> float:
        """Seconds until ``on_tick`` has something to do, if nothing else happens before."""
        times = [now + 60.0]
        if self.state is State.WAITING:
            times.append(self._resume_at)
        if self._answer_by is not None and self.state is not State.WAITING:
            times.append(self._answer_by)
        if Flag.REFUSED in self.flags:
            times.append(self._reconnect_at)
        if self.state is State.FLOWING:
            if Flag.HUB_FULL in self.flags:
                times.append(self._probe_at)
            lanes = [*self._old[: self.limits.lanes], self.live]
            times += [flow.deadline for flow in lanes if flow.deadline is not None]
            times += [flow.held_until for flow in lanes if flow.held_until > now]
            if self._answer_by is None:
                times.append(self._floors_due)
            if self._short:
                times.append(max(self._blocked_until, now + self.window.until_affordable()))
        return max(0.0, min(times) - now)

    # -- what happens ---

    def spooled(self, size: int, now: float) -> list[Action]:
        """The claimed messages, ``size`` bytes in all, are durable."""
        live = self.live
        first, count = live.last + 1, live.claimed - live.last
        if not count:
            return []
        live.last = live.claimed
        self.window.spooled(count, size)
        if live.behind_since is None:
            live.behind_since = now
        if self.state is State.FLOWING and Flag.HUB_FULL not in self.flags:
            return self._pump(now, [])
        if self.state in (State.SYNCING, State.WAITING, State.FLOWING):
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
        self.begin_epoch(now)
        return self._go(Event.CONNECTED, now, again=True) if self.state in _SPOKEN else []

    def begin_epoch(self, now: float) -> int:
        """Number new messages in a new epoch from now on; returns it."""
        if self.live.claimed:
            self.live = self._begin(now)
        return self.live.epoch

    def evicted(self, epoch: int, base: int, dropped: int, now: float) -> None:
        """The spool let go of everything below ``base``; ``dropped`` of it was not acknowledged."""
        flow = self._flows.get(epoch)
        if flow is None:
            return
        flow.base = max(flow.base, base)
        flow.sent = max(flow.sent, flow.done)
        if not flow.under_way:
            flow.deadline = None
        if dropped:
            self.flags.add(Flag.SPOOL_FULL)
            self._dropped_until = now + 60.0
            # No message of this epoch is left to carry its base: a HELLO must tell.
            if not flow.held:
                self._floors_due = min(self._floors_due, now)
        if not flow.unfinished:
            self._refresh()

    def blocked(self, epoch: int, number: int, now: float) -> None:
        """The queue to the door is full: nothing from ``number`` on went out."""
        flow = self._flows[epoch]
        flow.sent = max(flow.done, min(flow.sent, number - 1))
        if not flow.under_way:
            flow.deadline = None
        self._blocked_until = now + 0.05

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
        return self._pump(now, actions)

    def on_receipt(self, receipt: Receipt, now: float) -> list[Action]:
        """The store said what it has."""
        self._heard = now
        store = (receipt.generation, receipt.incarnation)
        answers = self._answered < receipt.answer <= self._nonce
        if answers:
            self._answered = receipt.answer
            self._adopt(store)
        elif store != self._store:
            # Old news of a former life of the store, or the first of a new one: asking tells which.
            return self._go(Event.STRANGER, now)
        self.credit = receipt.credit
        actions: list[Action] = []
        self._hear_flags(receipt.flags, now)
        under_way = self.under_way
        advanced = sum(self._hear(mark, now, actions) for mark in receipt.marks)
        if advanced:
            self.window.acknowledged(advanced, under_way)
            self._timeout = self.limits.timeout
            self._pausing.reset()
        if answers:
            self._refresh()
            listed = [flow for flow in map(self._flows.get, self._listed) if flow is not None]
            if any(not flow.held and flow.acked < self._floor(flow) for flow in listed):
                # The store could not write it down, its disk being full, say.
                self._floors_due = min(self._floors_due, now + self.limits.timeout * self._rng.uniform(0.5, 1.0))
            if all(flow.store == store for flow in listed):
                self._answer_by = None
                self._asking.reset()
                actions += self._go(Event.ANSWERED, now)
        elif advanced:
            actions += self._go(Event.ADVANCED, now)
        return self._pump(now, actions)

    # -- receipts ---

    def _adopt(self, store: Store) -> None:
        """From now on this life of the store is believed; what another one said is void (R5)."""
        self._store = store
        if store[0] != self.generation:
            # A floor counts only where both sides speak of the same generation.
            self.generation, self._floors_due = store[0], self._heard

    def _hear_flags(self, flags: Flags, now: float) -> None:
        if Flags.REVOKED in flags:
            self.flags.add(Flag.REFUSED)
            self._reconnect_at = now + self._refusing.next()
        if Flags.DISK_FULL in flags and Flag.HUB_FULL not in self.flags:
            self.flags.add(Flag.HUB_FULL)
            self._probe_at = now + self.limits.probe * self._rng.uniform(0.75, 1.0)
            self._rewind()
        elif Flags.DISK_FULL not in flags and Flag.HUB_FULL in self.flags:
            self.flags.discard(Flag.HUB_FULL)
            self._rewind()

    def _hear(self, mark: Mark, now: float, actions: list[Action]) -> int:
        """Take in one mark; returns by how much the watermark moved on."""
        flow = self._flows.get(mark.epoch)
        if flow is None:
            return 0
        if mark.refused:
            flow.held_until = now + self.limits.timeout * self._rng.uniform(0.5, 1.0)
            flow.rewind()
            return 0
        before = flow.acked
        if flow.store != self._store:
            flow.store = self._store
            flow.acked = mark.watermark
            flow.rewind()
        else:
            flow.acked = max(before, mark.watermark)
        if flow.acked == before:
            self._mend(flow, mark, now, actions)
            return 0
        if flow is self.live and flow.acked > flow.claimed:
            self._outrun(flow, before, now, actions)
        flow.acked = min(flow.acked, flow.last)
        flow.once = max(flow.once, flow.acked)
        flow.sent = max(flow.sent, flow.done)
        flow.deadline = self._deadline(now) if flow.under_way else None
        if self._probe is not None and self._probe[0] == flow.epoch and self._probe[1] <= flow.acked:
            self.window.measured(now - self._probe[2])
            self._probe = None
        actions.append(Settled(flow.epoch, flow.acked))
        if not flow.unfinished and flow is not self.live:
            self._refresh()
        return max(0, flow.acked - before)

    def _mend(self, flow: Outflow, mark: Mark, now: float, actions: list[Action]) -> None:
        """Fill a hole that stays where it is though later messages arrived, without waiting for the timeout."""
        until = min(mark.until, flow.sent)
        if until <= flow.done or self.state is not State.FLOWING:
            return
        if flow.hole_at != flow.acked:
            flow.hole_at, flow.hole_since = flow.acked, now
        elif now - flow.hole_since >= max(0.5, 2 * self.window.round_trip):
            flow.hole_since = now
            self.window.lost(now)
            last = min(until, flow.done + max(1, self.window.may_send(now)))
            self.window.spend(last - flow.done)
            self.resent += last - flow.done
            actions.append(Send(flow.epoch, flow.done + 1, last))

    def _outrun(self, flow: Outflow, before: int, now: float, actions: list[Action]) -> None:
        """R4: the store has numbers that were never given here. Ours with the same numbers are others."""
        first, last = max(before, flow.base - 1) + 1, flow.last
        self.begin_epoch(now)
        if first <= last:
            actions.append(Move(flow.epoch, first, last))

    # -- time ---

    def _overdue(self, now: float) -> list[Action]:
        lanes = [*self._old[: self.limits.lanes], self.live]
        late = [flow for flow in lanes if flow.deadline is not None and now >= flow.deadline]
        if late:
            self._timeout = min(self.limits.timeout_max, 2 * self._timeout)
            if now - self._heard >= self.limits.timeout:
                return self._go(Event.SILENT, now)
            self.window.lost(now)
            for flow in late:
                self._rewind_one(flow)
        if self._answer_by is not None:
            return []
        unheard = not self._old and any(f.unfinished and f.store != self._store for f in self._flows.values())
        full = Flag.HUB_FULL in self.flags and now >= self._probe_at
        if not (late or unheard or full or now >= self._floors_due):
            return []
        self._probe_at = now + self.limits.probe * self._rng.uniform(0.75, 1.0)
        return [self._hello(now)]

    def _deadline(self, now: float) -> float:
        return now + self._timeout * self._rng.uniform(0.9, 1.1)

    # -- states ---

    def _go(self, event: Event, now: float, *, again: bool = False) -> list[Action]:
        state = TABLE[self.state][event]
        if state is self.state and not again:
            return []
        self.state = state
        if state is State.FLOWING:
            return []
        self._answer_by = None
        if state is State.WAITING:
            self.window.lost(now)
            self._resume_at = now + self._pausing.next()
        self._rewind()
        if state is State.CONNECTING and event is Event.START:
            return [Connect()]
        if state is State.SYNCING:
            return [self._hello(now)]
        return []

    def _hello(self, now: float) -> Greet:
        self._nonce += 1
        syncing = self.state is State.SYNCING
        self._answer_by = now + (self._asking.next() if syncing else self.limits.timeout)
        self._floors_due = float("inf")
        # First what this store was not asked about, then what is still to send, then the newest floors.
        ranked = sorted(
            (flow for flow in reversed(self._flows.values()) if flow is not self.live),
            key=lambda flow: (not flow.held or flow.store == self._store, not flow.unfinished),
        )
        listed = {flow.epoch for flow in ranked[: MAX_OFFERS - 1]} | {self.live.epoch}
        flows = [flow for flow in self._flows.values() if flow.epoch in listed]
        self._listed = tuple(flow.epoch for flow in flows)
        offers = tuple(Offer(f.epoch, self._floor(f), f.last, f.once) for f in flows)
        return Greet(self._nonce, offers, len(flows) < len(self._flows))

    def _floor(self, flow: Outflow) -> int:
        return flow.base - 1

    def _rewind(self) -> None:
        for flow in (*self._old, self.live):
            self._rewind_one(flow)
        self._probe = None

    def _rewind_one(self, flow: Outflow) -> None:
        self.resent += flow.under_way
        flow.rewind()
        self._probe = None

    # -- epochs ---

    def _begin(self, now: float) -> Outflow:
        """A new epoch (R4, R8)."""
        self._begun = now
        epoch = self._new_epoch()
        flow = self._flows.setdefault(epoch, Outflow(epoch, store=self._store))
        empty = [f.epoch for f in self._flows.values() if not f.held and f is not flow]
        for gone in empty[: -self.limits.floor_epochs]:
            del self._flows[gone]
        self.live = flow
        self._refresh()
        return flow

    def _new_epoch(self) -> int:
        epoch = 0
        while not epoch or epoch in self._flows:
            epoch = self._rng.getrandbits(64)
        return epoch

    def _refresh(self) -> None:
        """Which old epochs still have something to send, oldest first."""
        self._old = [
            flow
            for flow in self._flows.values()
            if flow is not self.live and flow.last > flow.done and flow.store == self._store
        ]

    def _wants_lane(self, now: float, limit: int) -> bool:
        """R8: whether new messages should overtake what has piled up in the live epoch."""
        live, limits = self.live, self.limits
        return (
            live.last - live.done > limit
            and live.behind_since is not None
            and now - live.behind_since >= limits.live_lag
            and now - self._begun >= limits.live_pause
            and len(self._old) < limits.live_epochs
        )

    # -- the window ---

    def _pump(self, now: float, actions: list[Action]) -> list[Action]:
        """Send what the window, the purse and the queue allow; half of it is the live epoch's."""
        if self.state is not State.FLOWING or Flag.HUB_FULL in self.flags:
            return actions
        self._short = now < self._blocked_until
        if self._short:
            return actions
        limit = self.window.limit(self.credit)
        if self._wants_lane(now, limit):
            self._begin(now)
        purse = self.window.may_send(now)
        lanes = [flow for flow in self._old[: self.limits.lanes] if flow.held_until <= now]
        old = sum(flow.under_way for flow in lanes)
        live = self.live
        if live.store == self._store and live.held_until <= now:
            purse -= self._let(live, min(limit - min(old, limit // 2) - live.under_way, purse), now, actions)
            if not live.unsent:
                live.behind_since = None
        room = limit // 2 - old
        for flow in lanes:
            sent = self._let(flow, min(room, purse), now, actions)
            room, purse = room - sent, purse - sent
        self._short = purse < 1 and any(flow.unsent for flow in (live, *lanes))
        return actions

    def _let(self, flow: Outflow, room: int, now: float, actions: list[Action]) -> int:
        count = min(room, flow.unsent)
        if count <= 0:
            return 0
        first = max(flow.sent, flow.done) + 1
        flow.sent = first + count - 1
        if flow.deadline is None:
            flow.deadline = self._deadline(now)
        if self._probe is None:
            self._probe = (flow.epoch, flow.sent, now)
        self.window.spend(count)
        actions.append(Send(flow.epoch, first, flow.sent))
        return count


_SPOKEN = (State.SYNCING, State.FLOWING, State.WAITING)

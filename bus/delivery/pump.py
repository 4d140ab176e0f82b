"""Who may send how much now: the window, its two lanes, receipts overdue (rules R3 and R8). Pure."""

from __future__ import annotations

import random

from bus.control import Mark
from bus.delivery.actions import Action, Send
from bus.delivery.flows import Flows
from bus.delivery.outflow import Outflow
from bus.delivery.window import Limits, Window


class Pump:
    """Turns room in the window into ``Send`` actions."""

    def __init__(self, flows: Flows, limits: Limits, rng: random.Random, now: float) -> None:
        self.window = Window(limits, now)
        self.credit = 0
        """What the store would take, 0 when it has no opinion."""
        self.resent = 0
        self._flows, self._limits = flows, limits
        self._timeout = limits.timeout
        self._share = rng.uniform(0.9, 1.1)
        """Of the timeout: another one for each producer, so that not all find at once that receipts are overdue."""
        self._begun = self._blocked_until = float("-inf")
        self._short = False
        self._probe: tuple[int, int, float] | None = None

    def run(self, now: float) -> list[Action]:
        """Send what the window, its tokens and the queue to the door allow; half of it is the live epoch's."""
        self._short = now < self._blocked_until
        if self._short:
            return []
        flows, actions = self._flows, list[Action]()
        if not flows.old and flows.live.unsent <= 0:
            # As after most receipts.
            flows.live.behind_since = None
            return actions
        limit = self.window.limit(self.credit)
        if self._wants_lane(now, limit):
            self._begun = now
            flows.begin()
        tokens = self.window.may_send(now)
        live = flows.live
        old = [flow for flow in flows.lanes[1:] if flow.held_until <= now] if flows.old else []
        under_way = sum(flow.under_way for flow in old)
        if live.store == flows.store and live.held_until <= now:
            room = limit - min(under_way, limit // 2) - live.under_way
            tokens -= self._let(live, min(room, tokens), now, actions)
            if not live.unsent:
                live.behind_since = None
        room = limit // 2 - under_way
        for flow in old:
            sent = self._let(flow, min(room, tokens), now, actions)
            room, tokens = room - sent, tokens - sent
        self._short = tokens < 1 and any(flow.unsent for flow in (live, *old))
        return actions

    def _let(self, flow: Outflow, room: int, now: float, actions: list[Action]) -> int:
        count = min(room, flow.unsent)
        if count <= 0:
            return 0
        first = flow.sent + 1
        flow.sent = first + count - 1
        if flow.deadline is None:
            flow.deadline = self._deadline(now)
        if self._probe is None:
            self._probe = (flow.epoch, flow.sent, now)
        self.window.spend(count)
        actions.append(Send(flow.epoch, first, flow.sent))
        return count

    def _wants_lane(self, now: float, limit: int) -> bool:
        """R8: whether new messages should overtake what has piled up in the live epoch."""
        live, limits = self._flows.live, self._limits
        return (
            live.behind_since is not None
            and live.last - live.done > limit
            and now - live.behind_since >= limits.live_lag
            and now - self._begun >= limits.live_pause
            and len(self._flows.old) < limits.live_epochs
        )

    def _deadline(self, now: float) -> float:
        return now + self._timeout * self._share

    # -- what happens ---

    def moved_on(self, flow: Outflow, now: float) -> None:
        """A receipt moved the watermark of this epoch."""
        flow.deadline = self._deadline(now) if flow.under_way else None
        if self._probe is not None and self._probe[0] == flow.epoch and self._probe[1] <= flow.acked:
            self.window.measured(now - self._probe[2])
            self._probe = None

    def untimed(self) -> None:
        """The next receipt says nothing about the time that a message and its receipt took."""
        self._probe = None

    def acknowledged(self, count: int, under_way: int) -> None:
        """A receipt acknowledged so many messages while so many were under way."""
        self.window.acknowledged(count, under_way)
        self._timeout = self._limits.timeout

    def mend(self, flow: Outflow, mark: Mark, now: float) -> list[Action]:
        """Fill a hole that stays where it is though later messages arrived, without waiting for the timeout."""
        until = min(mark.until, flow.sent)
        if until <= flow.done:
            return []
        if flow.hole_at != flow.acked:
            flow.hole_at, flow.hole_since = flow.acked, now
            return []
        if now - flow.hole_since < max(0.5, 2 * self.window.round_trip):
            return []
        flow.hole_since = now
        self.window.lost(now)
        last = min(until, flow.done + max(1, self.window.may_send(now)))
        self.window.spend(last - flow.done)
        self.resent += last - flow.done
        return [Send(flow.epoch, flow.done + 1, last)]

    def late(self, now: float) -> list[Outflow]:
        """The epochs whose receipts are overdue; the next ones are given more time."""
        late = [flow for flow in self._flows.lanes if flow.deadline is not None and now >= flow.deadline]
        if late:
            self._timeout = min(self._limits.timeout_max, 2 * self._timeout)
        return late

    def rewind(self, flow: Outflow | None = None) -> None:
        """Take what is under way in one epoch, or in all, for lost."""
        self._probe = None
        self.resent += self._flows.rewind() if flow is None else flow.rewind()

    def blocked(self, flow: Outflow, number: int, now: float) -> None:
        """The queue to the door is full: nothing from ``number`` on went out."""
        flow.sent = max(flow.done, min(flow.sent, number - 1))
        if not flow.under_way:
            flow.deadline = None
        self._blocked_until = now + self._limits.blocked

    def due(self, now: float) -> float:
        """When ``run`` or ``late`` have something to do again, if no receipt comes before."""
        due = now + 60.0
        for flow in self._flows.lanes:
            if flow.deadline is not None and flow.deadline < due:
                due = flow.deadline
            if now < flow.held_until < due:
                due = flow.held_until
        if self._short:
            due = min(due, max(self._blocked_until, now + self.window.until_affordable()))
        return due

"""All epochs of one producer: the live one, the unfinished ones, and the floors of the others. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from bus.control import MAX_OFFERS, Offer
from bus.delivery.outflow import Kept, Outflow, Store
from bus.delivery.window import Limits


class Flows:
    """Epochs in the order in which they were begun; the last one is live."""

    def __init__(self, kept: Iterable[Kept], limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._all: dict[int, Outflow] = {}
        for one in kept:
            self._all[one.epoch] = _flow_of(one)
        self.store: Store | None = None
        """The life of the store that is believed."""
        self.old: list[Outflow] = []
        """Epochs before the live one with something to send, oldest first; only those the store has told of."""
        self.live = self.begin()

    def __iter__(self) -> Iterator[Outflow]:
        return iter(self._all.values())

    def get(self, epoch: int) -> Outflow | None:
        """The epoch's flow, None when it is not known (any more)."""
        return self._all.get(epoch)

    def begin(self) -> Outflow:
        """Begin a new epoch; it is the live one."""
        epoch = 0
        while not epoch or epoch in self._all:
            epoch = self._rng.getrandbits(64)
        self.live = self._all[epoch] = Outflow(epoch, store=self.store)
        empty = [flow.epoch for flow in self if not flow.held and flow is not self.live]
        for gone in empty[: -self._limits.floor_epochs]:
            del self._all[gone]
        self.refresh()
        return self.live

    def adopt(self, kept: Iterable[Kept]) -> bool:
        """Take up what is unfinished of epochs that are not known, before all others; whether there is any."""
        unknown = {one.epoch: _flow_of(one) for one in kept if one.epoch not in self._all}
        found = {epoch: flow for epoch, flow in unknown.items() if flow.unfinished}
        self._all = found | self._all
        return bool(found)

    def refresh(self) -> None:
        """Find out which old epochs have something to send."""
        self.old = [flow for flow in self if flow is not self.live and flow.unfinished and flow.store == self.store]

    @property
    def lanes(self) -> list[Outflow]:
        """The epochs that are sent now: the live one, and the oldest of the others."""
        return [self.live, *self.old[: self._limits.lanes]]

    @property
    def unheard(self) -> bool:
        """Whether there are messages of epochs that the store must be asked about first."""
        return any(flow.unfinished and flow.store != self.store for flow in self)

    @property
    def unacknowledged(self) -> int:
        """Messages in the spool that the store has not acknowledged."""
        return sum(flow.last - flow.done for flow in self if flow.unfinished)

    @property
    def under_way(self) -> int:
        """Messages sent and not yet acknowledged."""
        return self.live.under_way + sum(flow.under_way for flow in self.old)

    def rewind(self) -> int:
        """Take everything that is under way for lost; returns how much that was."""
        return sum(flow.rewind() for flow in (self.live, *self.old))

    def offers(self) -> tuple[tuple[Offer, ...], bool]:
        """What a HELLO tells, and whether there is more: first what this store was not asked about yet,
        then what is still to be sent, then the newest floors."""
        others = [flow for flow in self if flow is not self.live]
        if len(others) >= MAX_OFFERS:
            others.sort(key=lambda flow: (not flow.held or flow.store == self.store, not flow.unfinished))
        listed = {flow.epoch for flow in others[: MAX_OFFERS - 1]} | {self.live.epoch}
        return (
            tuple(Offer(flow.epoch, flow.base - 1, flow.last, flow.once) for flow in self if flow.epoch in listed),
            len(listed) < len(self._all),
        )


def _flow_of(one: Kept) -> Outflow:
    sent, once = max(one.acked, one.base - 1), max(one.acked, one.once)
    return Outflow(one.epoch, one.base, one.last, one.last, one.acked, once, sent)

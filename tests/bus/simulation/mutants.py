"""Known-bad variants of delivery. Each must be caught; one that is not means that the harness is broken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bus.control import Flags, Mark, Receipt
from bus.delivery.actions import Action, Greet
from bus.delivery.facts import Verdict
from bus.delivery.outflow import Outflow, Store
from bus.delivery.pump import Pump
from bus.delivery.ranges import Ranges
from bus.delivery.receiver import Receiver
from bus.delivery.sender import Sender
from bus.delivery.stream import Stream
from tests.bus.simulation.disk import DictSpool
from tests.bus.simulation.run import Parts


class MaxSeen(Receiver):
    """The watermark is the highest number seen, holes or not."""

    def _take(self, stream: Stream, number: int) -> Verdict:
        verdict = super()._take(stream, number)
        stream.watermark, stream.beyond = max(stream.watermark, number), Ranges()
        return verdict


class ReceiptFirst(Receiver):
    """Receipts tell of what is in the batch, whether it was committed or not."""

    def receipts(self, hub_time: int, flags: Flags = Flags.NONE) -> list[Receipt]:
        for stream in self._touched:
            stream.committed = stream.watermark
        return super().receipts(hub_time, flags)


class EveryoneNew(Receiver):
    """Duplicates are not recognised."""

    def admit(self, source: str, epoch: int, number: int, base: int, generation: int, now: float) -> Verdict:
        verdict = super().admit(source, epoch, number, base, generation, now)
        return Verdict.NEW if verdict is Verdict.DUPLICATE else verdict


class NoBase(Sender):
    """Messages do not tell what can no longer be supplied."""

    def base(self, epoch: int) -> int:
        return 1

    def _hello(self, now: float) -> Greet:
        told = super()._hello(now)
        empty = {flow.epoch for flow in self.flows if not flow.held}
        return replace(told, offers=tuple(o if o.epoch in empty else replace(o, floor=0) for o in told.offers))


class NoFloors(Sender):
    """HELLO does not tell what can no longer be supplied."""

    def _hello(self, now: float) -> Greet:
        told = super()._hello(now)
        return replace(told, offers=tuple(replace(offer, floor=0) for offer in told.offers))


class EpochPerSpool(Sender):
    """A new process goes on with the epoch that it finds in the spool."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kept = [flow for flow in self.flows if flow is not self.flows.live]
        if kept:
            del self.flows._all[self.flows.live.epoch]
            self.flows.live = kept[-1]


class NoGeneration(Sender):
    """A restored store is not noticed: its lower watermarks are taken for old news."""

    def _adopt(self, store: Store, now: float) -> None:
        for flow in self.flows:
            flow.store = store
        super()._adopt(store, now)


class NoRewind(Sender):
    """What was sent once is never sent again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pump = Unwinding(self.flows, self.limits, self._rng, kwargs["now"])


class Unwinding(Pump):
    """For ``NoRewind``."""

    def rewind(self, flow: Outflow | None = None) -> None:
        for one in self._flows:
            one.deadline = None

    def mend(self, flow: Outflow, mark: Mark, now: float) -> list[Action]:
        return []


class NoLane(Sender):
    """New messages wait behind the backlog."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pump = OneLane(self.flows, self.limits, self._rng, kwargs["now"])


class OneLane(Pump):
    """For ``NoLane``."""

    def _wants_lane(self, now: float, limit: int) -> bool:
        return False


class NumbersUsedAgain(Sender):
    """A machine resumed from a snapshot goes on as if nothing had happened."""

    def clock_stepped(self, now: float) -> list[Action]:
        return []

    def _outrun(self, flow: Outflow, before: int, actions: list[Action]) -> None:
        return


class TrimAtSending(DictSpool):
    """What was sent is trimmed before anybody acknowledged it."""

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        found = super().read(epoch, first, last)
        if found:
            self.acknowledged(epoch, first + len(found) - 1, self.generation)
        return found


MUTANTS: dict[str, Parts] = {
    "highest seen as watermark": Parts(receiver=MaxSeen),
    "no base": Parts(sender=NoBase),
    "epoch per spool": Parts(sender=EpochPerSpool),
    "no generation": Parts(sender=NoGeneration),
    "receipt before commit": Parts(receiver=ReceiptFirst, early_receipts=True),
    "trim before receipt": Parts(spool=TrimAtSending),
    "no rewind": Parts(sender=NoRewind),
    "no HELLO floors": Parts(sender=NoFloors),
    "numbers used again after a resume": Parts(sender=NumbersUsedAgain),
    "duplicates written again": Parts(receiver=EveryoneNew),
    "no crash fence": Parts(fenced=False),
}

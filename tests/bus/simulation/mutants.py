"""Known-bad variants of delivery. Each must be caught; one that is not means that the harness is broken."""

from __future__ import annotations

from bus.control import Flags, Receipt
from bus.delivery.outflow import Outflow, Store
from bus.delivery.ranges import Ranges
from bus.delivery.receiver import Receiver, Run, Verdict
from bus.delivery.sender import Sender
from bus.delivery.stream import Stream
from tests.bus.simulation.disk import DictSpool
from tests.bus.simulation.run import Parts


class MaxSeen(Receiver):
    """The watermark is the highest number seen, holes or not."""

    def _take(self, stream: Stream, first: int, last: int) -> Run:
        run = super()._take(stream, first, last)
        stream.watermark, stream.beyond = max(stream.watermark, last), Ranges()
        return run


class NoBase(Receiver):
    """What the producer can no longer supply is waited for."""

    def admit_run(
        self, source: str, epoch: int, first: int, last: int, base: int, generation: int, now: float
    ) -> Run:
        return super().admit_run(source, epoch, first, last, 1, generation, now)


class ReceiptFirst(Receiver):
    """Receipts tell of what is in the batch, whether it was committed or not."""

    def receipts(self, hub_time: int, flags: Flags = Flags.NONE, credit: int = 0) -> list[Receipt]:
        for stream in self._touched:
            stream.committed = stream.watermark
        return super().receipts(hub_time, flags, credit)


class EveryoneNew(Receiver):
    """Duplicates are not recognised."""

    def admit_run(
        self, source: str, epoch: int, first: int, last: int, base: int, generation: int, now: float
    ) -> Run:
        run = super().admit_run(source, epoch, first, last, base, generation, now)
        return Run(((first, last),)) if run.rest is Verdict.DUPLICATE else run


class EpochPerSpool(Sender):
    """A new process goes on with the epoch that it finds in the spool."""

    def _new_epoch(self) -> int:
        return next(reversed(self._flows)) if self._flows and not hasattr(self, "live") else super()._new_epoch()


class NoGeneration(Sender):
    """A restored store is not noticed: its lower watermarks are taken for old news."""

    def _adopt(self, store: Store) -> None:
        for flow in self._flows.values():
            flow.store = store
        super()._adopt(store)


class NoRewind(Sender):
    """What was sent once is never sent again."""

    def _rewind_one(self, flow: Outflow) -> None:
        flow.deadline = None

    def _mend(self, *_: object) -> None:
        return


class NoSenderFloors(Sender):
    """HELLO does not tell what can no longer be supplied."""

    def _floor(self, flow: Outflow) -> int:
        return 0


class TrimAtSending(DictSpool):
    """What was sent is trimmed before anybody acknowledged it."""

    def read(self, epoch: int, first: int, last: int) -> list[bytes]:
        found = super().read(epoch, first, last)
        if found:
            self.acknowledged(epoch, first + len(found) - 1, self.generation)
        return found


MUTANTS: dict[str, Parts] = {
    "highest seen as watermark": Parts(receiver=MaxSeen),
    "no base": Parts(receiver=NoBase),
    "epoch per spool": Parts(sender=EpochPerSpool),
    "no generation": Parts(sender=NoGeneration),
    "receipt before commit": Parts(receiver=ReceiptFirst, early_receipts=True),
    "trim before receipt": Parts(spool=TrimAtSending),
    "no rewind": Parts(sender=NoRewind),
    "no HELLO floors": Parts(sender=NoSenderFloors),
    "duplicates written again": Parts(receiver=EveryoneNew),
    "no crash fence": Parts(fenced=False),
}

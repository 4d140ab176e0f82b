"""What the bus is to be told of, on disk until it was: a kill in between tells it once more."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from alerter import recording
from alerter.deciding import Decision
from alerter.memory import Memory, MemoryFull, Transaction
from bus.fields import Unfit, build, plain
from bus.messages import Alert, Silence
from bus.producer import Teller

Row = tuple[str, Mapping[str, Any]]
"""A key and a value of the table ``untold``."""


class Untold:
    """Makes rows, to be kept with what they tell of; ``tell`` them then."""

    def __init__(self, memory: Memory, teller: Teller, log: logging.Logger) -> None:
        self._memory, self._teller, self._log = memory, teller, log
        self._number = 0

    def alert(self, decision: Decision) -> Row:
        """The row of a transition."""
        alert = plain(recording.alert(decision))
        return self._row({"alert": alert, "subject": decision.subject, "at": decision.at})

    def silence(self, silence: Silence, now: int) -> Row:
        """The row of a silence, new or ended."""
        return self._row({"silence": plain(silence), "at": now})

    def _row(self, value: Mapping[str, Any]) -> Row:
        self._number += 1
        return f"{self._number:020d}", value

    @staticmethod
    def keep(txn: Transaction, rows: Sequence[Row]) -> None:
        """Keep them until they are told."""
        for key, value in rows:
            txn.put("untold", key, value)

    def kept(self, txn: Transaction) -> list[Row]:
        """What an earlier life did not tell, or may have told."""
        rows = list(txn.items("untold"))
        self._number = max([self._number, *(int(key) for key, _ in rows)])
        return rows

    def tell(self, rows: Sequence[Row]) -> None:
        """Tell what is kept, and forget it then."""
        if not rows:
            return
        for _, value in rows:
            self._tell(value)
        self._teller.flush()
        try:
            with self._memory.transaction() as txn:
                for key, _ in rows:
                    txn.delete("untold", key)
        except MemoryFull:
            self._log.warning("the disk is full: transitions may be told twice after the next start")

    def _tell(self, value: Mapping[str, Any]) -> None:
        try:
            if "alert" in value:
                self._teller.tell(build(Alert, value["alert"]), at=value["at"], subject=value["subject"])
            else:
                self._teller.tell(build(Silence, value["silence"]), at=value["at"])
        except Unfit as unfit:
            self._log.error("cannot tell the bus of a transition: %s", unfit)

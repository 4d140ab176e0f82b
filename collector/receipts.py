"""The receipts' road: HELLOs go up the stair to the store, receipts go to whoever they are for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from bus.control import STAIR, Flags, Receipt, pack_receipt, read_hello, read_receipt, unbundled
from bus.messages import HUB
from bus.sockets import Post, Publish, Pull
from bus.vitals import Vitals
from bus.wire import Malformed
from collector.entrance import HangUp, Who
from collector.limits import Limits
from collector.refusals import Refusals
from collector.routes import Routes

DRAIN = 50
"""Frames of receipts taken at once, of some hundreds each."""


class Receipts:
    """Forgets everything at its end: producers that find the collector anew say HELLO by themselves."""

    def __init__(
        self,
        stair: Publish,
        settle: Pull,
        refusals: Refusals,
        vitals: Vitals,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stair = stair
        self._settle = settle
        self._refusals = refusals
        self._vitals = vitals
        self._clock = clock
        self._routes = Routes()
        self._doors: dict[str, Post] = {}
        self._last = b""

    def opened(
        self,
        post: Post,
        *,
        name: str,
        public: bool,
        who: Who | None = None,
        limits: Limits | None = None,
        hang_up: HangUp = lambda frame: None,
    ) -> Callable[[], None]:
        """The handler for ``post``: takes the HELLOs that have come; the rest: see ``Entrance``.

        A sender without a key is its connection: so many HELLOs may come by each.
        """
        self._doors[name] = post

        def drain() -> None:
            now = self._clock()
            for letter in post.letters():
                sender, quota = None, None
                try:
                    sender = who(letter[-1]) if who else None
                    if limits is not None:
                        quota = limits.of(sender or letter[0].bytes, now)
                        quota.hello()
                    self._pass_up([frame.bytes for frame in letter], name, public, sender)
                except Malformed as fault:
                    self._refusals.count(f"hello {fault.reason}", sender or name, str(fault))
                    if fault.reason == "revoked" or (quota is not None and quota.hopeless):
                        hang_up(letter[-1])

        return drain

    def revoke(self, sources: Iterable[str]) -> None:
        """Tell these that they are let in no longer, and send them nothing until they say HELLO again."""
        # Producers believe only the store that they know: the notice is the last receipt's, without its marks.
        store = read_receipt(self._last) if self._last else None
        for source in sources:
            if store is not None:
                notice = Receipt(source, store.generation, store.incarnation, time.time_ns(), (), flags=Flags.REVOKED)
                for name, who in self._routes.of(source):
                    self._doors[name].deliver(who, pack_receipt(notice))
            self._routes.forget(source)

    def settle(self) -> None:
        """Take the receipts that have come from the store, and deliver them."""
        for frame in self._settle.drain(DRAIN):
            try:
                for source, receipt in unbundled(frame):
                    self._deliver(source, receipt)
            except Malformed as fault:
                self._refusals.count(f"receipt {fault.reason}", "the store", str(fault))

    def _deliver(self, source: str, receipt: bytes) -> None:
        self._last = receipt
        for route in self._routes.of(source):
            name, who = route
            if not self._doors[name].deliver(who, receipt):
                self._routes.gone(source, route)
        self._vitals.count("receipts.frames")

    def readings(self) -> dict[str, float | None]:
        """What the collector says of this road."""
        return {"receipts.producers": float(len(self._routes))}

    def _pass_up(self, letter: list[bytes], name: str, public: bool, sender: str | None) -> None:
        if len(letter) != 2:
            raise Malformed("frames", f"a message of {len(letter) - 1} frames where one HELLO should be")
        who, frame = letter
        source = read_hello(frame).source
        if sender is not None and source != sender:
            raise Malformed("name", f"{sender} calls itself {source[:40]}")
        if public and source.startswith(HUB):
            raise Malformed("forbidden", f"{source[:40]}: names that start with {HUB} are the hub's own")
        if not self._routes.greeted(source, (name, who), self._clock()):
            raise Malformed("rate", f"{source} asks too often")
        self._stair.send(STAIR + frame)
        self._vitals.count("receipts.hellos")

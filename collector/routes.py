"""Which connections a producer's receipts go to, and how often it may ask for them. Pure.

A name usually has one connection. After a reconnect the old one is found to be gone when something is sent to it;
where two hosts use one name, both hear, and each takes from the receipts what concerns its own epochs.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from bus.bucket import Bucket

MOST_NAMES = 100_000
MOST_ROUTES = 4
"""Connections under one name; the one that said nothing for longest makes room."""
BURST = 10.0
PER_SECOND = 2.0
"""HELLOs that a name may say, at once and in the long run: a sound producer says one a second at most."""

Route = tuple[str, bytes]
"""The door that the producer came by, and its connection there."""


@dataclass(slots=True)
class _Known:
    hellos: Bucket
    routes: OrderedDict[Route, None] = field(default_factory=OrderedDict)


class Routes:
    """Names and their connections, as the last HELLOs tell."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def greeted(self, source: str, route: Route, now: float) -> bool:
        """A HELLO came; False when this name asks too often. ``now`` is monotonic, in seconds."""
        known = self._known.get(source)
        if known is None:
            known = self._known[source] = _Known(Bucket(PER_SECOND, now, seconds=BURST / PER_SECOND))
            if len(self._known) > MOST_NAMES:
                self._known.popitem(last=False)
        self._known.move_to_end(source)
        known.routes[route] = None
        known.routes.move_to_end(route)
        if len(known.routes) > MOST_ROUTES:
            known.routes.popitem(last=False)
        known.hellos.open(now)
        if known.hellos.tokens < 1:
            return False
        known.hellos.spend(1)
        return True

    def of(self, source: str) -> list[Route]:
        """Where the receipts for ``source`` go; nowhere when it said no HELLO since the collector's start."""
        known = self._known.get(source)
        return list(known.routes) if known is not None else []

    def forget(self, source: str) -> None:
        """Nothing goes to this name until it says HELLO again."""
        self._known.pop(source, None)

    def gone(self, source: str, route: Route) -> None:
        """This connection is no more."""
        known = self._known.get(source)
        if known is not None:
            known.routes.pop(route, None)
            if not known.routes:
                del self._known[source]

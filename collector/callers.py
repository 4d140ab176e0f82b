"""Authenticated peers: the name that a connection's key stands for now, and when each was last heard."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import zmq

from bus.enrolled import Enrolled
from bus.keys import fingerprint
from bus.wire import Malformed

MOST_STRANGERS = 100
FILES = "{}.callers.json"
"""Each collector's own."""


@dataclass(slots=True)
class Heard:
    """When (ns since 1970) somebody was last heard, and from where."""

    at: int
    address: str = ""


class Callers:
    """Checks every message against the list as it is now: the key's owner may have been revoked since it came in.

    ``look`` has the list read again if it changed.
    """

    def __init__(self, enrolled: Enrolled, look: Callable[[], None], clock: Callable[[], int] = time.time_ns) -> None:
        self.agents: dict[str, Heard] = {}
        self.strangers: OrderedDict[str, Heard] = OrderedDict()
        """Public keys that knocked and are not on the list, the latest last."""
        self._enrolled = enrolled
        self._look = look
        self._clock = clock

    def admitted(self, public: str, address: str) -> str | None:
        """The reason why a new connection from ``address`` with this key may not come in; None: it may."""
        now = self._clock()
        if public not in self._enrolled.names:
            self._look()  # it may have been enrolled a moment ago
        name = self._enrolled.names.get(public)
        if name is None:
            self.strangers[public] = Heard(now, address)
            self.strangers.move_to_end(public)
            if len(self.strangers) > MOST_STRANGERS:
                self.strangers.popitem(last=False)
            return "unknown key"
        try:
            if not self._enrolled.comes(public, now):
                return "late"
        except OSError:
            # That it came could not be written down: it has to come in time once more. Or not be read, and then nobody
            # knows whether its line has run out: it asks again by itself.
            if self._enrolled.is_over(public, now):
                return "unread"
        self.strangers.pop(public, None)
        self.agents[name] = Heard(now, address)
        return None

    def name_of(self, frame: zmq.Frame) -> str:
        """The name that may speak through this frame's connection; raises ``Malformed`` when it may no longer."""
        try:
            public = str(frame.get("User-Id"))
        except zmq.ZMQError:  # it came in without the handler being asked, which must not happen
            raise Malformed("no key", "a connection without a key") from None
        name = self._enrolled.names.get(public)
        if name is None:
            raise Malformed("revoked", f"the key {fingerprint(public)} is enrolled no longer")
        heard = self.agents.get(name)
        if heard is None:
            heard = self.agents[name] = Heard(0)
        heard.at = self._clock()
        return name

    def forget(self, names: frozenset[str]) -> None:
        """These are gone, or have another key."""
        for name in names:
            self.agents.pop(name, None)

    def go_on(self, run_dir: Path, collector: str = "collector") -> None:
        """Know again what an earlier life of this collector left: who is silent since then was heard all the same."""
        agents, strangers = _left(run_dir / FILES.format(collector))
        names = set(self._enrolled.names.values())
        self.agents = {name: one for name, one in agents.items() if name in names} | self.agents
        for public, one in strangers.items():
            if public not in self._enrolled.names:
                self.strangers.setdefault(public, one)

    def write_to(self, run_dir: Path, collector: str = "collector") -> None:
        """Leave what is known for ``guardia agents``; a small file, written in one step."""
        heard = {
            "agents": {name: asdict(one) for name, one in self.agents.items()},
            "strangers": {public: asdict(one) for public, one in self.strangers.items()},
        }
        path = run_dir / FILES.format(collector)
        # Not worth an fsync, which would keep the doors waiting.
        path.with_suffix(".new").write_text(json.dumps(heard), encoding="ascii")
        path.with_suffix(".new").replace(path)


def read_from(run_dir: Path) -> tuple[dict[str, Heard], dict[str, Heard]]:
    """What the collectors left: agents by name and strangers by public key; empty when none runs."""
    agents: dict[str, Heard] = {}
    strangers: dict[str, Heard] = {}
    for path in sorted(run_dir.glob(FILES.format("*"))):
        for found, into in zip(_left(path), (agents, strangers), strict=True):
            for name, heard in found.items():
                if name not in into or into[name].at < heard.at:
                    into[name] = heard
    return agents, strangers


def _left(path: Path) -> tuple[dict[str, Heard], dict[str, Heard]]:
    """What one collector left: agents and strangers; empty where it left nothing, or what nobody can read."""
    try:
        found = json.loads(path.read_text(encoding="ascii"))
        agents, strangers = (
            {name: Heard(int(one["at"]), str(one["address"])) for name, one in found[part].items()}
            for part in ("agents", "strangers")
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}, {}
    return agents, strangers

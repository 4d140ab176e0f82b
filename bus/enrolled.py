"""The hub's own key and the list of agents that it lets in: ``{home}/keys``.

    hub.key              the hub's key, mode 0600; while it is there, the hub's public roads take keys only
    hub.pub              its public half
    agents/NAME.pub      an agent: its name, its public key, since when, until when it has to come first, and whether
                         it is a place that services are checked from
    joined/NAME          the public key that came in under this name, from then on without an end

The list is a folder, so that letting somebody in or out is one file made or removed, each in one step.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bus.faults import meant
from bus.folder import alone, sync_folder
from bus.keys import (
    KeyPair,
    KeysFault,
    fields,
    fingerprint,
    is_key,
    lines,
    new,
    read_pair,
    read_private,
    write_pair,
    write_private,
)
from bus.messages import HUB, is_name

SUFFIX = ".pub"
ADMITTED = "admitted"
PLACE = "place"
TICK_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent that may speak under ``name``; ``at`` is when it was let in, ns since 1970."""

    name: str
    public: str
    at: int
    until: int = 0
    """ns since 1970 by which it has to come for the first time; 0: whenever it likes."""
    place: bool = False
    """Whether it may tell of services; any other speaks of itself alone."""

    @property
    def fingerprint(self) -> str:
        """What people compare by phone."""
        return fingerprint(self.public)


def hub_key_path(home: Path) -> Path:
    """Where the hub's key is kept."""
    return home / "keys" / "hub.key"


def hub_key(home: Path) -> KeyPair:
    """The hub's key, made at first need; raises ``KeysFault``."""
    path = hub_key_path(home)
    if (pair := read_pair(path)) is None:
        # Two programs may come here at once: the first one's key holds.
        write_pair(path, new(), replace=False)
        pair = read_pair(path)
        assert pair is not None
    if read_private(home / "keys" / "hub.pub") != _shown(pair):
        with alone(home / "keys"):
            pair = read_pair(path) or pair  # it may have been rotated meanwhile
            _publish(home, pair)
    return pair


def rotate(home: Path) -> KeyPair:
    """Give the hub a new key; every agent has to be enrolled again."""
    pair = new()
    with alone(home / "keys"):
        write_pair(hub_key_path(home), pair)
        _publish(home, pair)
    return pair


def _publish(home: Path, pair: KeyPair) -> None:
    write_private(home / "keys" / "hub.pub", _shown(pair))


def _shown(pair: KeyPair) -> str:
    return lines({"public": pair.public, "fingerprint": fingerprint(pair.public)})


def in_use(home: Path) -> bool:
    """Whether this home is a hub's that lets in keys only; once it is, losing the last agent does not open it."""
    return hub_key_path(home).exists()


def folder_of(home: Path) -> Path:
    """The folder with the list."""
    return home / "keys" / "agents"


def agents(home: Path) -> dict[str, Agent | KeysFault]:
    """Who is let in by name, or what is wrong with that file."""
    return dict(_agents(folder_of(home)))


def _agents(folder: Path) -> Iterator[tuple[str, Agent | KeysFault]]:
    try:
        files = sorted(os.listdir(folder))
    except FileNotFoundError:
        return
    for file in files:
        name = file.removesuffix(SUFFIX)
        if file.startswith(".") or not file.endswith(SUFFIX):
            continue
        try:
            found = _agent(folder / file, name)
        except KeysFault as fault:
            yield name, fault
            continue
        if found is not None:
            yield name, found


def _agent(path: Path, name: str) -> Agent | None:
    text = read_private(path)
    if text is None:
        return None  # removed a moment ago
    found = fields(text)
    fits = found.get("name") == name and found.get("state") == ADMITTED and found.get("at", "").isdecimal()
    if not fits or not is_key(found.get("public", "")):
        raise KeysFault(f"{path} is damaged: {name} is not let in; type: guardia enroll {name} --again")
    until = found.get("until", "0")
    last = int(until) if until.isdecimal() else 1
    return Agent(name, found["public"], int(found["at"]), last, found.get("as") == PLACE)


def joined(home: Path, name: str) -> str:
    """The public key that last came in as ``name``; empty: none ever did."""
    try:
        return (read_private(home / "keys" / "joined" / name) or "").strip()
    except KeysFault:
        return ""


def joins(home: Path, name: str, public: str) -> None:
    """Remember that the holder of ``public`` came in as ``name``; its line does not run out any more."""
    write_private(home / "keys" / "joined" / name, public + "\n")


def late(home: Path, agent: Agent, now: int) -> bool:
    """Whether ``agent`` did not come before its line ran out."""
    return bool(agent.until) and now > agent.until and joined(home, agent.name) != agent.public


def admit(
    home: Path, name: str, public: str, now: int, *, again: bool = False, until: int = 0, place: bool = False
) -> Agent:
    """Let the holder of ``public`` in as ``name``; ``again``: in place of its former key. Raises ``KeysFault``.

    ``until`` (ns since 1970; 0: ever) is when it has to have come for the first time; ``place``: it checks services.
    """
    if not is_name(name) or name.startswith((HUB, ".")):
        raise KeysFault(
            f"{name[:40]!r} is no name for a host: it takes letters, digits and . _ : - (at most 128 of them, "
            f"not first a dot), and must not start with {HUB}"
        )
    if not is_key(public):
        raise KeysFault("that is no public key: guardia agent --request prints one, of 40 characters")
    hub = hub_key(home).public
    # Who is on the list decides: nobody else may change it until it is changed.
    with alone(home / "keys"):
        return _admitted(home, Agent(name, public, now, until, place), hub, again=again)


def _admitted(home: Path, agent: Agent, hub: str, *, again: bool) -> Agent:
    name, public, listed = agent.name, agent.public, agents(home)
    if name in listed and not again:
        raise KeysFault(
            f"there is an agent {name} already; type: guardia enroll {name} --again (its former key ends at once), "
            f"or guardia revoke {name}"
        )
    for other in listed.values():
        if isinstance(other, Agent) and other.public == public and other.name != name:
            raise KeysFault(f"that is the key of {other.name}: every host has a key of its own")
    if public == hub:
        raise KeysFault("that is the hub's own key: every host has a key of its own")
    former = listed.get(name)
    if isinstance(former, Agent) and former.place:
        agent = replace(agent, place=True)  # another key makes a place no host
    told = {"name": name, "public": public, "at": str(agent.at), "until": str(agent.until), "state": ADMITTED}
    if agent.place:
        told["as"] = PLACE
    write_private(folder_of(home) / (name + SUFFIX), lines(told))
    return agent


def revoke(home: Path, name: str) -> None:
    """Let ``name`` in no longer; raises ``KeysFault`` when it is not on the list."""
    with alone(home / "keys"):
        listed = agents(home)
        if name not in listed:
            raise KeysFault(f"there is no agent {name!r}; {meant(name, list(listed))}")
        (folder_of(home) / (name + SUFFIX)).unlink(missing_ok=True)
        sync_folder(folder_of(home))


class Enrolled:
    """The list as the folder has it; ``refresh`` looks whether it changed, which costs one question to the kernel."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = folder_of(home)
        self._seen: tuple[int, int] | None = (0, 0)
        self._names: dict[str, str] = {}
        self._hasty: dict[str, Agent] = {}
        self._places: frozenset[str] = frozenset()
        self._faulty: tuple[str, ...] = ()
        self.faults: tuple[str, ...] = ()
        """What is wrong with files of the list; who they stand for is not let in."""
        self.refresh()

    @property
    def names(self) -> Mapping[str, str]:
        """The name that each public key stands for."""
        return self._names

    def is_place(self, name: str) -> bool:
        """Whether ``name`` may tell of services."""
        return name in self._places

    def comes(self, public: str, now: int) -> bool:
        """Its holder wants to come in; False when it should have come for the first time before. Raises ``OSError``."""
        agent = self._hasty.get(public)
        if agent is None:
            return True
        if late(self._home, agent, now):
            return False
        if joined(self._home, agent.name) != public:
            joins(self._home, agent.name, public)
        del self._hasty[public]  # it need not be asked again
        return True

    def is_over(self, public: str, now: int) -> bool:
        """Whether the time has passed in which its holder had to come first, if nobody knows whether it did."""
        agent = self._hasty.get(public)
        return agent is not None and now > agent.until

    def refresh(self) -> frozenset[str]:
        """Read the list again if it changed; the names whose former key lets nobody in any more."""
        try:
            status = os.stat(self._folder)
            seen = (status.st_mtime_ns, status.st_ino)
        except FileNotFoundError:
            seen = None
        if seen == self._seen and not self._is_mended():
            return frozenset()
        read = dict(_agents(self._folder))
        # The kernel's clock for files ticks coarsely: a second change within the tick would look like none.
        fresh = seen is not None and time.time_ns() - seen[0] < TICK_NS
        before, self._seen = self._names, (0, 0) if fresh else seen
        found = [one for one in read.values() if isinstance(one, Agent)]
        self._names = {one.public: one.name for one in found}
        self._hasty = {one.public: one for one in found if one.until}
        self._places = frozenset(one.name for one in found if one.place)
        self._faulty = tuple(name for name, one in read.items() if isinstance(one, KeysFault))
        self.faults = tuple(str(read[name]) for name in self._faulty)
        return frozenset(name for key, name in before.items() if self._names.get(key) != name)

    def _is_mended(self) -> bool:
        """Whether a file that could not be used can be: another mode of it, or a disk that is well, leaves no trace."""
        for name in self._faulty:
            with contextlib.suppress(KeysFault):
                if _agent(self._folder / (name + SUFFIX), name) is not None:
                    return True
        return False

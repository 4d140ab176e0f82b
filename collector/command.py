"""``guardia enroll``, ``agents``, ``revoke`` and ``keys``: who may speak to this hub."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bus import enrolled, home, joining, rooms, timing
from bus.addresses import is_host
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError, Settings
from bus.enrolled import Agent
from bus.exits import STOPPED, WRONG
from bus.faults import in_words
from bus.keys import KeyPair, KeysFault, fingerprint, new
from bus.tables import Bus, each, is_loopback, is_wildcard
from collector import roster
from collector.config import HOST_FORM


def enroll(argv: Sequence[str]) -> int:
    """``guardia enroll NAME``: let an agent in, and print the line that makes its host join."""
    parser = _parser("enroll", "Let an agent in, and print the line to paste on its host.")
    parser.add_argument("name", help="the host's name on this hub")
    parser.add_argument("--key", metavar="PUBLIC", help="the key that guardia agent --request printed on the host")
    parser.add_argument("--again", action="store_true", help="in place of its former key, which ends at once")
    parser.add_argument("--place", action="store_true", help="a prober: it may tell how services are, as no host may")
    parser.add_argument(
        "--valid", metavar="TIME", default="24h", help="how long the line may wait, as 1h or 7d (default: 24h)"
    )
    parser.add_argument("--hub", metavar="HOST", help="where the host finds this hub (default: [collector] known_as)")
    return _obeyed("enroll", parser, argv, _enroll)


def agents(argv: Sequence[str]) -> int:
    """``guardia agents``: who may speak, since when, and who was last heard from where."""
    parser = _parser("agents", "Who may speak to this hub.")
    parser.add_argument("--json", action="store_true", help="the same as JSON; times in seconds since 1970")
    return _obeyed("agents", parser, argv, _agents)


def revoke(argv: Sequence[str]) -> int:
    """``guardia revoke NAME``: refuse an agent from now on, also on connections it has."""
    parser = _parser("revoke", "Refuse an agent's key within a second.")
    parser.add_argument("name")
    return _obeyed("revoke", parser, argv, _revoke)


def keys(argv: Sequence[str]) -> int:
    """``guardia keys``: the hub's own key; ``guardia keys rotate`` makes another."""
    parser = _parser("keys", "The hub's own key.")
    parser.add_argument("what", nargs="?", choices=("show", "rotate"), default="show", help="rotate: make another")
    return _obeyed("keys", parser, argv, _keys)


AT_HOME = "keys are files on the hub's machine; call it there"
Deed = Callable[[argparse.Namespace, Settings, Path], None]


def _parser(word: str, description: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"guardia {word}", description=description, at_home=AT_HOME)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    return parser


def _obeyed(word: str, parser: argparse.ArgumentParser, argv: Sequence[str], deed: Deed) -> int:
    given = parser.parse_args(argv)
    os.umask(0o077)
    try:
        path = home.config_path(given.config, os.environ)
        settings = rooms.load(path, needs=rooms.needs("collector"))
        deed(given, settings, home.made(home.home_path(path, os.environ)))
    except (ConfigError, KeysFault) as error:
        print(f"guardia {word}: {in_words(error)}", file=sys.stderr)
        return WRONG
    return STOPPED


def _enroll(given: argparse.Namespace, settings: Settings, folder: Path) -> None:
    bus: Bus = settings["bus"]
    if given.hub and not is_host(given.hub):
        raise KeysFault(f"--hub {given.hub}: {HOST_FORM}; ports stand in [bus] door and receipts")
    door, receipts = addresses(bus, given.hub or settings["collector"].known_as)
    made = None if given.key else new()
    public = made.public if made else given.key
    first = not enrolled.in_use(folder)
    now = time.time_ns()
    until = now + int(_valid(given.valid) * 1e9)
    agent = enrolled.admit(folder, given.name, public, now, again=given.again, until=until, place=given.place)
    hub = enrolled.hub_key(folder)
    print(joining.to_line(_line(agent, door, receipts, hub, made)))
    for note in _notes(given, bus, door, hub, first=first):
        print(note, file=sys.stderr)


def _line(agent: Agent, door: str, receipts: str, hub: KeyPair, made: KeyPair | None) -> joining.Join:
    return joining.Join(
        agent.name, door, receipts, hub.public, agent.public, made.secret if made else None, agent.until
    )


def _valid(words: str) -> float:
    try:
        found = timing.seconds(words)
    except ValueError:
        found = 0.0
    if not 60 <= found <= 366 * 86_400:
        raise KeysFault(f"--valid {words}: a time between 1m and 366d, as 30m, 1h or 7d")
    return found


def _notes(given: argparse.Namespace, bus: Bus, door: str, hub: KeyPair, *, first: bool) -> list[str]:
    joins = "guardia prober --config etc/prober/guardia.toml --join -" if given.place else "guardia agent --join -"
    notes = [
        f"On the host that is to be {given.name} type: {joins}    and paste the line above.",
        f"It leads to {door}; this hub's key has the fingerprint {fingerprint(hub.public)}.",
        f"The host has to come within {timing.in_words(_valid(given.valid))}; then the line is of no use any more.",
    ]
    if not given.key:
        notes.append("The line holds the host's secret key: pass it on as you would a password. It is not shown again.")
    if first:
        notes.append("From now on only enrolled agents are let in. This host's own agent needs no key.")
    if all(map(is_loopback, each(bus.door))):
        notes.append(
            "The hub listens on loopback only. To let hosts come without a tunnel, set in [bus] keys = true and "
            'door = "tcp://0.0.0.0:PORT", the same for receipts, and start the collector anew.'
        )
    return notes


def addresses(bus: Bus, known_as: str) -> tuple[str, str]:
    """The doors and the receipts' roads as other hosts are to find them."""
    doors, receipts = (",".join(_as_found(one, known_as) for one in each(road)) for road in (bus.door, bus.receipts))
    return doors, receipts


def _as_found(address: str, known_as: str) -> str:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    named = known_as or (socket.getfqdn() if is_wildcard(address) else host)
    if ":" in named and not named.startswith("["):
        named = f"[{named}]"
    return f"tcp://{named}:{port}"


def _agents(given: argparse.Namespace, settings: Settings, folder: Path) -> None:
    now = time.time_ns()
    found = roster.roster(folder, now)
    if given.json:
        print(json.dumps(roster.as_object(found), indent=2))
        return
    if text := roster.as_text(found, now):
        print(text)
    for fault in found.faults:
        print(fault, file=sys.stderr)


def _revoke(given: argparse.Namespace, settings: Settings, folder: Path) -> None:
    enrolled.revoke(folder, given.name)
    left = len(enrolled.agents(folder))
    print(f"{given.name} is let in no longer, also where it is connected; {left} left")


def _keys(given: argparse.Namespace, settings: Settings, folder: Path) -> None:
    if given.what == "rotate":
        if not enrolled.in_use(folder):  # a new one would turn away all who get in without
            raise KeysFault("this hub has no key that could be changed: guardia enroll makes the first one")
        hub = enrolled.rotate(folder)
        print(f"The hub's new key has the fingerprint {fingerprint(hub.public)}.")
        for name, agent in enrolled.agents(folder).items():
            if isinstance(agent, Agent):
                print(f"{name} cannot reach the hub until it joins anew: guardia enroll {name} --again")
        print("What agents measure meanwhile waits on their disks.")
    elif enrolled.in_use(folder):
        hub = enrolled.hub_key(folder)
        print(f"{hub.public}  {fingerprint(hub.public)}")
    else:
        print("This hub has no key: guardia enroll makes one.")

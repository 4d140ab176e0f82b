"""The one line that brings a new agent and its hub together, as text and back; and what an agent keeps of it.

A line is ``guardia1_`` and the base64 (for URLs, without padding) of a msgpack list and its checksum:

    [2, name, doors, receipts, hub's public key, agent's secret key or nothing, agent's public key, until]
    4 bytes: blake2b of the list's bytes

A hub with several collectors has several doors and receipts' roads, with commas between them.
After ``until`` (ns since 1970; 0: never) the hub lets in nobody with that key who was not there before.
Lines of version 1 have none. Without the secret key the line is for an agent that made its own
(``guardia agent --request``), and no secret.

An agent keeps in ``{home}/keys`` its own key (``agent.key``) and its hub (``hub.json``'s three words and its name).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from _blake2 import blake2b
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from bus.keys import (
    BYTES,
    KeyPair,
    KeysFault,
    as_bytes,
    as_text,
    is_key,
    new,
    of_secret,
    read_pair,
    read_private,
    write_pair,
    write_private,
)
from bus.messages import HUB, is_name
from bus.tables import each

PREFIX = "guardia1_"
CHECKED = 4
MAX_LINE = 2000
ADDRESS = re.compile(r"tcp://[^\s/]{1,255}:[1-9]\d{0,4}")
MANGLED = "the line is mangled: copy all of it once more, from guardia1_ to its end, as one line without breaks"


@dataclass(frozen=True, slots=True)
class Join:
    """Where an agent's hub is, by which key it is known, and who the agent is there."""

    name: str
    door: str
    receipts: str
    hub: str
    public: str
    secret: str | None = field(default=None, repr=False)
    until: int = 0
    """ns since 1970 by which it has to be used; 0: it is valid for ever."""


@dataclass(frozen=True, slots=True)
class Membership:
    """What an agent keeps: its hub, its name there, and its own key."""

    name: str
    door: str
    receipts: str
    hub: str
    own: KeyPair


def to_line(join: Join) -> str:
    """The line to paste."""
    secret = b"" if join.secret is None else as_bytes(join.secret)
    public = as_bytes(join.public)
    data = msgpack.packb([2, join.name, join.door, join.receipts, as_bytes(join.hub), secret, public, join.until])
    return PREFIX + base64.urlsafe_b64encode(data + _sum(data)).decode().rstrip("=")


def from_line(text: str) -> Join:
    """What a pasted line says; blanks and line ends within it do not matter. Raises ``KeysFault``."""
    line = "".join(text.split())
    if not line.startswith(PREFIX):
        begins = re.match(r"guardia(\d+)_", line)
        if begins:
            raise KeysFault(f"the line is of version {begins[1]}, and this Guardia knows version 1: update it")
        raise KeysFault(f"that is no line of guardia enroll: those begin with {PREFIX}")
    if len(line) > MAX_LINE:
        raise KeysFault(MANGLED)
    body = line.removeprefix(PREFIX)
    try:
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise KeysFault(MANGLED) from None
    data, checked = data[:-CHECKED], data[-CHECKED:]
    if not data or checked != _sum(data):
        raise KeysFault(MANGLED)
    try:
        found = msgpack.unpackb(data, max_array_len=16, max_map_len=0, max_str_len=MAX_LINE)
    except ValueError:
        raise KeysFault(MANGLED) from None
    return _join(found)


def _join(found: Any) -> Join:
    """The checked parts of a line; whoever made it may be nobody of ours."""
    kinds = [int, str, str, str, bytes, bytes, bytes]
    known = type(found) is list and found and {1: kinds, 2: [*kinds, int]}.get(found[0], kinds)
    if not known or [type(part) for part in found] != known or found[0] not in (1, 2):
        raise KeysFault("the line is of another version than this Guardia knows: update it")
    _, name, door, receipts, hub, secret, public, until = found if found[0] == 2 else [*found, 0]
    if not is_name(name) or name.startswith(HUB):
        raise KeysFault(f"{name[:40]!r} in the line is no name for a host")
    if not _lead_somewhere(door, receipts):
        raise KeysFault("the addresses in the line are none of a hub")
    if len(hub) != BYTES or len(public) != BYTES or len(secret) not in (0, BYTES):
        raise KeysFault("the keys in the line are none")
    own = as_text(secret) if secret else None
    if own is not None and of_secret(own).public != as_text(public):
        raise KeysFault("the keys in the line do not belong together")
    return Join(name, door, receipts, as_text(hub), as_text(public), own, until)


def _lead_somewhere(door: str, receipts: str) -> bool:
    """Whether these are doors and as many receipts' roads."""
    doors, roads = each(door), each(receipts)
    return len(doors) == len(roads) and all(ADDRESS.fullmatch(one) for one in (*doors, *roads))


def in_time(join: Join, now: int) -> None:
    """Raises ``KeysFault`` when the line is too old, as this host's clock goes."""
    if join.until and now > join.until:
        end, here = (time.strftime("%Y-%m-%d %H:%M", time.localtime(at / 1e9)) for at in (join.until, now))
        raise KeysFault(
            f"the line was valid until {end}, and by this machine's clock it is {here}; where that is right, "
            f"type on the hub: guardia enroll {join.name} --again"
        )


def request(home: Path) -> KeyPair:
    """The agent's own key, made if there is none; its public half is what the hub has to be told."""
    path = home / "keys" / "agent.key"
    if pair := read_pair(path):
        return pair
    write_pair(path, new(), replace=False)
    pair = read_pair(path)
    assert pair is not None
    return pair


def keep(home: Path, join: Join) -> None:
    """Keep what the line says for every later start; raises ``KeysFault``."""
    path = home / "keys" / "agent.key"
    if (hub := home / "keys" / "hub.key").exists():
        raise KeysFault(
            f"this is a hub itself, whose own agent needs no line: paste it on the host that is to be {join.name} "
            f"(where {hub} is of a hub that is no more, remove it)"
        )
    if join.secret is not None:
        write_pair(path, of_secret(join.secret))
    else:
        own = read_pair(path)
        if own is None or own.public != join.public:
            raise KeysFault(
                "the line is for an agent with another key; type: guardia agent --request, and have that key enrolled"
            )
    found = {"name": join.name, "door": join.door, "receipts": join.receipts, "hub": join.hub}
    write_private(home / "keys" / "hub.json", json.dumps(found, indent=1) + "\n")


def membership(home: Path) -> Membership | None:
    """What the agent of this home was joined to; None: nothing. Raises ``KeysFault``."""
    path = home / "keys" / "hub.json"
    text = read_private(path)
    if text is None:
        return None
    own = read_pair(home / "keys" / "agent.key")
    if own is None:
        raise KeysFault(f"{home / 'keys' / 'agent.key'} is gone: have this host enrolled again")
    try:
        found = json.loads(text)
        member = Membership(found["name"], found["door"], found["receipts"], found["hub"], own)
        if not is_key(member.hub) or not is_name(member.name) or not _lead_somewhere(member.door, member.receipts):
            raise ValueError("no key, no name or no address")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeysFault(f"{path} is damaged: have this host enrolled again") from None
    return member


def _sum(data: bytes) -> bytes:
    return blake2b(data, digest_size=CHECKED).digest()

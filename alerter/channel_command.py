"""``guardia channel``: the ways to tell somebody that are configured, and a try of one of them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence

from alerter.channels import CHANNELS
from alerter.channels.common import Channel, scrubbed, secrets_of
from alerter.incidents import FIRING, Incident
from alerter.letters import TEST, Item, Letter, item_key
from alerter.outbox import Delivered, Outcome, Part, parts
from alerter.routes import Notify
from alerter.speaking import carrier
from bus import home, hubs, rooms
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError
from bus.faults import did_you_mean, listed
from bus.terminal import aligned

TOLD, NOT_TOLD, WRONG = 0, 1, 100
AT_HOME = "channels and their secrets are in the configuration on the hub's machine; call it there"


def channels(argv: Sequence[str]) -> int:
    """The channels that are configured."""
    parser = _parser("channel list", "The channels that are configured, and what they are for.")
    given = parser.parse_args(argv)
    found = _settings(given)
    if found is None:
        return WRONG
    notify, named = found
    words = {place.rpartition(":")[2]: word for word, place in CHANNELS.items()}
    rows = [
        (name, words[type(one).__name__], one.severity, one.fallback, "yes" if name in notify.channels else "")
        for name, one in named.items()
    ]
    if given.json:
        keys = ("name", "type", "severity", "fallback")
        print(json.dumps({"channels": [dict(zip(keys, row, strict=False)) for row in rows]}, indent=2))
    elif rows:
        print(aligned([("NAME", "TYPE", "FROM SEVERITY", "FALLBACK", "NAMED IN [notify]"), *rows]))
    else:
        print("no channel is configured: nobody is told; see [channels.NAME] in docs/channels.md")
    return TOLD


def test(argv: Sequence[str]) -> int:
    """Tell one channel that this is a test; 0 when the receiver took it."""
    parser = _parser("channel test", "Send a notice that says it is a test, past the outbox: one attempt, its outcome.")
    parser.add_argument("name")
    given = parser.parse_args(argv)
    found = _settings(given)
    if found is None:
        return WRONG
    notify, named = found
    channel = named.get(given.name)
    if channel is None:
        known = f"one of {listed(named)}" if named else "a table [channels.NAME] in the configuration"
        near = did_you_mean(given.name, named)
        text = f"there is no channel {given.name!r}; {near or f'expected {known}'}"
        print(f"guardia channel: {text}", file=sys.stderr)
        return WRONG
    began = time.monotonic()
    outcome = channel.tell(letter(given.name, time.time_ns(), notify.link), carrier(notify))
    text, seconds = said(channel, outcome), time.monotonic() - began
    if given.json:
        told = isinstance(outcome, Delivered)
        print(json.dumps({"channel": given.name, "delivered": told, "detail": text, "seconds": round(seconds, 3)}))
    else:
        print(f"{given.name}: {text}, after {seconds:.2f} s")
    return TOLD if isinstance(outcome, Delivered) else NOT_TOLD


def said(channel: Channel, outcome: Outcome) -> str:
    """The outcome in words without secrets."""
    return scrubbed("; ".join(map(_said, parts(outcome))), secrets_of(channel))


def _said(part: Part) -> str:
    if isinstance(part, Delivered):
        return f"delivered ({part.detail})" if part.detail else "delivered"
    return f"not told: {part.why}"


def letter(name: str, now: int, link: str = "") -> Letter:
    """A notice that says what it is."""
    incident = Incident(
        id=f"test{now:x}",
        rule="channel-test",
        kind="hub",
        subject="guardia",
        display="Guardia",
        instance="",
        severity="info",
        state=FIRING,
        transition=1,
        started_at=now,
        changed_at=now,
        value=None,
        threshold=None,
        reason="this is a test, nothing is wrong",
    )
    item = Item(item_key(incident, TEST, name), name, TEST, now, incident)
    return Letter(item.key, (item,), link=link)


def _settings(given: argparse.Namespace) -> tuple[Notify, Mapping[str, Channel]] | None:
    try:
        settings = rooms.load(home.config_path(given.config, os.environ), needs=("notify",))
    except ConfigError as error:
        hubs.refused(error, "guardia channel")
        return None
    return settings["notify"], settings["channels"]


def _parser(name: str, what: str) -> argparse.ArgumentParser:
    parser = Parser(prog=f"guardia {name}", description=what, at_home=AT_HOME)
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser

"""How an item is said: the words and numbers that all channels share. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from alerter import templates
from alerter.incidents import Incident
from alerter.letters import ACKNOWLEDGED, DRILL, ESCALATION, RECOVERY, REMINDER, TEST, Item, Letter
from alerter.machine import in_words

EMOJI = {"critical": "🔴", "warning": "🟠", "info": "🔵"}
GREEN, SEEN, BELL = "🟢", "👀", "🔔"
WHAT = {
    RECOVERY: "recovery",
    REMINDER: "reminder",
    ESCALATION: "escalation",
    ACKNOWLEDGED: "acknowledged",
    TEST: "test",
    DRILL: "drill",
}
MOST_LINES = 30
"""So many things are told with their reasons in one letter, a line each."""
ROOM = 2800
"""Characters that every chat takes of a letter of several."""
ROOM_BYTES = 3900
"""And bytes, in UTF-8, of which other letters than Latin ones take two to four each."""
_STATE = re.compile(r"\bservice\.(?:state|status) is (\w+)")
"""As ``alerter.wording`` says it, before the words of the check, which may say anything."""
_BESIDE = re.compile(r"\b(tls\.days|response\.ms|(check|phase)\.\w+|places\(degraded\))")
"""What a rule looks at that says of no service that it does not answer."""


def time_text(ns: int) -> str:
    """An instant as clients read it: UTC, milliseconds."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ns // 1_000_000 % 1000:03d}Z"


def what(item: Item) -> str:
    """alert, recovery, reminder and so on."""
    return WHAT.get(item.about, "alert")


def emoji(item: Item) -> str:
    """A mark that is seen from afar."""
    if item.about in (TEST, DRILL):
        return BELL
    if item.about == ACKNOWLEDGED:
        return SEEN
    return GREEN if item.about == RECOVERY else EMOJI.get(item.incident.severity, EMOJI["warning"])


def duration(item: Item) -> str:
    """How long it has lasted when this was decided."""
    return in_words(max(0, (item.incident.ended_at or item.at) - item.incident.started_at))


def place(item: Item) -> str:
    """What it is about: ``web-1 [/var]``."""
    incident = item.incident
    return f"{incident.display or incident.subject}{f' [{incident.instance}]' if incident.instance else ''}"


def status(incident: Incident) -> str:
    """A service's status in the words of those who knew the first Guardia: up, degraded or down.

    While an incident fires it is never up, which receivers take for its end.
    """
    if not incident.firing:
        return "up"
    if found := _STATE.search(incident.reason):
        return "degraded" if found[1] in ("degraded", "up") else "down"
    return "degraded" if _BESIDE.search(incident.reason) else "down"


def title(item: Item) -> str:
    """One line without markup."""
    incident = item.incident
    rest = {
        RECOVERY: f"is over after {duration(item)}",
        REMINDER: f"still firing after {duration(item)}",
        ESCALATION: f"unacknowledged for {duration(item)}",
        TEST: "a test notice",
        DRILL: "a drill",
    }.get(item.about, incident.severity)
    if item.about == ACKNOWLEDGED and incident.acknowledged:
        rest = f"acknowledged by {incident.acknowledged.owner}"
    return f"{emoji(item)} {place(item)}: {incident.rule}: {rest}"


def text(item: Item, link: str = "") -> str:
    """The sentences below the title, without markup."""
    incident = item.incident
    lines = [incident.reason]
    if incident.flapping:
        lines.append("It comes and goes.")
    if item.about == ACKNOWLEDGED and incident.acknowledged and incident.acknowledged.note:
        lines.append(incident.acknowledged.note)
    if incident.error and incident.error not in incident.reason:
        lines.append(incident.error)
    lines.append(advice(item))
    lines += [incident.url, f"since {time_text(incident.started_at)}", address(item, link)]
    return "\n".join(line for line in lines if line)


def advice(item: Item) -> str:
    """What to do, as its rule says; nothing where nothing is to be done any more, or somebody is at it."""
    return "" if item.about in (RECOVERY, ACKNOWLEDGED) else item.incident.advice


def advised(item: Item) -> dict[str, str]:
    """The advice as a receiver of JSON is told it, where there is any."""
    return {"advice": words} if (words := advice(item)) else {}


def address(item: Item, link: str) -> str:
    """Where people see the incident."""
    return f"{link.rstrip('/')}/#alerts/{item.incident.id}" if link else ""


def head(letter: Letter) -> str:
    """The title of a letter: its one item's, or a count of its items."""
    if letter.alone:
        return title(letter.first)
    counts = Counter(what(item) for item in letter.items)
    worst = max(letter.items, key=lambda item: "🟢👀🔔🔵🟠🔴".index(emoji(item)))
    names = {"alert": "alarm", "recovery": "recovery", "reminder": "reminder"}
    told = ", ".join(f"{count} {_many(names.get(word, word), count)}" for word, count in counts.items())
    return f"{emoji(worst)} {told}"


def lines(letter: Letter) -> list[str]:
    """A line for each item of a letter of several, or for each rule where that is too much; all are named."""
    items = letter.items
    room = ROOM // len(items)
    if len(items) <= MOST_LINES and all(_size(title(item)) < room for item in items):
        return [_within(f"{title(item)} ({item.incident.reason})", room) for item in items]
    found: dict[str, list[str]] = {}
    for item in items:
        found.setdefault(_rule(item), []).append(place(item))
    return [f"{rule}: {', '.join(places)}" for rule, places in found.items()]


def fitting(items: Sequence[Item]) -> int:
    """How many of the items a letter of several can name, at least one."""
    rules, room = set[str](), ROOM
    for count, item in enumerate(items):
        rule = _rule(item)
        room -= _size(place(item)) + 2 + (0 if rule in rules else _size(rule) + 2)
        rules.add(rule)
        if room < 0:
            return max(1, count)
    return len(items)


def _rule(item: Item) -> str:
    return f"{emoji(item)} {item.incident.rule} {what(item)}"


def _size(text: str) -> int:
    """How much of ``ROOM`` a text takes: its characters, or what its bytes take of ``ROOM_BYTES`` if that is more."""
    return max(len(text), -(-len(text.encode("utf-8", "replace")) * ROOM // ROOM_BYTES))


def _within(text: str, most: int) -> str:
    if _size(text) <= most:
        return text
    told = text[: most - 1].encode("utf-8", "replace")
    return told[: most * ROOM_BYTES // ROOM - len("…".encode())].decode(errors="ignore") + "…"


def _many(word: str, count: int) -> str:
    if count == 1 or word in ("acknowledged", "escalation"):
        return word
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def body(letter: Letter) -> str:
    """The text below the head."""
    return text(letter.first, letter.link) if letter.alone else "\n".join(lines(letter))


def fields(item: Item, link: str = "") -> dict[str, str]:
    """What a template may show."""
    incident = item.incident
    number = {name: "" if value is None else f"{value:.6g}" for name, value in
              (("value", incident.value), ("threshold", incident.threshold))}  # fmt: skip
    found = {
        "what": what(item),
        "emoji": emoji(item),
        "severity": incident.severity,
        "state": incident.state,
        "kind": incident.kind,
        "subject": incident.subject,
        "display": incident.display or incident.subject,
        "rule": incident.rule,
        "instance": incident.instance,
        "reason": incident.reason,
        "url": incident.url,
        "error": incident.error,
        "advice": advice(item),
        "started": time_text(incident.started_at),
        "duration": duration(item),
        "link": address(item, link),
        "id": incident.id,
        **number,
    }
    assert found.keys() == templates.FIELDS.keys()
    return found

"""What waits for each channel, as rows of the outbox. Pure; the transaction is handed in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from alerter.letters import LEFT, RANKS, RECOVERY, Item, Letter, Told, read_item, read_told
from alerter.memory import Transaction
from alerter.outbox import to_hand_over
from alerter.recording import read_incident


def waiting(view: Transaction, channel: str, most: int) -> list[Item]:
    """In their order the first of each severity, and the first of what some receivers have already."""
    lines = (*(str(rank) for rank in RANKS), LEFT)
    found = [item for line in lines for item in islice(_items(view, f"{channel}/{line}"), most)]
    return sorted(found, key=lambda item: item.order)


def unheard(view: Transaction, channel: str, most: int, passed: dict[str, str]) -> list[Item]:
    """The first of each severity of which the channel's fallback did not hear, however many stand before them.

    ``passed``: by severity, the row up to which it heard of all; it is brought up to date.
    """
    found: list[Item] = []
    for line in (f"{channel}/{rank}" for rank in RANKS):
        here: list[Item] = []
        for row, value in view.items("outbox", line, passed.get(line, "")):
            item = read_item(value)
            here += to_hand_over([item]) if item else ()
            if not here:
                passed[line] = row
            if len(here) == most:
                break
        found += here
    return found


def begun(view: Transaction, letter: Letter) -> Letter:
    """The letter as it goes out, under its key: what none can have yet has the severity and the labels of now."""
    # Of what an earlier life began, and did not end, nobody knows whether it arrived.
    items = (
        replace(item, maybe=True) if item.letter else replace(_renewed(view, item), letter=letter.key)
        for item in letter.items
    )
    return replace(letter, items=tuple(items))


def _renewed(view: Transaction, item: Item) -> Item:
    was, now = item.incident, read_incident(view.get("incidents", item.incident.id))
    if now is None:
        return item
    was = replace(was, severity=now.severity, labels=now.labels, channels=now.channels, advice=now.advice)
    return replace(item, incident=was)


def ends(view: Transaction, channel: str, incidents: Collection[str]) -> list[Item]:
    """That these are over, which waits to be told to the channel."""
    lines = (f"{channel}/{rank}" for rank in RANKS if incidents)
    items = (item for line in lines for item in _items(view, line))
    found = (item for item in items if item.about == RECOVERY and item.incident.id in incidents)
    return list(islice(found, len(incidents)))


def oldest(view: Transaction, channel: str) -> int | None:
    """Since when (ns) the oldest waits; None: nothing does."""
    lines = (f"{channel}/{left}{rank}" for left in ("", LEFT) for rank in RANKS)
    firsts = (next(_items(view, line), None) for line in lines)
    return min((item.at for item in firsts if item is not None), default=None)


def told_of(view: Transaction, items: Iterable[Item], channel: str) -> dict[str, Told]:
    """What the channel was told of what the items are about, by incident."""
    found = {}
    for incident in {item.incident.id for item in items}:
        told = read_told(view.get("told", f"{incident}/{channel}") or {})
        if told is not None:
            found[incident] = told
    return found


def _items(view: Transaction, prefix: str) -> Iterator[Item]:
    items = (read_item(value) for _, value in view.items("outbox", prefix))
    return (item for item in items if item is not None)

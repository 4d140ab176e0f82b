"""What must hold at the end of a history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bus.wire import read
from tests.bus.simulation.disk import Account, Numbered
from tests.bus.simulation.hub import HubDisk


@dataclass
class Past:
    """A history as the checker sees it: what hosts accepted, and what the hub has in the end."""

    accounts: dict[str, Account]
    disk: HubDisk
    ever: set[bytes]
    restored: int
    twice: Sequence[tuple[str, int, int]] = ()
    stuck: Sequence[str] = ()


@dataclass
class Verdict:
    """What was found; ``faults`` is empty when all is well."""

    accepted: int = 0
    stored: int = 0
    declared: int = 0
    excused: int = 0
    faults: list[str] = field(default_factory=list)


def check(past: Past) -> Verdict:
    """Every accepted message is stored, or in a declared gap, or was in a spool that was wiped."""
    verdict = Verdict(stored=len(past.disk.rows))
    verdict.faults += [f"stuck: {name}" for name in past.stuck]
    verdict.faults += [f"stored twice: {key}" for key in past.twice]
    held = set(past.disk.rows.values())
    quarantined = past.disk.quarantine
    for source, account in past.accounts.items():
        for (epoch, number), packed in account.lives:
            verdict.accepted += 1
            body = read(packed)[0].body
            gaps = past.disk.ledger.get((source, epoch))
            declared = gaps is not None and number in gaps
            if body in held:
                if declared and past.disk.rows.get((source, epoch, number)) == body:
                    verdict.faults.append(f"declared gone, but stored: {source} {number}")
            elif (source, epoch, number) in quarantined:
                verdict.excused += 1
            elif declared:
                verdict.declared += 1
            elif packed in account.excused and (body not in past.ever or past.restored):
                verdict.excused += 1
            else:
                was = "stored once" if body in past.ever else "never stored"
                verdict.faults.append(f"lost: {source} {epoch:x} {number} {body!r}, {was}")
        verdict.faults += _needless(source, account, past)
    verdict.faults += _doubles(past)
    return verdict


def _needless(source: str, account: Account, past: Past) -> Iterable[str]:
    """Gaps for which there was no reason: the spool had room, and the store never lost anything."""
    known: set[Numbered] = set(account.accepted)
    reasons = account.dropped | account.wiped
    if past.restored:
        reasons |= account.trimmed
    for (name, epoch), ranges in past.disk.ledger.items():
        if name != source:
            continue
        for first, last in ranges:
            for number in range(first, last + 1):
                key = (epoch, number)
                if key in known and key not in reasons:
                    yield f"declared gone without need: {source} {epoch:x} {number}"


def _doubles(past: Past) -> Iterable[str]:
    """Messages that stand under two numbers; only those that had to be numbered anew may."""
    seen: dict[bytes, tuple[str, int, int]] = {}
    for key, body in past.disk.rows.items():
        if body == b"poison":
            continue
        if body in seen and not past.accounts[key[0]].moved:
            yield f"stored under two numbers: {seen[body]} and {key}"
        seen[body] = key

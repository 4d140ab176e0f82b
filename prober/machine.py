"""The life of a service as one table: UP, DEGRADED, DOWN by counting checks, UNKNOWN where nobody could look. Pure.

``step`` takes a service's standing and what its last check found, and returns the standing after it, the change if
there was one, and why. ``python -m prober.machine`` prints the diagram that ``docs/services.md`` shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from prober.outcome import UNKNOWN

REMEMBERED = 20
"""Checks that are looked back on to see whether a service comes and goes."""


class State(StrEnum):
    """Where a service is in its life; ``NEW`` and ``BLIND`` are both told as unknown."""

    NEW = "new"
    """Nothing is known of it yet."""
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    BLIND = "blind"
    """It was known; now nobody can look."""

    @property
    def status(self) -> str:
        """The word that is told."""
        return UNKNOWN if self in (State.NEW, State.BLIND) else self.value


class Found(StrEnum):
    """What a check found."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Move(StrEnum):
    """What a finding does to a state."""

    STAY = "stays"
    """It is as it was: what spoke against it is forgotten."""
    COUNT = "counts"
    """It speaks for another state, which is taken after enough such checks in a row."""
    GO = "goes"
    """The state is what was found, at once."""
    HIDE = "cannot be seen"
    """Nobody could look; what was known and counted is kept for later."""
    RESUME = "is seen again"
    """The finding is judged by what was known before."""


_S, _F = State, Found
TABLE: dict[tuple[State, Found], Move] = {
    (_S.NEW, _F.UP): Move.GO,
    (_S.NEW, _F.DEGRADED): Move.COUNT,
    (_S.NEW, _F.DOWN): Move.COUNT,
    (_S.NEW, _F.UNKNOWN): Move.STAY,
    (_S.UP, _F.UP): Move.STAY,
    (_S.UP, _F.DEGRADED): Move.COUNT,
    (_S.UP, _F.DOWN): Move.COUNT,
    (_S.UP, _F.UNKNOWN): Move.HIDE,
    (_S.DEGRADED, _F.UP): Move.COUNT,
    (_S.DEGRADED, _F.DEGRADED): Move.STAY,
    (_S.DEGRADED, _F.DOWN): Move.COUNT,
    (_S.DEGRADED, _F.UNKNOWN): Move.HIDE,
    (_S.DOWN, _F.UP): Move.COUNT,
    (_S.DOWN, _F.DEGRADED): Move.COUNT,
    (_S.DOWN, _F.DOWN): Move.STAY,
    (_S.DOWN, _F.UNKNOWN): Move.HIDE,
    (_S.BLIND, _F.UP): Move.RESUME,
    (_S.BLIND, _F.DEGRADED): Move.RESUME,
    (_S.BLIND, _F.DOWN): Move.RESUME,
    (_S.BLIND, _F.UNKNOWN): Move.STAY,
}
RANK = {State.NEW: 0, State.UP: 0, State.DEGRADED: 1, State.DOWN: 2}


@dataclass(frozen=True, slots=True)
class Patience:
    """How often in a row a check has to fail (``grace``) or to be better (``recover``) before the state follows.

    ``flapping``: a service whose findings changed so often within the last ``REMEMBERED`` is called flapping, until
    they changed less than half as often.
    """

    grace: int = 1
    recover: int = 1
    flapping: int = 6


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a service. Times in ns."""

    state: State = State.NEW
    since: int = 0
    """When this state began."""
    known: State = State.NEW
    """While BLIND: the state before."""
    worse: int = 0
    """Checks in a row that were worse than the state."""
    better: int = 0
    last: str = ""
    """The last finding that was no unknown; empty: there was none."""
    turns: int = 0
    """Bits, the newest lowest: whether the finding differed from the one before it."""
    flapping: bool = False

    @property
    def status(self) -> str:
        """The word that is told."""
        return self.state.status


@dataclass(frozen=True, slots=True)
class Change:
    """A state that became another."""

    before: State
    after: State


def step(standing: Standing, found: Found, patience: Patience, now: int) -> tuple[Standing, Change | None, str]:
    """The standing after ``found``, what changed if its state did, and the reason in words."""
    seen = _looked_back(standing, found, patience)
    move = TABLE[seen.state, found]
    if move is Move.RESUME:
        seen = replace(seen, state=seen.known, known=State.NEW)
        move = TABLE[seen.state, found]
    after, reason = _moved(seen, found, move, patience)
    if after.state is standing.state:
        return replace(after, since=standing.since or now), None, reason
    return replace(after, since=now), Change(standing.state, after.state), reason


def _moved(seen: Standing, found: Found, move: Move, patience: Patience) -> tuple[Standing, str]:
    if move is Move.HIDE:
        return replace(seen, state=State.BLIND, known=seen.state), f"it was {seen.state} and cannot be seen"
    if move is Move.STAY and found is Found.UNKNOWN:
        return seen, "it cannot be seen"
    if move is Move.STAY:
        return replace(seen, worse=0, better=0), f"it is {found}"
    if move is Move.GO:
        return replace(seen, state=State(found), worse=0, better=0), f"it is {found}"
    if RANK[State(found)] > RANK[seen.state]:
        count, wanted, counted = seen.worse + 1, patience.grace, replace(seen, worse=seen.worse + 1, better=0)
    else:
        count, wanted, counted = seen.better + 1, patience.recover, replace(seen, better=seen.better + 1, worse=0)
    if count >= wanted:
        return replace(counted, state=State(found), worse=0, better=0), _times(found, count)
    return counted, f"{found} {count} of {wanted} times, still {seen.state.status}"


def _times(found: Found, count: int) -> str:
    return f"{found} {count} times in a row" if count > 1 else f"it is {found}"


def _looked_back(standing: Standing, found: Found, patience: Patience) -> Standing:
    if found is Found.UNKNOWN:
        return standing
    turned = bool(standing.last) and standing.last != found
    turns = (standing.turns << 1 | turned) & (1 << REMEMBERED) - 1
    changes = turns.bit_count()
    flapping = changes >= patience.flapping or (standing.flapping and 2 * changes >= patience.flapping)
    return replace(standing, last=found.value, turns=turns, flapping=flapping)


def diagram() -> str:
    """The table as a Mermaid state diagram: a line for each way from one state to another, with what leads there."""
    lines = ["stateDiagram-v2", "    [*] --> new"]
    ways: dict[tuple[State, str], list[str]] = {}
    for (state, found), move in TABLE.items():
        if move is Move.STAY:
            continue
        if move is Move.COUNT:
            words = "grace" if RANK[State(found)] > RANK[state] else "recover"
            ways.setdefault((state, found.value), []).append(f"{found} (after {words})")
        elif move is Move.HIDE:
            ways.setdefault((state, State.BLIND.value), []).append(found.value)
        elif move is Move.GO:
            ways.setdefault((state, found.value), []).append(found.value)
        else:
            ways.setdefault((state, "[as before]"), []).append(found.value)
    for (state, after), found_words in ways.items():
        target = after if after != "[as before]" else "before"
        lines.append(f"    {state} --> {target}: {', '.join(found_words)}")
    lines.append("    before: the state before it was blind, which judges the finding")
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(diagram() + "\n")

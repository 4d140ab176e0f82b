"""The life of a sender as one table, and the flags that may stand beside it. Pure."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a sender stands with its store."""

    NEW = "new"
    """Nothing was tried yet."""
    CONNECTING = "connecting"
    """There is no connection; messages are only spooled."""
    SYNCING = "syncing"
    """HELLO was said; the watermarks are awaited."""
    FLOWING = "flowing"
    """Messages go out within the window, receipts come back."""
    WAITING = "waiting"
    """No receipt came in time; HELLO is said again after a pause."""


class Event(Enum):
    """What may happen to a sender."""

    START = "start"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ANSWERED = "answered"
    """The HELLO was answered for every epoch that it listed."""
    STRANGER = "stranger"
    """A receipt came from a store that this sender has not spoken with: it was started or restored."""
    ADVANCED = "advanced"
    """A receipt moved a watermark."""
    SILENT = "silent"
    """Nothing was heard for as long as a receipt may take."""
    PAUSED = "paused"
    """The pause is over."""


def _row(**cells: State) -> dict[Event, State]:
    return {Event[name.upper()]: state for name, state in cells.items()}


_N, _C, _S, _F, _W = State.NEW, State.CONNECTING, State.SYNCING, State.FLOWING, State.WAITING

TABLE: dict[State, dict[Event, State]] = {
    _N: _row(start=_C, connected=_S, disconnected=_N, answered=_N, stranger=_N, advanced=_N, silent=_N, paused=_N),
    _C: _row(start=_C, connected=_S, disconnected=_C, answered=_C, stranger=_C, advanced=_C, silent=_C, paused=_C),
    _S: _row(start=_S, connected=_S, disconnected=_C, answered=_F, stranger=_S, advanced=_S, silent=_W, paused=_S),
    _F: _row(start=_F, connected=_S, disconnected=_C, answered=_F, stranger=_S, advanced=_F, silent=_W, paused=_F),
    _W: _row(start=_W, connected=_S, disconnected=_C, answered=_F, stranger=_S, advanced=_F, silent=_W, paused=_S),
}
"""The next state by state and event; every cell is filled."""


class Flag(Enum):
    """What may be true in any state."""

    REFUSED = "refused"
    """The hub refused this producer's key, or revoked it: it connects anew, ever more seldom."""
    HUB_FULL = "hub full"
    """The store's disk is full: new messages are shown once each, HELLO every 30 s asks for room."""
    SPOOL_FULL = "spool full"
    """The spool had no room: unacknowledged messages were dropped within the last ten minutes."""
    MEMORY = "memory"
    """The spool cannot be written: the newest messages are kept in memory only."""


def as_markdown() -> str:
    """The table as it stands in the manual."""
    events = list(Event)
    lines = [
        "| state | " + " | ".join(event.value for event in events) + " |",
        "|---" * (len(events) + 1) + "|",
    ]
    for state, row in TABLE.items():
        cells = ("" if row[event] is state else row[event].value for event in events)
        lines.append(f"| **{state.value}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)

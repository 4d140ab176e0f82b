"""The outbox's records: items, the letters to channels made of them, and what a channel was told so far. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from alerter.incidents import SEVERITIES, Incident
from bus.fields import Unfit, build, plain

ALARM, REMINDER, ESCALATION = "alarm", "reminder", "escalation"
ACKNOWLEDGED, RECOVERY, TEST, DRILL = "acknowledged", "recovery", "test", "drill"
FIRST = frozenset({ALARM, ESCALATION, TEST, DRILL})
"""What a channel hears first of an incident; everything else rests on one of these."""
MOST_SAID = 30
"""So many things said to a channel about one incident are remembered."""
NO, MAYBE, YES = "no", "maybe", "yes"
LEFT = "left/"
"""How keys in the outbox go on that are of what some receivers have already."""
SPAN = 10**15
"""More than is ever decided: an item's order is its number, and so much more for each graver severity that there is."""
RANKS = range(len(SEVERITIES))
"""0 is of what is gravest."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be said to one channel about one incident, as the incident was then.

    ``letter`` is the key of the letter that it goes out in, empty before the first attempt: from then on the letter
    stays as it is, so that a receiver who got it twice can tell. ``order`` is its place in the line: what is graver
    comes first, what is as grave as it was decided. All that is said of one incident is equally grave.
    """

    key: str
    channel: str
    about: str
    at: int
    incident: Incident
    order: int = 0
    letter: str = ""
    attempts: int = 0
    handed: bool = False
    """Whether the channel's fallback was told in its place."""
    left: tuple[str, ...] = ()
    """Of a channel's several receivers those that are still to be told; empty: all."""
    maybe: bool = False
    """Whether it may have arrived all the same at an earlier attempt: its letter stays as it is."""

    @property
    def rank(self) -> int:
        """How many severities are graver."""
        return self.order // SPAN

    @property
    def number(self) -> int:
        """Which of all that was ever decided it is."""
        return self.order % SPAN

    @property
    def row(self) -> str:
        """The item's key in the outbox: channel by channel, in their order; what some have already behind the rest."""
        return f"{self.channel}/{LEFT if self.left else ''}{self.order:016d}"


def order_of(number: int, severity: str) -> int:
    """The place in the line of what was decided as the ``number``-th; a severity that nobody knows is the gravest."""
    rank = RANKS[-1] - SEVERITIES.index(severity) if severity in SEVERITIES else 0
    return rank * SPAN + number


def item_key(incident: Incident, about: str, channel: str, number: int = 0) -> str:
    """The idempotency key: ``INCIDENT.TRANSITION.CHANNEL``, with what else is said of the same transition named."""
    more = {REMINDER: f"-reminder-{number}", ACKNOWLEDGED: "-acknowledged"}.get(about, "")
    return f"{incident.id}.{incident.transition}{more}.{channel}"


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes out in one attempt: one item, or several, those of one incident in the order in which they came.

    ``left``: of the channel's several receivers those that it goes to; empty: all. ``link`` is where people see the
    hub; empty: nowhere.
    """

    key: str
    items: tuple[Item, ...]
    left: tuple[str, ...] = ()
    link: str = ""

    @property
    def first(self) -> Item:
        """The item, or the first of several."""
        return self.items[0]

    @property
    def alone(self) -> bool:
        """Whether it speaks of one thing only."""
        return len(self.items) == 1


@dataclass(frozen=True, slots=True)
class Said:
    """What became of one thing that was to be said."""

    at: int
    about: str
    transition: int
    outcome: str
    """waiting, delivered, later, never or withdrawn."""
    attempts: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel was told of one incident. ``transition`` 0: nothing yet.

    ``reached``: whether anything of it arrived: yes, no, or maybe where no answer came.
    """

    incident: str
    channel: str
    subject: str = ""
    transition: int = 0
    first_at: int = 0
    spoken_at: int = 0
    reminders: int = 0
    acknowledged: bool = False
    recovered: bool = False
    reached: str = NO
    said: tuple[Said, ...] = ()
    severity: str = ""
    """With which it was told of first; empty in rows of earlier versions."""

    @property
    def row(self) -> str:
        """Its key in the table."""
        return f"{self.incident}/{self.channel}"

    @property
    def open(self) -> bool:
        """Whether the channel was told of the alarm and not yet of its end."""
        return self.transition > 0 and not self.recovered

    def past(self, now: int) -> Told:
        """With no time that is still to come: the clock was set back while nobody looked."""
        if max(self.first_at, self.spoken_at) <= now:
            return self
        return replace(self, first_at=min(self.first_at, now), spoken_at=min(self.spoken_at, now))

    def refused_before(self, at: int) -> bool:
        """Whether nothing of it arrived, and the channel refused it for good before then."""
        tried = [one for one in self.said if one.outcome != "withdrawn"]
        return self.reached == NO and bool(tried) and tried[-1].outcome == "never" and tried[-1].at < at

    def noted(self, said: Said) -> Told:
        """With one more thing said; a further attempt at the same takes the place of the one before."""
        known = self.said
        for place, one in enumerate(known):
            same = (one.about, one.transition) == (said.about, said.transition)
            if same and one.outcome in ("waiting", "later"):
                return replace(self, said=(*known[:place], said, *known[place + 1 :]))
        if len(known) >= MOST_SAID:
            known = (*known[:1], *known[2:])
        return replace(self, said=(*known, said))


def read_item(value: Any) -> Item | None:
    """The item of a row; None when it is of no known shape."""
    try:
        return build(Item, value)
    except Unfit:
        return None


def read_told(value: Any) -> Told | None:
    """What a row of the table ``told`` says; None when it is of no known shape."""
    try:
        return build(Told, value)
    except Unfit:
        return None


def as_row(record: Item | Told) -> dict[str, Any]:
    """The value that is kept."""
    return plain(record)  # type: ignore[no-any-return]

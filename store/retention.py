"""How long what is kept: by kind, by tier, by glob of subjects; what goes first when room is short; what it will take.

Pure. The first rule that matches a subject and says something of a tier decides, else the table ``[store]`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bus.timing import DAY
from store.keys import kinds
from store.spans import RAW, TIERS

YOUNG = frozenset({"sample", "processes"})
"""Kinds whose rows are kept as long as samples are; the others are kept as records."""
RECORDS = "records"
WAITING = 7 * DAY
"""So long rows of samples wait for the sealer beyond their time, where rollups are to be made of them."""
SAMPLE_DAYS = 7
"""A forecast looks at so many days."""
HOURS_SHARE = 0.75
"""A day takes so much of the room of its hours, which are coded in less time: 0.67 to 0.8, as its numbers are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """For subjects that match any of the globs: ns by tier (``raw``, ``1m``, ``5m``, ``1h``, ``records``)."""

    subjects: tuple[str, ...]
    keep: Mapping[str, int]

    def matches(self, subject: str) -> bool:
        """Whether it speaks of this subject."""
        return any(fnmatchcase(subject, glob) for glob in self.subjects)


@dataclass(frozen=True, slots=True)
class Retention:
    """``usual`` holds ns by tier."""

    usual: Mapping[str, int]
    rules: tuple[Rule, ...] = ()

    def keep(self, kind: str, tier: str, subject: str) -> int:
        """How long a subject's rows or rollups are kept, ns."""
        name = of_tier(kind, tier)
        for rule in self.rules:
            if name in rule.keep and rule.matches(subject):
                return rule.keep[name]
        return self.usual[name]

    def longest(self, kind: str, tier: str) -> int:
        """How long the longest kept subject is."""
        name = of_tier(kind, tier)
        return max([self.usual[name], *(rule.keep[name] for rule in self.rules if name in rule.keep)])

    def of_rows(self, *, waiting: bool = False) -> dict[str, int]:
        """How long the rows of each kind are kept at most, ns.

        ``waiting``: those of samples for longer, so that the sealer makes their rollups first, if there are to be any.
        """
        more = WAITING if waiting and any(tiers_kept(self).values()) else 0
        return {kind: self.longest(kind, RAW) + (more if kind == "sample" else 0) for kind in kinds()}

    def shortest(self, kind: str, tier: str) -> int:
        """How long the shortest kept subject is."""
        name = of_tier(kind, tier)
        return min([self.usual[name], *(rule.keep[name] for rule in self.rules if name in rule.keep)])

    def differs(self, kind: str, tier: str) -> bool:
        """Whether some subjects are kept longer than others."""
        name = of_tier(kind, tier)
        return any(rule.keep.get(name, self.usual[name]) != self.usual[name] for rule in self.rules)

    def over(self, kind: str, tier: str, subjects: Iterable[str], age: int) -> set[str]:
        """Of these subjects, those that are not kept any more at this age."""
        return {subject for subject in subjects if age >= self.keep(kind, tier, subject)}


@dataclass(frozen=True, slots=True)
class Held:
    """A file, and what it speaks for."""

    name: str
    kind: str
    tier: str
    start: int
    end: int
    bytes: int

    @property
    def joined(self) -> bool:
        """Whether it may be dropped: an hour of samples may not, before it or the day has its rollups."""
        return self.kind != "sample" or self.tier != RAW or self.end - self.start >= DAY


def past_time(
    files: Iterable[Held], retention: Retention, now: int, covered: Callable[[Held], bool] = lambda one: False
) -> list[Held]:
    """The files that nobody is to keep any more.

    An hour of samples goes when it has rollups of its own, which ``covered`` says, or when none are kept.
    """
    rolled_up = any(tiers_kept(retention).values())
    past = [one for one in files if now - one.end >= retention.longest(one.kind, one.tier)]
    return [one for one in past if one.joined or not rolled_up or covered(one)]


def for_room(files: Iterable[Held], retention: Retention, now: int, wanted: int) -> list[Held]:
    """The files to drop so that so many bytes get free: those that are nearest to their end, by the rules.

    What lived through most of its time goes first, so that each tier and kind loses the same share.
    """
    found: list[Held] = []
    freed = 0
    past = [one for one in files if one.joined and one.end + DAY <= now]
    for one in sorted(
        past, key=lambda one: ((one.end - now) / max(retention.longest(one.kind, one.tier), 1), one.name)
    ):
        if freed >= wanted:
            break
        found.append(one)
        freed += one.bytes
    return found


def forecast(files: Sequence[Held], retention: Retention, now: int) -> dict[tuple[str, str], int]:
    """How many bytes each (kind, tier) takes when it has been kept for as long as it may, from what it took of late."""
    found: dict[tuple[str, str], int] = {}
    for kind, tier in {(one.kind, one.tier) for one in files}:
        of = sorted(
            (one for one in files if (one.kind, one.tier) == (kind, tier) and one.joined), key=lambda one: one.end
        )
        late = [one for one in of if one.end > of[-1].end - SAMPLE_DAYS * DAY] if of else []
        if not late:
            # Nothing is a day old: what there is stands for its own time.
            late = [one for one in files if (one.kind, one.tier) == (kind, tier)]
        span = sum(one.end - one.start for one in late)
        kept = retention.longest(kind, tier)
        rate = sum(one.bytes * (1 if one.joined or kept <= DAY else HOURS_SHARE) for one in late) / span
        found[kind, tier] = int(rate * kept)
    return found


def tiers_kept(retention: Retention) -> dict[str, int]:
    """How long each rollup is kept at most; 0: it is not made."""
    return {tier: retention.longest("sample", tier) for tier in TIERS}


def of_tier(kind: str, tier: str) -> str:
    """Under which name a rule says how long a kind's tier is kept."""
    return tier if tier != RAW or kind in YOUNG else RECORDS

"""Which letter of a channel goes out next, and what follows from an attempt. Pure.

Every channel has a queue of its own: graver things first, as grave ones in the order in which they were decided, and
in turn what waits for longest, so that nothing waits for ever. What an attempt came to is a value:
``Delivered``, ``Later``, ``Never``, or ``Partly`` where a channel has several receivers. The whole policy of trying
again is in this file: a wait that doubles from one second to five minutes with jitter, or as long as the receiver asks;
a fallback for what is refused for good; an end after a day. Who of several did not take it is tried again alone, beside
what else the channel has to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from alerter import phrases
from alerter.letters import ALARM, ESCALATION, FIRST, MAYBE, NO, RANKS, REMINDER, YES, Item, Letter, Said, Told
from bus.faults import listed
from bus.timing import SECOND, backoff

FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds."""
LONGEST_ASKED = 3600.0
"""A receiver that asks for more patience than this is tried again all the same."""
MOST_IN_A_LETTER = 100
MOST_NAMED = 5
"""So many receivers are named where something is said of them."""
NEWER = "what came of it since is told to all"
HANDED = frozenset({ALARM, ESCALATION})
"""What a fallback is told in a channel's place; the rest follows from it."""
STORM_SECONDS = 60.0
MOST_PASSED = 3
"""So many letters in a row go out before the one whose turn it is, for what is graver."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """It may work another time, in ``seconds`` if the receiver said so. ``maybe``: it may have arrived all the same."""

    seconds: float | None
    why: str
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Never:
    """The receiver refuses it for good."""

    why: str


@dataclass(frozen=True, slots=True)
class Partly:
    """Of a channel's several receivers not all have it: ``left`` did not take it for now, and are tried again alone.

    ``taken`` and ``refused`` say in words who has it, and who refuses it for good and why; empty: nobody.
    """

    left: tuple[str, ...]
    why: str = ""
    taken: str = ""
    refused: str = ""


Part = Delivered | Later | Never
Outcome = Part | Partly


def parts(outcome: Outcome, receivers: Sequence[str] = ()) -> tuple[Part, ...]:
    """What is to be said of an attempt that went to these of several receivers, each part for itself."""
    match outcome:
        case Partly(left=left, why=why, taken=taken, refused=refused):
            found: list[Part] = [Delivered(taken)] if taken else []
            found += [Never(refused)] if refused else []
            return (*found, Later(None, _of(left, why))) if left else tuple(found)
        case Delivered(detail=detail):
            return (Delivered(_of(receivers, detail)),)
        case Later(why=why):
            return (replace(outcome, why=_of(receivers, why)),)
        case Never(why=why):
            return (Never(_of(receivers, why)),)


def _of(left: Sequence[str], words: str) -> str:
    return f"{some(left)}: {words}" if left else words


def some(names: Sequence[str]) -> str:
    """The names, the first of many."""
    return listed(
        names if len(names) <= MOST_NAMED else (*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"), "and"
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient the outbox is; times in seconds."""

    group_seconds: float = 10.0
    storm_count: int = 20
    failover_seconds: float = 300.0
    expire_seconds: float = 86_400.0


@dataclass(slots=True)
class Lane:
    """What is known of a channel in this life of the program; times in seconds of one clock that only grows."""

    groups: bool = True
    """Whether several things may go out in one letter."""
    failures: int = 0
    """Attempts that failed one after another."""
    rests_until: float = 0.0
    failing_since: float | None = None
    busy: bool = False
    spoken: list[float] = field(default_factory=list)
    """When letters went out within the last minute."""
    resting: dict[tuple[str, ...], float] = field(default_factory=dict)
    """Until when those of several receivers are left alone that did not take something for now."""
    behind: dict[str, float] = field(default_factory=dict)
    """Until when items that were not taken, by their keys, do not go before others for being graver."""
    passed: int = 0
    """Letters in a row that went out before the one whose turn it was."""
    handed: dict[str, str] = field(default_factory=dict)
    """Up to which rows its fallback has heard of all that it is to hear of (``queues.unheard``)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a channel does now: send ``letter``, or wait ``seconds`` (None: until something comes)."""

    letter: Letter | None = None
    seconds: float | None = None
    withdrawn: tuple[tuple[Item, str], ...] = ()
    """What need not be said any more, and why."""
    expired: tuple[Item, ...] = ()
    handed: tuple[Item, ...] = ()
    """What the fallback is to be told in this channel's place, though the channel was not asked again."""


def turn(
    items: Sequence[Item],
    told: Mapping[str, Told],
    lane: Lane,
    policy: Policy,
    now: float,
    wall: int,
    unheard: Sequence[Item] = (),
) -> Turn:
    """What to do with a channel's ``items``, in their order; ``told`` is by incident, ``wall`` in ns.

    ``unheard``: of which its fallback did not hear, ``items`` or others that wait behind them.
    """
    # Nothing is given up untried: a hub that was off for days, or whose clock was set at its start, tells it now.
    old = (item for item in items if lane.failures or item.left)
    expired = tuple(item for item in old if wall - item.at > policy.expire_seconds * SECOND)
    items = [item for item in items if item not in expired]
    withdrawn = tuple(_withdrawn(items, told))
    gone = {item.key for item, _ in withdrawn}
    left = [item for item in items if item.key not in gone]
    if not left:
        return Turn(withdrawn=withdrawn, expired=expired)
    wait = max(lane.rests_until, min(lane.resting.get(item.left, 0.0) for item in left)) - now
    if wait <= 0:
        letter, passed = _next([item for item in left if lane.resting.get(item.left, 0.0) <= now], lane, now)
        wait = _window(letter, lane, policy, now)
        if wait <= 0:
            lane.passed = passed
            return Turn(letter, withdrawn=withdrawn, expired=expired)
    elif lane.failing_since is not None and (waiting := tuple(one for one in unheard if one not in expired)):
        # A receiver may ask for an hour's patience: whoever stands in for it is told in time all the same.
        failover = lane.failing_since + policy.failover_seconds - now
        if failover <= 0:
            return Turn(None, wait, withdrawn, expired, waiting)
        wait = min(wait, failover)
    return Turn(None, wait, withdrawn, expired)


def _withdrawn(items: Sequence[Item], told: Mapping[str, Told]) -> list[tuple[Item, str]]:
    found = []
    waiting: set[str] = set()
    newest = {item.incident.id: item for item in items}
    for item in items:
        incident = item.incident.id
        one = told.get(incident)
        reached = one.reached if one else NO
        if item.letter:
            pass  # it was tried: whether it arrived is not for us to guess
        elif item.left:
            # Others have heard of it; those who have not are told what is so now, and nobody waits for them.
            if newest[incident] is not item:
                found.append((item, NEWER))
            continue
        elif item.about == REMINDER and incident in waiting:
            found.append((item, "the alarm itself is not told yet"))
            continue
        elif item.about not in FIRST and incident not in waiting and reached == NO:
            found.append((item, "the alarm itself never arrived there"))
            continue
        waiting.add(incident)
    return found


def _next(items: Sequence[Item], lane: Lane, now: float) -> tuple[Letter, int]:
    """The gravest letter, and how many in a row then went before their turn.

    In turn is the one that was tried least often, of these the oldest. So is what was not taken, for a while: what a
    receiver cannot digest blocks nothing, however grave it is.
    """

    def rank(letter: Letter) -> int:
        return min((item.rank for item in letter.items if lane.behind.get(item.key, 0.0) <= now), default=len(RANKS))

    in_turn = min(_letters(sorted(items, key=lambda item: item.number), lane.groups), key=_turn)
    gravest = min(_letters(items, lane.groups), key=lambda letter: (rank(letter), *_turn(letter)))
    if _turn(in_turn) == _turn(gravest):
        return gravest, 0
    return (in_turn, 0) if lane.passed >= MOST_PASSED else (gravest, lane.passed + 1)


def _turn(letter: Letter) -> tuple[int, int]:
    """How often it was tried, and the number of the oldest thing in it."""
    return min(item.attempts for item in letter.items), min(item.number for item in letter.items)


def _letters(items: Iterable[Item], groups: bool) -> list[Letter]:
    """The letters that may go out now, made of ``items`` as they come; of one incident never a later thing first."""
    begun: dict[str, list[Item]] = {}
    for item in items:
        if item.letter:
            begun.setdefault(item.letter, []).append(item)
    blocked = {item.incident.id for item in items if item.letter}
    fresh: dict[tuple[str, ...], list[Item]] = {}
    for item in items:
        if item.incident.id not in blocked:
            fresh.setdefault(item.left, []).append(item)
            if not groups:
                blocked.add(item.incident.id)
    letters = [Letter(key, _in_order(parts), parts[0].left) for key, parts in begun.items()]
    for same in fresh.values():
        if groups:
            same = same[:MOST_IN_A_LETTER]
            letters.append(_made(same[: phrases.fitting(same)]))
        else:
            letters += [Letter(item.key, (item,), item.left) for item in same]
    return letters


def _in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.order))


def _made(items: Sequence[Item]) -> Letter:
    if len(items) == 1:
        return Letter(items[0].key, (items[0],), items[0].left)
    items = _in_order(items)
    digest = blake2b("\n".join(item.key for item in items).encode(), digest_size=8).hexdigest()
    return Letter(f"{digest}.{len(items)}.{items[0].channel}", items, items[0].left)


def _window(letter: Letter, lane: Lane, policy: Policy, now: float) -> float:
    """Seconds until a letter that may grow goes out: the first goes at once, the next ones gather."""
    lane.spoken[:] = [at for at in lane.spoken if now - at < STORM_SECONDS]
    if not lane.groups or letter.first.letter or letter.left or not lane.spoken:
        return 0.0
    storm = len(lane.spoken) >= policy.storm_count
    return lane.spoken[-1] + (STORM_SECONDS if storm else policy.group_seconds) - now


@dataclass(frozen=True, slots=True)
class Settled:
    """What follows from an attempt: items that stay (as they are now), items that are done.

    ``handed``: what the fallback is to be told in this channel's place. ``wait``: seconds until the channel is tried
    again.
    """

    kept: tuple[Item, ...] = ()
    done: tuple[Item, ...] = ()
    handed: tuple[Item, ...] = ()
    wait: float = 0.0


def settle(letter: Letter, outcome: Outcome, lane: Lane, policy: Policy, now: float, chance: float) -> Settled:
    """What the outcome of sending ``letter`` means; ``lane`` is brought up to date. ``chance`` is from 0 to 1."""
    lane.busy = False
    if not isinstance(outcome, Later):
        # The receiver answered: the channel itself is not ill.
        lane.failures, lane.failing_since, lane.rests_until = 0, None, 0.0
        lane.resting.pop(letter.left, None)
    lane.behind = {key: until for key, until in lane.behind.items() if until > now}
    match outcome:
        case Delivered():
            lane.spoken.append(now)
            return Settled(done=letter.items)
        case Never():
            return Settled(done=letter.items, handed=to_hand_over(letter.items))
        case Partly(left=left, taken=taken):
            lane.spoken += [now] if taken else []
            if not left:
                return Settled(done=letter.items)
            kept = tuple(replace(item, letter="", attempts=item.attempts + 1, left=left) for item in letter.items)
            wait = backoff(max(item.attempts for item in kept), first=FIRST_WAIT, longest=LONGEST_WAIT, chance=chance)
            lane.resting[left] = now + wait
            return Settled(kept=kept, wait=wait)
        case Later(seconds=asked, maybe=maybe):
            lane.failures += 1
            lane.failing_since = now if lane.failing_since is None else lane.failing_since
            wait = backoff(lane.failures, first=FIRST_WAIT, longest=LONGEST_WAIT, chance=chance)
            # Who asks for no patience at all, and fails, is not asked without a pause.
            wait = min(asked, LONGEST_ASKED) if asked else wait
            lane.rests_until = now + wait
            if not asked:  # who asks for patience would take no other letter either
                tries = backoff(
                    min(item.attempts for item in letter.items) + 1,
                    first=FIRST_WAIT,
                    longest=LONGEST_WAIT,
                    chance=chance,
                )
                lane.behind |= {item.key: now + wait + tries for item in letter.items}
            over = now - lane.failing_since >= policy.failover_seconds
            handed = to_hand_over(letter.items) if over else ()
            keys = {item.key for item in handed}
            kept = tuple(
                replace(
                    item,
                    # What certainly did not arrive may go out in better company the next time.
                    letter=letter.key if maybe or item.maybe else "",
                    maybe=maybe or item.maybe,
                    attempts=item.attempts + 1,
                    handed=item.handed or item.key in keys,
                )
                for item in letter.items
            )
            return Settled(kept=kept, handed=handed, wait=wait)


def told_after(letter: Letter, outcome: Outcome, told: Mapping[str, Told], wall: int) -> tuple[Told, ...]:
    """The rows of ``told`` after an attempt."""
    rows = dict(told)
    for part in parts(outcome, letter.left):
        match part:
            case Delivered(detail=detail):
                found = _noted(letter.items, rows, wall, "delivered", detail, YES)
            case Never(why=why):
                found = _noted(letter.items, rows, wall, "never", why, None)
            case Later(why=why, maybe=maybe):
                found = _noted(letter.items, rows, wall, "later", why, MAYBE if maybe else None)
        rows |= {one.incident: one for one in found}
    return tuple(rows[id] for id in dict.fromkeys(item.incident.id for item in letter.items))


def given_up(items: Sequence[Item], told: Mapping[str, Told], wall: int, outcome: str, why: str) -> tuple[Told, ...]:
    """The rows of ``told`` after items that are not tried any more."""
    rows = dict(told)
    for item in items:
        rows |= {one.incident: one for one in _noted((item,), rows, wall, outcome, _of(item.left, why), None)}
    return tuple(rows[id] for id in dict.fromkeys(item.incident.id for item in items))


def to_hand_over(items: Sequence[Item]) -> tuple[Item, ...]:
    """Those of which the fallback has to hear in the channel's place."""
    # Of what some receivers have, somebody knows.
    return tuple(item for item in items if not item.handed and not item.left and item.about in HANDED)


def _noted(
    items: Sequence[Item], told: Mapping[str, Told], wall: int, outcome: str, detail: str, reached: str | None
) -> tuple[Told, ...]:
    rows: dict[str, Told] = {}
    for item in items:
        incident = item.incident.id
        one = rows.get(incident) or told.get(incident) or Told(incident, item.channel, subject=item.incident.subject)
        tried = item.attempts + (outcome in ("delivered", "later", "never"))
        one = one.noted(Said(wall, item.about, item.incident.transition, outcome, tried, detail[:300]))
        if reached == YES:
            one = replace(one, reached=YES)
        elif (reached == MAYBE or item.maybe) and one.reached == NO:
            one = replace(one, reached=MAYBE)
        rows[incident] = one
    return tuple(rows.values())

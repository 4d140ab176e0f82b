"""What is known of alarms, silences, incidents and the reasons for them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from viewer.events import AlertsTold, BacktestTold, Event, Failed, IncidentsTold, RulesTold, RuleTold, WhyTold
from viewer.incidents import Incident, Opening, Silence, Verdict, worst
from viewer.picking import passes
from viewer.wishes import AskAlerts, AskBacktest, AskWhy

MAX_WHYS = 100

Kind = Literal["alarm", "silence", "past"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list of alarms: an alarm that is not quiet, a silence that holds, or an incident that is over."""

    kind: Kind
    incident: Incident | None = None
    silence: Silence | None = None

    @property
    def key(self) -> str:
        """The name of this line."""
        return f"{self.kind} {self.incident.key if self.incident else self.silence.id if self.silence else ''}"

    @property
    def texts(self) -> tuple[str, ...]:
        """What a filter looks at."""
        if self.silence is not None:
            one = self.silence
            return "silence", "silenced", one.owner, one.reason, *one.matches
        assert self.incident is not None
        found = self.incident
        known = "acknowledged" if found.owner else "unacknowledged"
        return found.subject, found.display, found.rule, found.instance, found.severity, found.state, found.owner, known


@dataclass(slots=True)
class Alarms:
    """All of it."""

    standing: tuple[Incident, ...] = ()
    """What is not quiet now, the worst first."""
    silences: tuple[Silence, ...] = ()
    maintenance: tuple[Opening, ...] = ()
    past: tuple[Incident, ...] = ()
    """What burned lately, the newest first."""
    more: bool = False
    """Whether more burned than is known."""
    busy: bool = False
    """Whether the hub ever had more to tell than was known."""
    told: bool = False
    failed: str = ""
    """Why the alarms could not be read when last asked for; empty when they could."""
    rules: dict[str, RuleTold] = field(default_factory=dict)
    whys: dict[tuple[str, str], tuple[Verdict, ...]] = field(default_factory=dict)
    """By subject and rule, as asked for."""
    backtest: BacktestTold | None = None
    answered: str = ""
    """Why the last question for reasons or for a back-test was not answered; empty when it was."""

    def take(self, event: Event) -> None:
        """Take in what the hub told."""
        match event:
            case AlertsTold():
                self.standing, self.silences = tuple(worst(event.alarms)), event.silences
                self.maintenance = event.maintenance
                self.told, self.failed = True, ""
            case IncidentsTold():
                self.past, self.more = event.incidents, event.more
                self.busy |= event.more
            case RulesTold():
                self.rules = {rule.name: rule for rule in event.rules}
            case WhyTold():
                self.whys[event.wish.subject, event.wish.rule] = event.verdicts
                self.answered = ""
                while len(self.whys) > MAX_WHYS:
                    del self.whys[next(iter(self.whys))]
            case BacktestTold():
                self.backtest, self.answered = event, ""
            case Failed(wish=AskAlerts()):
                self.failed = event.reason
            case Failed(wish=AskWhy() | AskBacktest()):
                self.answered = event.reason
            case _:
                pass

    def firing(self) -> list[Incident]:
        """What burns now, the worst first."""
        return [one for one in self.standing if one.burns]

    def burned(self, then: float) -> list[Incident]:
        """What burned at the time ``then`` (the hub's clock), the worst first."""
        return worst([one for one in self.past if one.burned(then)])

    def over(self, then: float = math.inf) -> list[Incident]:
        """What was over by then, the last to end first: the hub tells them as they began."""
        found = [(one.ended, one) for one in self.past if one.ended is not None and one.ended <= then]
        return [one for _, one in sorted(found, key=lambda pair: -pair[0])]

    def of(self, subjects: Iterable[str]) -> list[Incident]:
        """What burns now on these hosts and services."""
        wanted = set(subjects)
        return [one for one in self.standing if one.burns and one.subject in wanted]

    def rows(self, words: str, then: float | None = None) -> list[Row]:
        """The lines that ``words`` let through: what burns, silences, and what is over.

        With a time ``then`` (the hub's clock) it is what burned at that time, and what was over by then.
        """
        if then is not None:
            found = [Row("alarm", one) for one in self.burned(then)]
            found += [Row("past", one) for one in self.over(then)]
        else:
            now = {one.id for one in self.standing if one.id}
            found = [Row("alarm", one) for one in self.standing]
            found += [Row("silence", silence=one) for one in self.silences]
            found += [Row("past", one) for one in self.over() if one.id not in now]
        return [row for row in found if passes(words, *row.texts)]


def silences_for(incidents: Sequence[Incident]) -> list[tuple[str, ...]]:
    """What silences have to match so that they hold back these incidents, and no others of the same hosts."""
    subjects: dict[str, list[str]] = {}
    for one in incidents:
        subjects.setdefault(one.rule, []).append(one.subject)
    return [(*dict.fromkeys(found), f"rule={rule}") for rule, found in subjects.items()]

"""What the person does about what burns: acknowledge, silence, end a silence, ask why, try a rule. Pure.

An act concerns the marked lines, else the chosen one. It is asked of the hub like anything else; its sentence, or why
it was refused, is shown in the line at the bottom.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bus import timing
from bus.judging import LONGEST_SILENCE
from viewer.alarms import silences_for
from viewer.events import ActDone, Event, Failed
from viewer.incidents import Incident
from viewer.prompt import Prompt
from viewer.targets import Targets, targets
from viewer.wishes import Acknowledge, Act, AddSilence, AskBacktest, EndSilence

if TYPE_CHECKING:
    from viewer.model import Model

BACKTEST_SECONDS = 7 * 86_400.0
FIRST_DURATION = "1h"
NO_RULE = "choose an alarm whose rule is to be tried on the past"


@dataclass(slots=True)
class Deeds:
    """Acts that were asked of the hub, and what became of them."""

    waiting: deque[Act] = field(default_factory=deque)
    """Not asked yet."""
    asked: int = 0
    done: int = 0
    said: str = ""
    """The hub's last sentence."""
    refused: str = ""
    """Why the last one that failed did."""

    def begin(self, acts: Sequence[Act]) -> None:
        """Ask for these; what became of those before is forgotten."""
        self.waiting.extend(acts)
        self.asked, self.done, self.said, self.refused = len(acts), 0, "", ""

    def take(self, event: Event) -> bool:
        """Take in an answer; returns whether all are answered."""
        if isinstance(event, ActDone):
            self.done, self.said = self.done + 1, event.text
        elif isinstance(event, Failed) and isinstance(event.wish, Acknowledge | AddSilence | EndSilence):
            self.asked, self.refused = self.asked - 1, event.reason
        else:
            return False
        return self.done >= self.asked

    @property
    def sentence(self) -> str:
        """What became of them."""
        if self.refused:
            return f"{self.done} done; {self.refused}" if self.done else self.refused
        return self.said if self.done == 1 else f"{self.done} done: {self.said}"


def mark(model: Model) -> None:
    """Mark the chosen line, or take its mark away, and go on to the next."""
    picking = model.lists.get(model.screen)
    if picking is not None and picking.chosen is not None:
        picking.marked ^= {picking.chosen}
        picking.move(1)


def acknowledge(model: Model, now: float) -> None:
    """Ask for a note, then acknowledge what burns."""
    found = targets(model, now)
    burning = _burning(model, found)
    open_ones = _unacknowledged(burning)
    if open_ones:
        label = f"acknowledge {_count(open_ones, 'incident')}, note"
        model.prompt = Prompt("acknowledge", found, label, hint="Enter sends")
    elif burning and all(one.owner for one in burning):
        model.notice = f"already acknowledged by {burning[0].owner}"
    else:
        model.notice = "nothing that fires is chosen" if found.rows else f"nothing fires on {found.words}"


def silence(model: Model, now: float) -> None:
    """Ask for how long and why, then hold notices back."""
    found = targets(model, now)
    if found.incidents or (found.subjects and not found.rows):
        label = f"silence {found.words} for"
        model.prompt = Prompt("silence", found, label, FIRST_DURATION, hint="30m, 2h, 1d; then the reason", fresh=True)
    else:
        model.notice = "choose an alarm, a host or a service to silence"


def end(model: Model, now: float) -> None:
    """Ask whether to, then end silences."""
    found = targets(model, now)
    if found.silences:
        label = f"end {_count(found.silences, 'silence')} now"
        model.prompt = Prompt("end", found, label, hint="Enter does, Esc does not")
    else:
        model.notice = "choose a silence to end"


def why(model: Model, now: float) -> None:
    """Show why there is an alarm, or none."""
    found = targets(model, now)
    chosen = next((row for row in found.rows if row.key == model.alerts.chosen), found.rows[0] if found.rows else None)
    if chosen is not None and chosen.incident is not None:
        model.show_why(chosen.incident.subject, chosen.incident.rule)
    elif found.subjects:
        model.show_why(found.subjects[0], "")
    else:
        model.notice = "choose an alarm, a host or a service"


def backtest(model: Model, now: float) -> None:
    """Ask for a condition, then try the rule with it on the last week."""
    found = targets(model, now)
    if not found.rule:
        model.notice = NO_RULE
        return
    known = model.alarms.rules.get(found.rule)
    label = f"back-test {found.rule} of the last week, when"
    model.prompt = Prompt("backtest", found, label, known.when if known else "", hint="another condition, as > 80")


def finish(model: Model, prompt: Prompt) -> None:
    """What was asked has been answered with Enter."""
    found = prompt.aim
    text = prompt.text.strip()
    match prompt.kind:
        case "acknowledge":
            send_acknowledge(model, found, text)
        case "silence":
            seconds = duration(text)
            if isinstance(seconds, str):
                prompt.wrong = seconds
                return
            label = f"silence {found.words} for {timing.in_words(seconds)}, reason"
            model.prompt = Prompt("reason", found, label, hint="who reads it later knows why", seconds=seconds)
            return
        case "reason":
            if not text:
                prompt.wrong = "a silence has a reason"
                return
            send_silence(model, found, prompt.seconds, text)
        case "end":
            send_end(model, found)
        case "backtest":
            send_backtest(model, found, text)
        case _:
            return
    if model.prompt is prompt:
        model.prompt = None


def duration(text: str) -> float | str:
    """Seconds; or what is wrong with the text."""
    try:
        seconds = timing.seconds(text)
    except ValueError as error:
        return str(error)
    return seconds if 0 < seconds <= LONGEST_SILENCE else "a silence lasts more than nothing and at most a year"


def send_acknowledge(model: Model, found: Targets, note: str) -> None:
    """Acknowledge what burns among the targets."""
    model.deeds.begin([Acknowledge(one.id, note) for one in _unacknowledged(_burning(model, found))])
    _unmark(model)


def send_silence(model: Model, found: Targets, seconds: float, reason: str) -> None:
    """Hold back the notices of the targets."""
    matches = silences_for(found.incidents) if found.rows else [found.subjects] if found.subjects else []
    model.deeds.begin([AddSilence(globs, seconds, reason) for globs in matches])
    _unmark(model)


def send_end(model: Model, found: Targets) -> None:
    """End the silences among the targets."""
    model.deeds.begin([EndSilence(one.id) for one in found.silences])
    _unmark(model)


def send_backtest(model: Model, found: Targets, when: str) -> None:
    """Try the chosen alarm's rule on the past."""
    if not found.rule:
        model.notice = NO_RULE
        return
    known = model.alarms.rules.get(found.rule)
    changed = "" if known and known.when == when else when
    model.show_backtest(AskBacktest(found.rule, changed, "", "", BACKTEST_SECONDS))


def _burning(model: Model, found: Targets) -> Sequence[Incident]:
    return found.incidents if found.rows else model.alarms.of(found.subjects)


def _unacknowledged(burning: Sequence[Incident]) -> list[Incident]:
    """Those that nobody has acknowledged."""
    return [one for one in burning if one.burns and one.id and not one.owner]


def _unmark(model: Model) -> None:
    if (picking := model.lists.get(model.screen)) is not None:
        picking.marked.clear()


def _count(found: Sequence[object], word: str) -> str:
    return f"this {word}" if len(found) == 1 else f"{len(found)} {word}s"

"""A line that is asked of the person: text that is typed, its completion, what is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from viewer.targets import Targets

MAX_TEXT = 300

Kind = Literal["filter", "command", "acknowledge", "silence", "reason", "end", "backtest"]


@dataclass(slots=True)
class Prompt:
    """What is asked, and what was typed so far. ``seconds`` is what a question before it brought."""

    kind: Kind
    aim: Targets
    """What was chosen when it was asked: lists move on meanwhile."""
    label: str
    text: str = ""
    hint: str = ""
    """What may be typed."""
    wrong: str = ""
    """What is wrong with what was typed, until something else is."""
    offered: tuple[str, ...] = ()
    """What the last word may be made of."""
    turn: int = -1
    """Which of them stands there now; -1: what was typed."""
    seconds: float = 0.0
    fresh: bool = field(default=False)
    """Whether the text is a proposal, which the first character replaces."""

    def press(self, key: str) -> None:
        """Edit the line; keys that mean nothing here do nothing."""
        self.wrong = ""
        if key == "backspace":
            self.text = "" if self.fresh else self.text[:-1]
        elif key == "ctrl-u":
            self.text = ""
        elif key == "ctrl-w":
            self.text = self.text.rstrip().rpartition(" ")[0]
            self.text += " " if self.text else ""
        elif len(key) == 1 and key.isprintable() and len(self.text) < MAX_TEXT:
            self.text = key if self.fresh else self.text + key
        else:
            return
        self.fresh, self.offered, self.turn = False, (), -1

    def complete(self, words: list[str], steps: int = 1) -> None:
        """Complete the last word by ``words``: first what they share, then one after the other."""
        self.fresh, self.wrong = False, ""
        begun, _, last = self.text.rpartition(" ")
        begun = f"{begun} " if " " in self.text else ""
        if self.offered:
            self.turn = (self.turn + steps) % len(self.offered)
            self.text = begun + self.offered[self.turn]
            return
        fitting = [word for word in words if word.startswith(last)] or [
            word for word in words if last.lower() in word.lower()
        ]
        if len(fitting) == 1:
            self.text = f"{begun}{fitting[0]} "
        elif fitting:
            shared = _shared(fitting)
            self.text = begun + (shared if len(shared) > len(last) else last)
            self.offered, self.turn = tuple(fitting[:50]), -1


def _shared(words: list[str]) -> str:
    """What all of them begin with."""
    first, last = min(words), max(words)
    for place, character in enumerate(first):
        if last[place : place + 1] != character:
            return first[:place]
    return first

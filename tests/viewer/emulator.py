"""A terminal, as far as the viewer needs one: it shows what was written to it."""

from __future__ import annotations

import re

from wcwidth import wcwidth

SEQUENCE = re.compile(r"\x1b\[([?>]?)([0-9;]*)([@-~])|\x1bP.*?\x1b\\|\x1b[()][0-9A-B]|\x1b[=>78]", re.DOTALL)
BEGUN = re.compile(r"\x1b(?:\[[?>]?[0-9;]*|P.*|[()])?", re.DOTALL)
"""A sequence as far as it has come."""


class Emulator:
    """``feed`` it what a program writes; ``text`` is what a person would see."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.modes: set[int] = {25}
        self.scrolled = 0
        self._screens = [self._blank(), self._blank()]
        self._x = self._y = 0
        self._kept = (0, 0)
        self._rest = ""

    @property
    def rows(self) -> list[list[str]]:
        return self._screens[1049 in self.modes]

    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self.rows) + "\n"

    def resize(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._screens = [self._blank(), self._blank()]
        self._x, self._y = min(self._x, width - 1), min(self._y, height - 1)

    def feed(self, data: str) -> list[str]:
        """Take in what was written; returns the questions that a terminal answers."""
        data = self._rest + data
        self._rest = ""
        asked = []
        place = 0
        while place < len(data):
            if data[place] == "\x1b":
                match = SEQUENCE.match(data, place)
                if not match and BEGUN.fullmatch(data, place):
                    self._rest = data[place:]
                    break
                if not match:
                    # A program that was stopped amid a sequence: what others write ends it, and is shown.
                    begun = BEGUN.match(data, place)
                    place = begun.end() if begun else place + 1
                    continue
                place = match.end()
                if match[3]:
                    asked += self._obey(match[1], match[2], match[3])
                continue
            self._write(data[place])
            place += 1
        return asked

    def _obey(self, mark: str, numbers: str, verb: str) -> list[str]:
        given = [int(number or 0) for number in numbers.split(";")]
        if mark == "?" and verb in "hl":
            (self.modes.add if verb == "h" else self.modes.discard)(given[0])
            if given[0] == 1049:
                kept, self._kept = self._kept, (self._x, self._y)
                self._x, self._y = kept if verb == "l" else (0, 0)
        elif verb == "H":
            self._y = min(max(1, given[0]), self.height) - 1
            self._x = min(max(1, given[1] if len(given) > 1 else 1), self.width) - 1
        elif verb == "J" and given[0] == 2:
            self.rows[:] = self._blank()
        elif verb == "n" and given[0] == 6:
            return [f"\x1b[{self._y + 1};{self._x + 1}R"]
        return []

    def _write(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            if self._y == self.height - 1:
                self.scrolled += 1
            self._y = min(self._y + 1, self.height - 1)
        elif character >= " ":
            wide = max(0, wcwidth(character))
            if self._x < self.width and wide:
                self.rows[self._y][self._x] = character
                if wide == 2 and self._x + 1 < self.width:
                    self.rows[self._y][self._x + 1] = ""
            self._x += wide

    def _blank(self) -> list[list[str]]:
        return [[" "] * self.width for _ in range(self.height)]

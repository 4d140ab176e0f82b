"""Which of what a terminal sends was pasted, where it marks that (xterm's bracketed paste). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MARKED, UNMARKED = "\x1b[?2004h", "\x1b[?2004l"
"""What asks a terminal to mark what is pasted, and to leave that. One that cannot passes over both."""
BEGIN, END = "\x1b[200~", "\x1b[201~"
MOST = 1000
"""Characters of a paste that are kept: more than fit into any line."""
_ENDS = re.compile(r"[\r\n]+\Z|\A[\r\n]+")


@dataclass(frozen=True, slots=True)
class Paste:
    """Text that was pasted, as one line: it never answers a question by itself."""

    text: str


class Pastes:
    """Takes apart what comes from one terminal, in pieces as it comes."""

    def __init__(self) -> None:
        self._begun: str | None = None
        """What came so far of a paste."""

    @property
    def amid(self) -> bool:
        """Whether the end of a paste is still to come."""
        return self._begun is not None

    def take(self, text: str) -> list[str | Paste]:
        """What was typed and what was pasted, in its order; of a paste when its end has come."""
        found: list[str | Paste] = []
        while text:
            if self._begun is None:
                typed, mark, text = text.partition(BEGIN)
                found += [typed] if typed else []
                self._begun = "" if mark else None
                continue
            kept, mark, text = (self._begun + text).partition(END)
            if mark:
                found.append(Paste(_line(kept[:MOST])))
                self._begun = None
            elif len(kept) < MOST + len(END):
                self._begun = kept
            else:  # its last characters may be the beginning of the mark, and those before may not become one with them
                self._begun = kept[:MOST].replace("\x1b", "\0") + kept[-len(END) :]
        return found

    def give_up(self) -> list[str | Paste]:
        """What came of a paste whose end does not come: else nothing could be typed any more."""
        kept, self._begun = self._begun, None
        return [Paste(_line(kept[:MOST]))] if kept is not None else []


def _line(text: str) -> str:
    text = _ENDS.sub("", text)
    return "".join(one for one in re.sub(r"[\r\n\t]+", " ", text) if one.isprintable())

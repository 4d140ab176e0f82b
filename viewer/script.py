"""Keys from a file instead of a keyboard, and pictures as text instead of a terminal.

One line is one thing: a key by its name (``down``, ``enter``, ``?``), ``type TEXT``, ``wait loaded``, ``wait live``,
``wait text TEXT``, ``size 120x40`` or ``dump``. Empty lines and lines that begin with ``# `` are passed over.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from viewer.canvas import Canvas
from viewer.keys import BINDINGS
from viewer.session import Session

PATIENCE = 15.0
"""Seconds that a ``wait`` waits."""
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})\Z")
_KEYS = frozenset(key for binding in BINDINGS for key in binding.keys) | {"backspace", "space", "ctrl-u", "ctrl-w"}


class Mistake(ValueError):
    """A line that means nothing; the text says which and why."""


class Unmet(Exception):
    """What was waited for did not happen."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a script."""

    verb: str
    text: str = ""


def parse_size(text: str) -> tuple[int, int]:
    """Columns and rows of ``80x24``; raises ``Mistake``."""
    match = _SIZE.match(text)
    if not match or not (1 <= int(match[1]) <= 1000 and 1 <= int(match[2]) <= 1000):
        raise Mistake(f"{text!r} is no size such as 80x24")
    return int(match[1]), int(match[2])


def parse_script(text: str) -> list[Step]:
    """The steps of a script; raises ``Mistake`` with the number of the line."""
    steps = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("# "):
            continue
        try:
            steps.append(_step(line))
        except Mistake as mistake:
            raise Mistake(f"line {number}: {mistake}") from None
    return steps


def _step(line: str) -> Step:
    verb, _, rest = line.strip().partition(" ")
    if verb == "type" and rest:
        return Step("type", rest)
    if verb == "wait" and (rest in ("live", "loaded") or rest.startswith("text ")):
        return Step("wait", rest)
    if verb == "size":
        parse_size(rest)
        return Step("size", rest)
    if verb == "dump" and not rest:
        return Step("dump")
    if not rest and (verb in _KEYS or len(verb) == 1):
        return Step("key", " " if verb == "space" else verb)
    raise Mistake(f"{line.strip()!r} is no key and none of type, wait, size, dump")


def loaded(session: Session) -> bool:
    """Whether all that the picture needs was asked for and has come, or never will."""
    world = session.model.world
    if not world.hosts_told:
        return bool(session.model.unreached) or world.link.state == "offline"
    return world.link.state != "connecting" and not session.model.plan.waiting


class Play:
    """Runs steps on a session; ``show`` gets each picture that is dumped."""

    def __init__(
        self,
        session: Session,
        size: tuple[int, int],
        show: Callable[[Canvas], None],
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self.size = size
        self._session = session
        self._show = show
        self._clock = clock
        self._rest = rest

    def run(self, steps: list[Step]) -> None:
        """Do all of them; raises ``Unmet`` when something that is waited for does not happen."""
        for step in steps:
            match step.verb:
                case "key":
                    self._session.press(step.text)
                case "type":
                    for character in step.text:
                        self._session.press(character)
                case "size":
                    self.size = parse_size(step.text)
                case "wait":
                    self.wait(step.text)
                case "dump":
                    self._show(self._draw())
            self._draw()
            if self._session.model.quit:
                return

    def wait(self, what: str, patience: float = PATIENCE) -> None:
        """Let things come until ``what`` holds; raises ``Unmet``."""
        until = self._clock() + patience
        while True:
            canvas = self._draw()
            self._session.turn()
            if self._holds(what, canvas):
                return
            if self._clock() > until:
                raise Unmet(f"waited {patience:g} s for: {what}")
            self._rest(0.02)

    def _holds(self, what: str, canvas: Canvas) -> bool:
        if what == "live":
            return self._session.model.world.link.state == "live"
        if what == "loaded":
            return loaded(self._session)
        return what.removeprefix("text ") in canvas.text()

    def _draw(self) -> Canvas:
        self._session.turn()
        return self._session.draw(*self.size)

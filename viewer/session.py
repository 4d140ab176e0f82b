"""One run of the viewer without its terminal: events into the model, wishes out of it, pictures when asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from viewer import frame
from viewer.canvas import Canvas
from viewer.events import Event, Wish
from viewer.model import Model
from viewer.scene import Look, Scene


class Source(Protocol):
    """Where events come from: the feed, or a test."""

    def ask(self, wish: Wish) -> None:
        """Ask the hub; returns at once."""
        ...

    def take(self, most: int = 2000) -> list[Event]:
        """What came since the last time."""
        ...

    def hurry(self) -> None:
        """Try to reach the hub now."""
        ...


class Session:
    """Joins a model and a source of events; ``clock`` gives seconds since the epoch."""

    def __init__(self, model: Model, source: Source, look: Look, clock: Callable[[], float] = time.time) -> None:
        self.model = model
        self.look = look
        self._source = source
        self._clock = clock

    def turn(self) -> bool:
        """Pass events and wishes on; returns whether anything came."""
        events = self._source.take()
        for event in events:
            self.model.take(event, self._clock())
        for wish in self.model.wishes(self._clock()):
            self._source.ask(wish)
        if self.model.hurry:
            self.model.hurry = False
            self._source.hurry()
        return bool(events)

    def press(self, key: str) -> None:
        """Hand a key to the model."""
        self.model.press(key, self._clock())

    def draw(self, wide: int, high: int) -> Canvas:
        """The picture of this moment."""
        return frame.draw(self.scene(), wide, high)

    def scene(self) -> Scene:
        """This moment."""
        return Scene(self.model, self._clock(), self.look)

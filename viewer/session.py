"""One run of the viewer without its terminal: events into the model, wishes out of it, pictures when asked."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from viewer import frame
from viewer.canvas import Canvas
from viewer.events import Event, HostsPart, HostsTold
from viewer.model import Model
from viewer.scene import Look, Scene
from viewer.wishes import Wish

PART = 200
"""Hosts of a long list that are taken in at once, about 3 ms of work: a key waits no longer for its picture."""


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

    def hush(self) -> AbstractContextManager[None]:
        """While it is held, what comes in waits: the processor is the picture's."""
        ...


class Session:
    """Joins a model and a source of events; ``clock`` gives seconds since the epoch."""

    def __init__(self, model: Model, source: Source, look: Look, clock: Callable[[], float] = time.time) -> None:
        self.model = model
        self.look = look
        self._source = source
        self._clock = clock
        self._parts: deque[Event] = deque()

    @property
    def behind(self) -> bool:
        """Whether there is something to take in that has come already."""
        return bool(self._parts)

    def turn(self, *, hurried: bool = False) -> bool:
        """Pass events and wishes on, long lists only when not ``hurried``; returns whether anything came."""
        events = self._source.take()
        for event in events:
            if isinstance(event, HostsTold) and len(event.entries) > PART:
                self._parts.extend(parts(event))
            else:
                self.model.take(event, self._clock())
        if self._parts and not hurried:
            event = self._parts.popleft()
            events.append(event)
            self.model.take(event, self._clock())
        for wish in self.model.wishes(self._clock()):
            self._source.ask(wish)
        if self.model.hurry:
            self.model.hurry = False
            self._source.hurry()
        return bool(events)

    def hush(self) -> AbstractContextManager[None]:
        """While it is held, nothing else takes the processor from the picture."""
        return self._source.hush()

    def press(self, key: str) -> None:
        """Hand a key to the model."""
        self.model.press(key, self._clock())

    def paste(self, text: str) -> None:
        """Hand a line that was pasted to the model."""
        self.model.paste(text, self._clock())

    def draw(self, wide: int, high: int) -> Canvas:
        """The picture of this moment."""
        return frame.draw(self.scene(), wide, high)

    def scene(self) -> Scene:
        """This moment."""
        return Scene(self.model, self._clock(), self.look)


def parts(told: HostsTold) -> list[Event]:
    """A long list in parts, and at its end itself: who is in it, and who has gone."""
    places = range(0, len(told.entries), PART)
    found: list[Event] = [HostsPart(told.entries[place : place + PART], told.ahead) for place in places]
    return [*found, replace(told, taken=True)]

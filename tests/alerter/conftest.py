"""What the tests share: a memory, lives of an alerter, speakers for what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import zmq

from alerter.channels.common import Channel
from alerter.memory import Memory
from alerter.routes import Notify
from alerter.rules import Rule
from tests.alerter.lives import Alerter, Life, Store
from tests.alerter.rooms import Room
from tests.alerter.shapes import NOON


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = Memory(tmp_path / "alerter")
    yield opened
    opened.close()


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    opened: list[Room] = []

    def made(channels: Mapping[str, Channel], notify: Notify | None = None, now: int = NOON) -> Room:
        for room in opened:
            room.close()
        opened.append(Room(tmp_path, channels, notify, now))
        return opened[-1]

    yield made
    for room in opened[-1:]:
        room.close()


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """Begins a life of the alerter on the same memory and store; the one before it is over."""
    context: zmq.Context[Any] = zmq.Context()
    memory, store, lives = Memory(tmp_path), Store(context), list[Alerter]()

    def made(*rules: Rule, now: float = 0.0, **more: Any) -> Alerter:
        for one in lives[-1:]:
            one.close()
        lives.append(Alerter(store, memory, rules, now, context, **more))
        return lives[-1]

    yield made
    lives[-1].close()
    store.answers.close()
    memory.close()
    context.term()

"""Speakers for the tests of what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from alerter.channels.common import Channel
from alerter.routes import Notify
from tests.alerter.rooms import Room
from tests.alerter.shapes import NOON


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

"""A worker wired to the hub's other rooms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from api.config import StatusPage
from api.counter import Asker
from api.lines import DeskLine
from api.stair import KINDS, Stair
from api.worker import Lifespan
from bus.producer import Producer
from bus.sockets import Push, Subscribe
from tests.api.house import House
from tests.api.roads import Roads, connected
from tests.api.served import PATIENCE, Served, serving


@pytest.fixture
def roads(tmp_path: Path) -> Iterator[Roads]:
    found = Roads(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def serve(roads: Roads) -> Iterator[Callable[..., Served]]:
    """Serve a worker wired to ``roads``."""
    opened = []

    def wired(*, timeout: float = PATIENCE, status_page: StatusPage | None = None) -> Served:
        house = House(status_page=status_page)
        context: zmq.Context[Any] = zmq.Context()
        house.hub.counter = asker = Asker(roads.desk, timeout=timeout)
        patient = DeskLine(roads.desk, timeout=PATIENCE)
        house.store = patient.asked
        stair = Stair(lambda: connected(Subscribe(context, KINDS), roads.stair_address), house.hub.fanout)
        lifespan = Lifespan(
            house.hub,
            asker,
            stair,
            context=context,
            lines=(patient,),
            producer=lambda: Producer(connected(Push(context), roads.door_address), "guardia.api-1"),
        )
        block = serving(house, lifespan=lifespan)
        served = block.__enter__()
        opened.append(block)
        return served

    yield wired
    for block in opened:
        block.__exit__(None, None, None)

"""A worker says that it lives."""

from __future__ import annotations

import asyncio
import time

import uvicorn

from api.config import Api
from api.server import worker_class


def test_a_worker_says_that_it_lives_though_the_clock_was_set_back() -> None:
    said: list[float] = []

    async def notify() -> None:
        said.append(time.monotonic())

    options = worker_class(Api()).CONFIG_KWARGS
    config = uvicorn.Config("none:app", timeout_notify=options["timeout_notify"], callback_notify=notify)
    server = uvicorn.Server(config)
    server.last_notified = time.time() + 3600.0
    asyncio.run(server.on_tick(10))
    assert len(said) == 1

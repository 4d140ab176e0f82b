"""What lives as long as a worker: its sockets, its subscription, the filling of its memory, its vitals."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import zmq

from api.canary import Canary, keep_flying
from api.counter import Asker
from api.hub import Hub
from api.lines import Line
from api.prime import keep_primed, learn_layouts, read_missed
from api.public import learn_day
from api.stair import Stair
from bus.copies import COPIES
from bus.lives import Life
from bus.producer import Producer
from bus.questions import Unanswered

log = logging.getLogger("guardia.api")

TICK_SECONDS = 0.25
SET_BACK = 2.0
"""By so many seconds at least the clock on the wall was set back, where it passed by less than time did."""
LAYOUT_SECONDS = 1.0
SILENCES_SECONDS = 5.0
"""So often the alerter is asked which silences there are."""
DAY_PAUSE, DAYS_SECONDS = 0.1, 5.0
"""Between two days of a service that are asked for, so that others are answered; and after them, when none is due."""
MISSED_SECONDS = 2.0
"""After this long what was missed is on the disk, where it did not come because of the collector."""


class Lifespan:
    """Opens everything when the server starts in its own process, and closes it when the server stops.

    ZeroMQ's sockets do not survive a fork, so nothing is open before.
    """

    def __init__(
        self,
        hub: Hub,
        asker: Asker,
        stair: Stair,
        *,
        context: zmq.Context[Any],
        lines: Sequence[Line] = (),
        producer: Callable[[], Producer] | None = None,
        canary: Callable[[], Producer] | None = None,
        life: Life | None = None,
    ) -> None:
        """``lines`` lead to others than ``asker`` does.

        ``producer`` tells the worker's vitals, with how often it ended of late as its ``life`` knows; ``canary`` tells
        the message that goes all the way.
        """
        self._hub = hub
        self._lines = (asker, *lines)
        self._stair = stair
        self._context = context
        self._make_producer = producer
        self._make_canary = canary
        self._life = life
        if life is not None:
            hub.vitals.source(life.readings)
        self._tasks: list[asyncio.Task[None]] = []
        self._layouts_wanted = asyncio.Event()
        self._longest = 0.0
        stair.on_wanting = self._layouts_wanted.set
        self._missed = asyncio.Event()
        stair.on_lacking = self._missed.set

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Called by Falcon on the running loop."""
        for line in self._lines:
            line.open()
        self._stair.open()
        self._start(keep_primed(self._hub))
        self._start(self._keep_learning())
        self._start(self._keep_whole())
        self._start(self._keep_hearing_of_silences())
        if self._hub.status_page.services:
            self._start(self._keep_days())
        self._start(self._measure_loop())
        if self._make_producer is not None:
            self._hub.voice = self._make_producer()
            self._start(self._keep_telling(self._hub.voice))
        if self._make_canary is not None:
            hub = self._hub
            hub.canary = Canary(hub.clock())
            self._start(keep_flying(hub.canary, self._make_canary(), hub.counter, hub.clock, hub.config.workers))

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """Called by Falcon when the last connection is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._life is not None:
            self._life.ends()
        self._stair.close()
        for line in self._lines:
            line.close()
        self._context.destroy(linger=0)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_crash_loudly)
        self._tasks.append(task)

    async def _keep_learning(self) -> None:
        told = False
        while True:
            await self._layouts_wanted.wait()
            self._layouts_wanted.clear()
            try:
                await learn_layouts(self._hub)
                told = False
            except Unanswered as failure:
                if not told:
                    log.info("samples wait for their layout: %s", failure)
                told = True
            await asyncio.sleep(LAYOUT_SECONDS)

    async def _keep_whole(self) -> None:
        while True:
            await self._missed.wait()
            await asyncio.sleep(MISSED_SECONDS)
            self._missed.clear()
            try:
                await read_missed(self._hub)
            except Unanswered as failure:
                log.debug("what was missed is not read yet: %s", failure)

    async def _keep_hearing_of_silences(self) -> None:
        while True:
            await self._hub.hear_of_silences()
            await asyncio.sleep(SILENCES_SECONDS)

    async def _keep_days(self) -> None:
        while True:
            await asyncio.sleep(DAY_PAUSE if await learn_day(self._hub) else DAYS_SECONDS)

    async def _measure_loop(self) -> None:
        clock = self._hub.clock
        while True:
            before, wall = time.monotonic(), clock()
            await asyncio.sleep(TICK_SECONDS)
            passed = time.monotonic() - before
            self._longest = max(self._longest, passed - TICK_SECONDS)
            if clock() - wall < (passed - SET_BACK) * 1e9:
                self._hub.live.set_back(clock())

    async def _keep_telling(self, producer: Producer) -> None:
        fanout, vitals = self._hub.fanout, self._hub.vitals
        while True:
            vitals.gauge("stream.clients", float(fanout.clients))
            vitals.gauge("stream.sent_total", float(fanout.sent))
            vitals.gauge("stream.dropped_total", float(fanout.dropped))
            vitals.gauge("received.frames_total", float(self._stair.frames))
            vitals.gauge("received.missed_total", float(fanout.lost))
            vitals.gauge("received.malformed_total", float(self._stair.malformed + self._hub.live.malformed))
            vitals.gauge(COPIES, float(self._hub.config.workers))
            if (canary := self._hub.canary) is not None:
                vitals.gauge("canary.age_seconds", canary.age(self._hub.clock()))
            readings = vitals.read(time.monotonic(), self._longest)
            self._longest = 0.0
            producer.readings(readings, at=time.time_ns())
            if self._life is not None:
                self._life.is_up()
            await asyncio.sleep(self._hub.vitals_seconds)


def _crash_loudly(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("a worker's task died", exc_info=task.exception())
        raise SystemExit(1)

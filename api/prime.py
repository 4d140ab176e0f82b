"""Reads the newest of everything from the store, once at start until it works, and now and then again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from api.hub import Hub
from api.received import AHEAD, stored
from api.turns import in_chunks
from bus.questions import Unanswered
from bus.wire import Malformed

log = logging.getLogger("guardia.api")

KINDS = ("facts", "processes", "sample", "check", "alert")
RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
MOST_CHECKS = 200
"""Checks by which the places of a service are known."""
AGAIN_SECONDS = 600.0
"""Hosts that the store has forgotten leave the list within this time."""


async def keep_primed(hub: Hub) -> None:
    """Run for the life of the worker."""
    failures = 0
    while True:
        try:
            await prime(hub)
        except Unanswered as failure:
            if failures == 0:
                log.warning("cannot read the newest samples: %s; trying again", failure)
            pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
            failures += 1
        else:
            if failures:
                log.info("the newest samples are read")
            failures, pause = 0, AGAIN_SECONDS
        await asyncio.sleep(pause)


async def prime(hub: Hub) -> None:
    """Fill ``hub.live`` with the newest records; raises ``Unanswered``."""
    before = hub.clock()
    checked: set[str] = set()
    for kind in KINDS:
        if kind == "alert" and hub.primed:
            continue  # what ended while the store was asked would burn on
        found = await _read(hub, kind)
        if kind == "check":
            checked = found
            if not hub.primed:
                await _read_places(hub, found)
    # What was received by a clock that was set back since is of a time to come: it counts from now on, and once.
    hub.live.set_back(hub.clock(), AHEAD)
    await learn_layouts(hub)
    known = {subject.subject for subject in await hub.counter.subjects("sample")}
    gone = before - hub.limits.stale_ns()
    hub.live.forget(lambda name, heard: name not in known and heard < gone)
    hub.live.forget_services(lambda name, heard: name not in checked and heard < gone)
    hub.primed = True


async def read_missed(hub: Hub) -> None:
    """Read the newest of the kinds of which something was missed; raises ``Unanswered``."""
    kinds, hub.fanout.lacking = hub.fanout.lacking, set()
    try:
        for kind in sorted(kinds):
            await _read(hub, kind)
    except Unanswered:
        hub.fanout.lacking |= kinds
        raise


async def _read_places(hub: Hub, services: Iterable[str]) -> None:
    """Hear what each place saw last: a service is what most of them see, and the store's newest is what one saw."""
    for name in services:
        now, stale = hub.clock(), hub.limits.stale_ns(hub.directory.interval(name))
        for record in await hub.counter.range("check", name, max(0, int(now - stale)), now + AHEAD, MOST_CHECKS):
            try:
                hub.live.hear(stored(record.record, record.received))
            except Malformed:
                hub.live.malformed += 1


async def _read(hub: Hub, kind: str) -> set[str]:
    """Hear the newest records of a kind; of whom there are some."""
    found = set()
    async for chunk in in_chunks(await hub.counter.latest(kind)):
        for record in chunk:
            try:
                told = stored(record.record, record.received)
            except Malformed:
                hub.live.malformed += 1
                continue
            found.add(told.subject)
            if not hub.primed or record.received <= hub.clock() + AHEAD:
                hub.live.hear(told)
    return found


async def learn_layouts(hub: Hub) -> None:
    """Ask for the layouts of samples that nobody announced to this worker, then let those samples out."""
    missing = hub.live.unknown_layouts() | hub.fanout.unknown_layouts()
    if missing:
        hub.live.learn(await hub.counter.layouts(missing))
    hub.fanout.retry()
    hub.fanout.flush()

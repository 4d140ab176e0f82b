"""``guardia store writer`` and ``guardia store reader``: the wiring."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence

from bus import process
from bus.desk import Desk
from bus.exits import unwritable
from bus.messages import KINDS, Loss
from bus.program import Program, TryAgain, run
from bus.questions import HoldingsAnswer, StoreStatistics
from bus.sockets import Answer, Push, Settle, Subscribe
from bus.versions import Versions
from store import opening
from store.backends import Backend, StoreBroken, StoreFull, busy, opened
from store.config import AT_START, Store
from store.holdings import holdings
from store.reader import answering, counter
from store.writer import Writer

REFRESH_SECONDS = 2.0
TIDY_SECONDS = 0.5
"""Of these a writer that nobody waits for spends so much on removing what is sealed: of a large import it is much."""
REPORT_SECONDS = 10.0
HEAP_BYTES = 16_777_216
"""Bus frames and batches come and go all the time."""
SETTLE_QUEUE = 500
"""Frames of receipts that may wait for the collector: some receipts for each of 10,000 producers."""


def build_writer(program: Program[Store]) -> None:
    """Open the files and the stair, and connect them."""
    config, loop = program.config, program.loop
    path = program.home / config.path

    process.keep_heap(HEAP_BYTES)
    path.mkdir(parents=True, exist_ok=True)
    backend = _opened(program, write=True)
    if not backend.shared:
        program.log.warning("the backend is memory: what is acknowledged is on no disk, and forgotten at the end")
    subscribe = Subscribe(program.context, (*KINDS, "hello", "refused"))
    pushes = [Push(program.context, queue=SETTLE_QUEUE) for _ in program.bus.entrances]

    def publish(loss: Loss, at: int) -> None:
        program.producer().tell(loss, subject=loss.stream, at=at)

    writer = Writer(
        backend,
        subscribe,
        Settle(pushes),
        loop,
        program.vitals,
        program.log,
        config,
        path,
        publish=publish,
        rules=lambda: program.settings["retention"],
        changed=_changing(program),
    )

    loop.on_stop(backend.close)
    for place, push in enumerate(pushes, 1):
        program.connect(push, "settle", place)
    loop.on_stop(writer.close)
    program.climb(subscribe)
    if not backend.shared:
        _answer(program, backend)

    loop.on_readable(subscribe.raw, writer.drain)
    loop.after(0.0, writer.clean)
    loop.every(REFRESH_SECONDS, _refreshing(backend, writer.idle))
    loop.every(REPORT_SECONDS, writer.report)
    program.on_reload.append(writer.use)
    program.at_start = AT_START
    program.vitals.source(writer.readings)
    process.collect_seldom()


def _changing(program: Program[Store]) -> Callable[[Iterable[bytes]], None]:
    """How others are told of which hosts there is something new; nobody is where there is no room for that."""
    try:
        versions = Versions(program.versions)
    except OSError as error:
        program.log.warning("no answer is kept by the api: %s", unwritable(error))
        return lambda hosts: None
    program.loop.on_stop(versions.close)
    return versions.changed


def build_reader(program: Program[Store]) -> None:
    """Open the files for reading, and the counter."""
    if program.config.backend == "memory":
        program.log.info("the memory backend lives in the writer, which answers itself")
        return
    process.take_short_turns()
    backend = _opened(program, write=False)
    program.loop.on_stop(backend.close)
    program.vitals.source(lambda: {f"reader.{what}": n for what, n in backend.damage().items()})
    _answer(program, backend)
    process.collect_seldom()


def _answer(program: Program[Store], backend: Backend) -> None:
    def outlook(found: StoreStatistics) -> HoldingsAnswer:
        return holdings(found, program.settings, program.home, time.time_ns())

    answer = Answer(program.context)
    program.bind(answer, "reader")
    program.loop.on_readable(answer.raw, counter(answer, backend, program.vitals, outlook))
    try:
        desk = Desk(program.loop, program.desk, answering(backend, program.vitals, outlook))
    except OSError as error:
        raise TryAgain(f"cannot listen at {program.desk}: {(error.strerror or str(error)).lower()}") from None
    program.loop.on_stop(desk.close)
    program.loop.every(REFRESH_SECONDS, _refreshing(backend))


def _refreshing(backend: Backend, idle: Callable[[], bool] = busy) -> Callable[[], None]:
    """Refresh; a store that was replaced is opened anew by another process."""

    def refresh() -> None:
        until = time.monotonic() + TIDY_SECONDS
        try:
            backend.refresh(lambda: idle() and time.monotonic() < until)
        except StoreFull:
            return  # whoever stores says so; what was due is done when there is room
        except (StoreBroken, OSError) as error:
            raise TryAgain(f"cannot look after the store: {error}") from None

    return refresh


def _opened(program: Program[Store], *, write: bool) -> Backend:
    config, path = program.config, program.home / program.config.path
    archive = config.archive_in(program.home)
    return opening.opened(
        lambda: opened(config.backend, path, write=write, url=config.url, archive=archive),
        0.0 if write else opening.FIRST_SECONDS,
    )


def writer(argv: Sequence[str] | None = None) -> int:
    """Run the writer to its end; returns its exit code."""
    return run("store", Store, build_writer, part="writer", argv=argv)


def reader(argv: Sequence[str] | None = None) -> int:
    """Run the reader to its end; returns its exit code."""
    return run("store", Store, build_reader, part="reader", argv=argv)


if __name__ == "__main__":
    raise SystemExit({"writer": writer, "reader": reader}[sys.argv[1]](sys.argv[2:]))

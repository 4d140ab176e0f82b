"""The common start and end of every program.

A room's ``__main__`` hands its table and a function ``build`` to ``run``. What differs between programs stands in
``build``; what does not stands here: arguments, configuration, log, lock, signals, beat, vitals. Exit codes stand in
``bus.exits``.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import zmq

from bus import __version__, home, logs, process
from bus.early import Early
from bus.exits import (
    BUG,
    NO_THREAD,
    PAUSE,
    STOPPED,
    TRY_AGAIN,
    WRONG,
    ends_with,
    lacks_thread,
    outlast_start,
    pause,
    unwritable,
)
from bus.faults import ConfigError
from bus.loop import Loop
from bus.messages import HUB
from bus.producer import Producer
from bus.sockets import Push, Road, Subscribe
from bus.tables import Bus
from bus.vitals import Vitals

if TYPE_CHECKING:
    from bus.lives import Life
    from bus.records import Settings

T = TypeVar("T")
ROADS = {
    "side_door": "door.ipc",
    "side_receipts": "side-receipts.ipc",
    "stair": "stair.ipc",
    "settle": "settle.ipc",
    "reader": "reader.ipc",
    "alerter": "alerter.ipc",
}
_NOT_HERE = "; [bus] {} has to name an address of this machine, or all of them as tcp://*:PORT"
UNBOUND = {
    errno.EADDRINUSE: "; another hub? [bus] {} names another address",
    errno.EADDRNOTAVAIL: _NOT_HERE,
    errno.ENODEV: _NOT_HERE,
}
"""What to do about a public road that cannot be opened."""
DESK = "reader.desk"
WORLD = (*home.PASSING, *home.SCARCE, errno.EACCES, errno.EPERM)
"""What the system says that is no fault of ours."""
MISPLACED = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)
"""At the start: something else is where a file or a folder of ours should be. Later it would be a fault of ours."""
VERSIONS = "store.versions"


class TryAgain(Exception):
    """The world is not as this program needs it; the text is a sentence for the log."""


class Program(Generic[T]):
    """What a running program has: its settings, its loop, its log, its way to the bus."""

    def __init__(self, name: str, table: str, settings: Settings, folder: Path, log: logging.Logger) -> None:
        self.name = name
        self.table = table
        self.settings = settings
        self.config: T = settings[table]
        self.bus: Bus = settings["bus"]
        self.home = folder
        self.run_dir = folder / "run"
        self.beat_file = self.run_dir / f"{name}.beat"
        """The file whose age the watchdog looks at."""
        self.log = log
        self.loop = Loop()
        self.vitals = Vitals(time.monotonic())
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.tells_vitals = True
        """Whether this process's counters are told to the side door; a program on another host has none."""
        self.on_reload: list[Callable[[T], None]] = []
        self.at_start: tuple[str, ...] = ()
        """Further settings, as ``store.path``, that only a start takes up: they are named when they change."""
        self.serve: Callable[[], int] = self._pass_until_stopped
        """What the program does until it is asked to stop; a program with a loop of its own puts that here."""
        self.life: Life | None = None
        """By which it knows how often it ended unasked; a program that tells no vitals has none."""
        self._beaten = -1.0
        self._mute = False
        """Whether the last beat could not be written."""
        self._producer: Producer | None = None

    def address(self, road: str, collector: int = 1) -> str:
        """The address of one of the bus's roads; the door and what leads to it each collector has for itself."""
        if road in ("door", "receipts"):
            return self.bus.entrances[collector - 1][road == "receipts"]
        path = self.run_dir / ROADS[road]
        return f"ipc://{path if collector == 1 else path.with_stem(f'{path.stem}-{collector}')}"

    @property
    def desk(self) -> Path:
        """Where the store's reader has its desk."""
        return self.run_dir / DESK

    @property
    def versions(self) -> Path:
        """Where the store's writer tells the versions of the hosts; see ``bus.versions``."""
        return self.run_dir / VERSIONS

    @property
    def stairs(self) -> tuple[str, ...]:
        """The addresses of all collectors' stairs."""
        return tuple(self.address("stair", place) for place, _ in enumerate(self.bus.entrances, 1))

    @property
    def collectors(self) -> tuple[str, ...]:
        """Under which names the collectors tell their vitals."""
        return tuple(HUB + named("collector", place) for place, _ in enumerate(self.bus.entrances, 1))

    def bind(self, road: Road, name: str, collector: int = 1) -> None:
        """Listen at the road's address until the program ends; raises ``TryAgain`` when it cannot be had."""
        address = self.address(name, collector)
        try:
            road.bind(address)
        except zmq.ZMQError as error:
            reason = zmq.strerror(error.errno or 0).lower()
            remedy = UNBOUND.get(error.errno or 0, "") if name in ("door", "receipts") else ""
            raise TryAgain(f"cannot bind {address}: {reason}{remedy.format(name)}") from None
        if address.startswith("ipc://"):
            path = Path(address.removeprefix("ipc://"))
            path.chmod(0o700)
            self.loop.on_stop(lambda: path.unlink(missing_ok=True))
        self.loop.on_stop(road.close)

    def connect(self, road: Road, name: str, collector: int = 1) -> None:
        """Connect to the road's address until the program ends."""
        road.connect(self.address(name, collector))
        self.loop.on_stop(road.close)

    def climb(self, road: Subscribe) -> None:
        """Connect to the stair of every collector until the program ends."""
        for address in self.stairs:
            road.connect(address)
        self.loop.on_stop(road.close)

    def beat(self) -> None:
        """Show the watchdog that the program lives; called in every pass, it touches the file now and then.

        A disk that does not let it ends nobody: the watchdog sees that too, and judges no silence then.
        """
        now = time.monotonic()
        if now - self._beaten >= self.bus.beat_seconds:
            self._beaten = now
            try:
                os.utime(self.beat_file)
                self._mute = False
            except FileNotFoundError:
                if not self.run_dir.is_dir():
                    raise TryAgain(f"{self.run_dir} is gone") from None
                self.beat_file.touch()
            except OSError as error:
                if not self._mute:
                    named = OSError(error.errno, error.strerror, str(self.beat_file))  # utime does not say which
                    self.log.error("goes on without a beat: %s", unwritable(named))
                self._mute = True

    def _pass_until_stopped(self) -> int:
        self.loop.run()
        return STOPPED

    def producer(self) -> Producer:
        """This room's own voice, under the name ``guardia.<room>``; made once."""
        if self._producer is None:
            push = Push(self.context)
            # What is left to say at the end goes to a collector that is ending too: it is not worth waiting for.
            push.raw.setsockopt(zmq.LINGER, 200)
            self.connect(push, "side_door")
            self._producer = Producer(push, HUB + self.name)
        return self._producer

    def publish_vitals(self) -> None:
        """Tell this process's own counters as a sample."""
        if not self.tells_vitals:
            return
        readings = self.vitals.read(time.monotonic(), self.loop.longest_handler)
        self.loop.longest_handler = 0.0
        self.producer().readings(readings, at=time.time_ns())
        if self.life is not None:
            self.life.is_up()


def named(program: str, place: int) -> str:
    """What the program is called that is the ``place``-th of its kind."""
    return program if place == 1 else f"{program}-{place}"


def version() -> str:
    """The version of this code."""
    return __version__


def run(
    room: str,
    table: type[T],
    build: Callable[[Program[T]], None],
    *,
    part: str = "",
    argv: Sequence[str] | None = None,
    more: str = "",
) -> int:
    """Run one program to its end and return its exit code; ``more`` ends what ``--help`` says."""
    from bus.starting import asked

    name = f"{room}-{part}" if part else room
    found = asked(name, sys.argv[1:] if argv is None else argv, more)
    if isinstance(found, int):
        return found
    return started(name, room, found.settings, found.home, build, level=found.log_level)


def started(
    name: str,
    room: str,
    settings: Settings,
    folder: Path,
    build: Callable[[Program[T]], None],
    *,
    level: str | None = None,
) -> int:
    """Run a program whose settings were read, to its end; returns its exit code."""
    try:
        log = logs.opened(name, folder / "log", settings["bus"], level=level)
    except OSError as error:
        print(f"{name}: {unwritable(error)}, trying again in {PAUSE:g} s", file=sys.stderr, flush=True)
        pause(PAUSE)
        return TRY_AGAIN
    return _lived(Program(name, room, settings, folder, log), build, settings.path)


def _lived(program: Program[T], build: Callable[[Program[T]], None], path: Path) -> int:
    log = program.log
    lock = process.Lock(program.run_dir / f"{program.name}.lock")
    process.call_itself(program.name)
    process.harden(supervised="SUPERVISOR_ENABLED" in os.environ)
    early = Early(program.loop, log)
    world: tuple[int, ...] = (*WORLD, *MISPLACED)
    try:
        process.stacks_into(program.home / "log" / f"{program.name}.stacks")
        if (other := lock.take()) is not None:
            raise TryAgain(f"another {program.name} is running (process {other})")
        _prepare(program, path)
        build(program)
        if program.tells_vitals:
            from bus import lives

            program.life = lives.begun(program.run_dir, program.name, program.vitals)
            program.loop.on_asked = program.life.ends
            program.loop.every(program.bus.vitals_seconds, program.publish_vitals)
            program.loop.after(min(1.0, program.bus.vitals_seconds), program.publish_vitals)
        code = STOPPED
        if not early.over():
            log.info("started")
            world = WORLD
            code = program.serve()
        if code == STOPPED and program.life:
            program.life.ends()
        log.info("stopped")
        return code
    except TryAgain as error:
        return _pausing(program, str(error))
    except ConfigError as error:
        for fault in error.faults:
            log.error("%s", fault)
        outlast_start(at_once=program.loop.asked_to_end)
        return WRONG
    except OSError as error:
        return _pausing(program, unwritable(error)) if error.errno in world else _at_fault(program, error)
    except Exception as error:
        return _pausing(program, NO_THREAD) if lacks_thread(error) else _at_fault(program, error)
    finally:
        with contextlib.suppress(Exception):  # what is half built may not know how to end
            program.loop.end()
        program.context.destroy(linger=200)
        lock.release()
        early.restore()


def _pausing(program: Program[T], reason: str) -> int:
    ends_with(TRY_AGAIN)  # first: who reads the line may ask to stop at once
    program.log.error("%s, trying again in %g s", reason, PAUSE)
    if not program.loop.asked_to_end:
        pause(PAUSE)
    return TRY_AGAIN


def _at_fault(program: Program[Any], error: Exception) -> int:
    if program.life:
        program.life.fails()
    program.log.critical("a fault of Guardia's own: %s: %s", type(error).__name__, error, exc_info=error)
    pause(1.0)
    return BUG


def _prepare(program: Program[T], path: Path) -> None:
    loop, first = program.loop, program.settings

    def reload() -> None:
        try:
            from bus import reloading, rooms

            again = rooms.load(path, needs=rooms.needs(program.table))
        except ConfigError as error:
            for fault in error.faults:
                program.log.error("the new configuration is not used: %s", fault)
            return
        program.settings = again
        for handler in program.on_reload:
            handler(again[program.table])
        later = ("bus", *(() if program.on_reload else (program.table,)), *program.at_start)
        program.log.info("%s", reloading.said(path, first, again, later))

    loop.after_pass(program.beat)
    loop.on_signal(signal.SIGHUP, reload)
    loop.on_stop(lambda: program.beat_file.unlink(missing_ok=True))

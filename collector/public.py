"""The door and the receipts' road that the network reaches: with keys or without, and opened anew when that changes."""

from __future__ import annotations

import time
from collections.abc import Callable

import zmq

from bus import enrolled, process
from bus.copies import COPIES
from bus.enrolled import Enrolled
from bus.faults import in_words
from bus.keys import KeyPair, KeysFault, fingerprint
from bus.program import Program, TryAgain
from bus.sockets import Post, Pull, Road
from collector import guard
from collector.callers import Callers
from collector.config import Collector
from collector.connections import Connections
from collector.door import Door
from collector.intake import Intake
from collector.limits import Limits
from collector.memory import Memory
from collector.monitor import Monitor
from collector.receipts import Receipts
from collector.refusals import Refusals
from collector.scarce import NO_ROOM, in_time
from collector.zap import Zap

LOOK_SECONDS = 0.25
"""A revoked key is cut within this time."""
MEMORY_SECONDS = 0.1
REOPEN_SECONDS = 10.0
"""The old sockets may hold their ports for so long."""
SPARE_FILES = 100
"""Files that the collector needs beside its agents' connections."""
BURST_FILES = 10_000
"""Connections that are too many and not ended yet. Where no file is left for one libzmq goes on, but on a road of the
hub's own (a unix socket): there it ends the process, with a word on standard error alone."""
DOOR, RECEIPTS = "the door", "the receipts' door"


class Public:
    """Opens both roads, and looks after the list of agents while the collector runs."""

    def __init__(
        self, program: Program[Collector], door: Door, receipts: Receipts, refusals: Refusals, place: int = 1
    ) -> None:
        """``place``: which collector of the hub this is."""
        self._program = program
        self._place = place
        self._door = door
        self._receipts = receipts
        self._refusals = refusals
        self._enrolled = Enrolled(program.home)
        self.callers = Callers(self._enrolled, self._look_at_list)
        self._told: tuple[str, ...] = ()
        self._own: KeyPair | None = None
        self._key_seen: int | None = None
        self._opened: list[tuple[Road, Monitor]] = []
        self.zap: Zap | None = None
        config = program.config
        told = "only %d connections are possible"
        most = process.affordable(config.connections, told, program.log, spare=SPARE_FILES, beyond=BURST_FILES)
        self.connections = Connections(most, config.connections_per_address)
        # A HELLO costs the store more than a message: the roads are counted apart.
        self._limits, self._hello_limits = Limits(config.allowance), Limits(config.allowance)
        self._memory = Memory(config.memory_bytes, lambda: [monitor for _, monitor in self._opened], refusals)

    def open(self) -> None:
        """Listen; raises ``TryAgain`` when an address is taken, ``ConfigError`` when it may not be used."""
        program = self._program
        self._own = self._key()
        self._key_seen = self._key_changed()
        self.callers.go_on(program.run_dir, program.name)
        guard.check(program.bus, program.settings.path, keys=self._own is not None)
        if self._own is not None:
            self._answer()
        self._listen()
        self._tell_faults()
        program.loop.every(LOOK_SECONDS, in_time(self._look, NO_ROOM))
        program.loop.every(program.config.report_seconds, in_time(self._write_callers, NO_ROOM))
        program.loop.every(MEMORY_SECONDS, self._memory.look)

    def readings(self) -> dict[str, float | None]:
        """What the collector says of its agents."""
        return {
            "agents.enrolled": float(len(self._enrolled.names)) if self._own else None,
            "agents.handshakes_total": float(self.zap.answered) if self.zap else None,
            "agents.limited": float(len(self._limits)),
            COPIES: float(len(self._program.bus.entrances)),
            **self.connections.readings(),
        }

    # -- keys ---

    def _key(self) -> KeyPair | None:
        program = self._program
        if not program.bus.keys and not enrolled.in_use(program.home):
            return None
        try:
            key = enrolled.hub_key(program.home)
        except (KeysFault, OSError) as fault:
            raise TryAgain(f"the hub's key cannot be used: {in_words(fault)}") from None
        program.log.info("agents need keys; the hub's has the fingerprint %s", fingerprint(key.public))
        return key

    def _key_changed(self) -> int | None:
        try:
            return enrolled.hub_key_path(self._program.home).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _answer(self) -> None:
        """Before any socket that asks for keys is opened, somebody has to know them."""
        if self.zap is None:
            program = self._program
            self.zap = Zap(program.context, self.callers.admitted, self._refusals)
            program.loop.on_readable(self.zap.raw, in_time(self.zap.drain))
            program.loop.on_stop(self.zap.close)

    def _look(self) -> None:
        self._look_at_list()
        if (seen := self._key_changed()) != self._key_seen:
            self._key_seen = seen
            self._reopen()

    def _look_at_list(self) -> None:
        gone = self._enrolled.refresh()
        if gone:
            self.callers.forget(gone)
            self._receipts.revoke(gone)
            self._program.log.info("let in no longer: the keys of %s", ", ".join(sorted(gone)))
        self._tell_faults()

    def _tell_faults(self) -> None:
        for fault in self._enrolled.faults:
            if fault not in self._told:
                self._program.log.error("%s", fault)
        self._told = self._enrolled.faults

    def _write_callers(self) -> None:
        if self._own is not None:
            self.callers.write_to(self._program.run_dir, self._program.name)

    # -- sockets ---

    def _listen(self) -> None:
        program, who = self._program, self.callers.name_of if self._own else None
        opened: list[tuple[Road, Monitor]] = []
        pull, post = Pull(program.context), Post(program.context)
        try:
            opened.append((pull, self._bound(pull, "door")))
            opened.append((post, self._bound(post, "receipts")))
        except TryAgain:
            # What is half open holds its port against the next attempt.
            for road, monitor in opened:
                self._close(road, monitor)
            post.close()
            raise
        self._opened = opened
        (_, at_door), (_, at_receipts) = opened
        self._on_readable(
            pull,
            self._door.opened(
                pull,
                Intake(public=True, is_place=self._enrolled.is_place),
                name=DOOR,
                who=who,
                limits=self._limits,
                hang_up=at_door.hang_up,
            ),
        )
        self._on_readable(
            post,
            self._receipts.opened(
                post,
                name=RECEIPTS,
                public=True,
                who=who,
                limits=self._hello_limits,
                hang_up=at_receipts.hang_up,
            ),
        )

    def _bound(self, road: Road, name: str) -> Monitor:
        config = self._program.config
        road.raw.setsockopt(zmq.RCVHWM, config.peer_queue)
        road.raw.setsockopt(zmq.HANDSHAKE_IVL, int(1000 * config.handshake_seconds))
        if self._own is not None:
            road.ask_for_keys(self._own)
        monitor = Monitor(road, self._refusals, self.connections, self._program.address(name, self._place))
        self._program.loop.on_readable(monitor.raw, monitor.drain)
        self._program.loop.on_stop(monitor.close)
        try:
            self._program.bind(road, name, self._place)
        except TryAgain:
            self._close(road, monitor)
            raise
        return monitor

    def _on_readable(self, road: Road, handler: Callable[[], None]) -> None:
        self._program.loop.on_readable(road.raw, handler)

    def _close(self, road: Road, monitor: Monitor) -> None:
        self._program.loop.forget(road.raw)
        self._program.loop.forget(monitor.raw)
        monitor.close()
        road.close()

    def _reopen(self) -> None:
        """The hub got a key, or another one: whoever is connected has to show what he has."""
        before, self._own = self._own, self._key()
        if self._own is None:
            # Whoever removes the key has to start the collector anew: a door does not open by an accident.
            raise TryAgain("the hub's key is gone")
        if self._own == before:
            return
        self._answer()
        for road, monitor in self._opened:
            self._close(road, monitor)
        self._program.log.info("opening the door and the receipts' road anew, for keys")
        self._listen_again(time.monotonic() + REOPEN_SECONDS)

    def _listen_again(self, until: float) -> None:
        try:
            self._listen()
        except TryAgain:
            if time.monotonic() > until:
                raise
            self._program.loop.after(0.1, lambda: self._listen_again(until))

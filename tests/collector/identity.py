"""A collector whose agents need keys, on loopback, and agents of every sort that want something of it."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from bus import enrolled, keys, rooms
from bus.control import Hello, pack_hello
from bus.keys import KeyPair
from bus.messages import KINDS, Layout, Sample
from bus.program import Program
from bus.sockets import Hear, Publish, Pull, Push, Road, Subscribe
from bus.wire import Record, pack, read, record, unstamped
from collector.config import Collector
from collector.door import Door
from collector.public import Public
from collector.receipts import Receipts
from collector.refusals import Refusals
from tests.ports import free_ports

LAYOUT = Layout(("cpu.percent",))
NOON = 1_769_860_800 * 10**9


def sample(number: int, source: str) -> bytes:
    """A frame with one sample."""
    return pack(record(Sample(LAYOUT.id, (float(number),)), source=source, at=NOON, epoch=1, number=number))


class Rig:
    """A collector's public roads in this process; ``until`` lets it work."""

    def __init__(self, settings: str = "") -> None:
        self.home = Path(tempfile.mkdtemp(prefix="guardia-"))  # the paths of ipc sockets are short
        (self.home / "run").mkdir()
        door, receipts = free_ports(2)
        file = self.home / "guardia.toml"
        file.write_text(
            f'[bus]\ndoor = "tcp://127.0.0.1:{door}"\nreceipts = "tcp://127.0.0.1:{receipts}"\n{settings}\n'
            "[collector]\nreport_seconds = 1\n"
        )
        loaded = rooms.load(file)
        self.program: Program[Collector] = Program("collector", "collector", loaded, self.home, logging.getLogger("t"))
        self.refusals = Refusals()
        self.stair, self.settle = Publish(self.program.context), Pull(self.program.context)
        self.program.bind(self.stair, "stair")
        self.settle_address = self.settle.bind("inproc://settle")
        vitals = self.program.vitals
        self.door = Door(self.stair, self.refusals, vitals, drain_frames=1000, drain_bytes=4_000_000)
        self.receipts = Receipts(self.stair, self.settle, self.refusals, vitals)
        self.program.loop.on_readable(self.settle.raw, self.receipts.settle)
        self.public = Public(self.program, self.door, self.receipts, self.refusals)
        self.context: zmq.Context[Any] = zmq.Context()
        self.listener = Subscribe(self.context, (*KINDS,))
        self.listener.raw.setsockopt(zmq.SUBSCRIBE, b"")
        self.listener.connect(self.program.address("stair"))
        self.seen: list[bytes] = []
        self.pushes: list[Push] = []

    def enrol(self, name: str, *, again: bool = False) -> KeyPair:
        """Let an agent in; its key."""
        pair = keys.new()
        enrolled.admit(self.home, name, pair.public, NOON, again=again)
        return pair

    def keyed(self, road: Road, own: KeyPair, hub: str = "", address: str = "door") -> Road:
        """A road that shows ``own`` key and is connected; ``hub`` is whose key it expects there."""
        road.show_key(own, hub or enrolled.hub_key(self.home).public)
        road.connect(self.program.address(address) if "://" not in address else address)
        return road

    def push(self, own: KeyPair, hub: str = "", address: str = "door") -> Push:
        """An agent's way to the door."""
        road = Push(self.context)
        road.raw.setsockopt(zmq.LINGER, 0)
        road.raw.setsockopt(zmq.HANDSHAKE_IVL, 500)  # how soon somebody who was turned away asks again
        self.keyed(road, own, hub, address)
        self.pushes.append(road)  # a socket that nobody holds is closed
        return road

    def stranger(self) -> Push:
        """A way to the door without a key."""
        road = Push(self.context)
        road.raw.setsockopt(zmq.LINGER, 0)  # nobody will ever take what it says
        road.connect(self.program.address("door"))
        self.pushes.append(road)
        return road

    def hear(self, own: KeyPair) -> Hear:
        """An agent's way to its receipts."""
        road = Hear(self.context)
        self.keyed(road, own, address="receipts")
        return road

    def hello(self, source: str) -> bytes:
        """A producer's HELLO."""
        return pack_hello(Hello(source, "boot", NOON, NOON, 1, 1, ()))

    def until(self, seen: Callable[[], object], what: str, seconds: float = 40.0) -> None:
        """Let the collector work until ``seen``."""
        end = time.monotonic() + seconds
        while not seen():
            assert time.monotonic() < end, f"{what}; refused: {self.refusals.totals}"
            self.work(0.02)

    def work(self, seconds: float) -> None:
        """Let the collector work for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.program.loop.pass_once(0.01)
            self.seen += self.listener.drain()

    def came(self) -> list[Record]:
        """The samples that went up the stair."""
        found: list[Record] = []
        for frame in self.seen:
            if frame.startswith(b"sample\0"):
                found += read(frame, unstamped(frame)[1])
        return found

    def numbers(self, source: str) -> list[int]:
        """The numbers of the samples that came from ``source``."""
        return [one.number for one in self.came() if one.source == source]

    def listening(self) -> None:
        """Wait until what goes up the stair is heard."""
        marker = self.door.incarnation.to_bytes(8, "big")
        self.until(lambda: self.stair.send(marker) and marker in self.seen, "the stair is heard")

    def close(self) -> None:
        """End everything."""
        self.program.loop.after(0, self.program.loop.stop)
        self.program.loop.run()
        for road in self.pushes:
            road.close()
        self.context.destroy(linger=0)
        self.program.context.destroy(linger=0)
        shutil.rmtree(self.home)

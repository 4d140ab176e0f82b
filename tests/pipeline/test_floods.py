"""Rubbish of all kinds, by the ten thousand: nothing falls, nothing grows, and whoever is beside it loses nothing.

With ``GUARDIA_LONG=1`` by the hundred thousand.
"""

from __future__ import annotations

import os
import random
import resource
import socket
import time
from collections.abc import Iterator

import pytest
import zmq

from bus import enrolled, keys, refused
from bus.messages import HUB, KINDS
from bus.sockets import Push
from tests.conftest import LONG
from tests.pipeline import rubbish, zmtp
from tests.pipeline.joined import Joined, home
from tests.pipeline.programs import Programs, until

TIMES = 10 if os.environ.get(LONG) == "1" else 1
FRAMES, BODIES, BEGINNINGS, IDLE = 4000 * TIMES, 1500 * TIMES, 1500 * TIMES, 300 if TIMES == 1 else 1000
GROWTH, FLAT = 64_000_000, 16_000_000
"""Bytes that a program may take more after the first tenth of the rubbish, and after the first half of it."""
SETTINGS = """[store]
free_bytes = "1MB"
[collector]
report_seconds = 1
messages_per_second = 1_000_000.0
bytes_per_second = "1GB"
handshake_seconds = 1.0
"""
PROGRAMS = ("collector", "store-writer", "store-reader")
SEED = 7
SPARE = 20
"""Files that a collector may open beside those that it has, where these are to come to their end."""


class Flooded:
    """A hub with a good producer, and with whoever is to be withstood."""

    def __init__(self, settings: str) -> None:
        self.hub = Programs(settings)
        self.hub.start_all(*PROGRAMS)
        self.chance = random.Random(SEED)
        self._seen: list[dict[str, int]] = []
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        addresses = self.hub.config.read_text().splitlines()
        self.door = int(addresses[1].rpartition(":")[2].strip('"'))
        self.receipts = int(addresses[2].rpartition(":")[2].strip('"'))

    def close(self) -> None:
        """End everything."""
        self.context.destroy(linger=0)
        self.hub.close()

    def resident(self) -> dict[str, int]:
        """Bytes of memory of each program."""
        return {name: self.hub.resident_bytes(name) for name in PROGRAMS}

    def refused(self) -> int:
        """How many frames and connections the collector says that it refused."""
        return sum(row.count for row in refused.read(self.hub.folder / "var" / "run"))

    def counted(self, sent: int) -> None:
        """Wait until exactly so many were counted."""
        until(lambda: self.refused() >= sent, 30, f"{sent} refusals are counted, not {self.refused()}", self.hub)
        assert self.refused() == sent

    def look(self, turn: int, of: int) -> None:
        """Remember what memory the programs have, after a tenth and after half of the rubbish."""
        if turn in (of // 10, of // 2):
            self._seen.append(self.resident())

    def is_flat(self) -> None:
        """The programs took little since the first tenth, and less since the half."""
        (tenth, half), self._seen = self._seen, []
        now = self.resident()
        grown = {name: (now[name] - tenth[name], now[name] - half[name]) for name in PROGRAMS}
        print(
            {name: f"{a / 1e6:+.1f} MB, {b / 1e6:+.1f} MB of it in the second half" for name, (a, b) in grown.items()}
        )
        assert all(since_tenth < GROWTH and since_half < FLAT for since_tenth, since_half in grown.values())


def nothing_lost(hub: Programs, name: str) -> None:
    """All that the good producer told until now arrives."""
    until(lambda: len(hub.told(name)) > 100, 30, "there was load: without it the test would prove nothing", hub)
    told = hub.told(name)
    until(lambda: hub.has_all(name, told), 30, "all that the good one told is stored", hub)
    stored = hub.stored(name)
    assert not [one for one in told if stored[one.value] != 1]
    assert hub.lost(name) == []
    for program in PROGRAMS:
        assert not hub.died(program), f"{program} ended: {hub.output(2000)}"


def settled(hub: Programs, number: int) -> bool:
    """Whether the bad one's messages up to ``number`` are stored or rejected."""
    return any(stream.watermark >= number for stream in hub.streams("web-9"))


@pytest.fixture
def open_hub() -> Iterator[Flooded]:
    made = Flooded(SETTINGS)
    made.hub.producer("web-1", 200.0)
    yield made
    made.close()


@pytest.fixture
def keyed() -> Iterator[tuple[Flooded, Joined]]:
    made = Flooded("keys = true\n" + SETTINGS)
    host = Joined(made.hub, "web-1", 200.0)
    until(lambda: made.hub.beats("collector"), 20, "the collector runs", made.hub)
    host.enrol()
    host.start()
    yield made, host
    host.stop()
    made.close()


def load(flooded: Flooded) -> None:
    """Wait until the good one's messages are stored."""
    until(lambda: len(flooded.hub.streams("web-1")) > 0, 30, "the good one is heard", flooded.hub)


def test_frames_of_every_wrong_kind_are_counted_to_the_last_one(open_hub: Flooded) -> None:
    load(open_hub)
    bad = zmtp.admitted(open_hub.door)
    many = zmtp.admitted(open_hub.door)
    sent = 0
    for turn in range(FRAMES):
        bad.sendall(zmtp.frame(rubbish.frame("web-9", open_hub.chance)))
        sent += 1
        if not turn % 10:
            parts = open_hub.chance.randrange(2, 5)
            many.sendall(zmtp.frame(b"G1", zmtp.MORE) * (parts - 1) + zmtp.frame(b""))
            sent += parts
        if turn == FRAMES // 10:
            open_hub.counted(sent)
        open_hub.look(turn, FRAMES)
    open_hub.counted(sent)

    open_hub.is_flat()
    nothing_lost(open_hub.hub, "web-1")
    bad.close()
    many.close()


def test_an_enrolled_peer_with_wrong_frames_and_wrong_bodies_harms_nobody(keyed: tuple[Flooded, Joined]) -> None:
    flooded, _ = keyed
    load(flooded)
    own = keys.new()
    enrolled.admit(home(flooded.hub), "web-9", own.public, time.time_ns(), place=True)
    push = Push(flooded.context)
    push.raw.setsockopt(zmq.LINGER, 0)
    push.show_key(own, enrolled.hub_key(home(flooded.hub)).public)
    push.connect(f"tcp://127.0.0.1:{flooded.door}")
    codes = [kind.code for name, kind in KINDS.items() if name in ("sample", "layout", "facts", "processes", "check")]
    for turn in range(FRAMES):
        push.raw.send(rubbish.frame("web-9", flooded.chance))
        if turn == FRAMES // 10:
            flooded.counted(turn + 1)
        flooded.look(turn, FRAMES)
    flooded.counted(FRAMES)
    flooded.is_flat()
    hub = flooded.hub
    for turn in range(1, BODIES + 1):
        code, body = flooded.chance.choice(codes), rubbish.body(flooded.chance)
        push.raw.send(rubbish.whole(b"web-9", body, code=code, number=turn, at=time.time_ns()))
        if not turn % (BODIES // 10):
            until(lambda turn=turn: settled(hub, turn), 30, f"{turn} wrong bodies are settled", hub)  # type: ignore[misc]
        flooded.look(turn, BODIES)

    # A body that a layout cannot be made of is rejected; others are for whoever reads them to refuse.
    assert any(stream.rejected for stream in hub.streams("web-9"))
    assert flooded.refused() == FRAMES
    flooded.is_flat()
    nothing_lost(hub, "web-1")


def test_beginnings_that_come_to_nothing_get_nobody_in(keyed: tuple[Flooded, Joined]) -> None:
    flooded, _ = keyed
    load(flooded)
    for turn in range(BEGINNINGS):
        port = flooded.door if turn % 2 else flooded.receipts
        flooded.look(turn, BEGINNINGS)
        with zmtp.connected(port) as bad:
            try:
                bad.sendall(rubbish.beginning(flooded.chance))
                if not turn % 50:
                    zmtp.ended(bad, 0.02)
            except ConnectionError:
                continue
    until(lambda: flooded.refused() > BEGINNINGS // 2, 10, "connections that came to nothing are counted", flooded.hub)

    assert reasons(flooded.hub) <= {"no key", "handshake", "wrong hub key"}
    flooded.is_flat()
    nothing_lost(flooded.hub, "web-1")


def test_idle_and_slow_handshakes_end_while_others_are_served(keyed: tuple[Flooded, Joined]) -> None:
    flooded, host = keyed
    load(flooded)
    idle = [zmtp.connected(flooded.door if place % 2 else flooded.receipts) for place in range(IDLE)]
    slow = [zmtp.connected(flooded.door) for _ in range(20)]
    for place in range(12):
        _dribbled(slow, zmtp.greeting(b"CURVE"), place)
        time.sleep(0.1)  # it is the slowness that is tried

    assert all(zmtp.ended(one, 60.0) for one in (*idle, *slow)), "each was hung up on"
    for one in (*idle, *slow):
        one.close()
    # whoever comes now is served
    host.stop()
    host.start()
    nothing_lost(flooded.hub, "web-1")


def test_a_collector_that_may_open_no_more_files_goes_on(keyed: tuple[Flooded, Joined]) -> None:
    flooded, host = keyed
    load(flooded)
    collector = flooded.hub.pid("collector") or 0
    # libzmq ends a program without files to which another of this machine connects: all have to be there already.
    for name in ("store-writer", "store-reader"):
        until(lambda name=name: bool(flooded.hub.rows(HUB + name)), 30, f"the {name} has told", flooded.hub)  # type: ignore[misc]
    open_now = len(os.listdir(f"/proc/{collector}/fd"))
    _, hard = resource.prlimit(collector, resource.RLIMIT_NOFILE)
    resource.prlimit(collector, resource.RLIMIT_NOFILE, (open_now + SPARE, hard))

    # as many come as there are files for, and are ended, again and again for longer than all that it does now and then
    until_then = time.monotonic() + 4.0
    while time.monotonic() < until_then:
        try:
            many = [zmtp.connected(flooded.door) for _ in range(2 * SPARE)]
        except ConnectionRefusedError:
            raise AssertionError(flooded.hub.output(2000)) from None
        assert not flooded.hub.died("collector"), flooded.hub.output(2000)
        assert zmtp.ended(many[0], 60.0)
        for one in many:
            one.close()

    until(lambda: "descriptors" in reasons(flooded.hub), 10, "it is said that there were no files", flooded.hub)
    host.stop()
    host.start()
    nothing_lost(flooded.hub, "web-1")


def reasons(hub: Programs) -> set[str]:
    """Why the collector refused."""
    return {row.reason for row in refused.read(home(hub) / "run")}


def _dribbled(slow: list[socket.socket], text: bytes, place: int) -> None:
    """Send the next byte of ``text`` on each, where it still stands."""
    for one in slow:
        try:
            one.sendall(text[place : place + 1])
        except OSError:
            continue


def test_a_message_without_end_costs_its_sender_the_connection_before_it_costs_the_memory() -> None:
    flooded = Flooded(SETTINGS + 'memory_bytes = "200MB"\n')
    try:
        flooded.hub.producer("web-1", 200.0)
        load(flooded)
        bad = zmtp.admitted(flooded.door)
        part = zmtp.frame(bytes(60_000), zmtp.MORE)
        end = time.monotonic() + 60
        with pytest.raises(OSError):  # noqa: PT012 (each send may be the one that fails)
            while time.monotonic() < end:
                bad.sendall(part)
                time.sleep(0.0003)  # about as fast as a network of a gigabit
        bad.close()

        until(lambda: flooded.refused() > 0, 10, "it was counted", flooded.hub)
        assert [row.reason for row in refused.read(home(flooded.hub) / "run")] == ["memory"]
        nothing_lost(flooded.hub, "web-1")
    finally:
        flooded.close()

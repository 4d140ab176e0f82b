"""Days of a fleet in simulated time: store and alerter, each in a process of its own, and what they come to need."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerter.channels.common import Carries, Channel
from alerter.committer import Committer
from alerter.handing import hand
from alerter.holding import Holding
from alerter.judge import Judge
from alerter.leaving import forget
from alerter.letters import Letter
from alerter.memory import Memory
from alerter.outbox import Delivered, Outcome
from alerter.routes import Notify
from alerter.rules import in_force
from alerter.speaker import Speaker
from alerter.speaking import means
from benchmarks.databases.peer import size_of
from benchmarks.growth.roles import Role, SealerRole, WriterRole, _Worker
from bus.messages import Layout, Message, Sample, layout_id
from bus.tables import Host
from bus.timing import DAY, HOUR, MINUTE, SECOND
from bus.wire import pack, read, record
from store.config import Store

START = 1_735_689_600 * SECOND
"""2025-01-01: where the simulated time begins."""
TURN = 6 * HOUR
"""After so long it is looked at what everybody needs."""
KEEP = Store(
    keep_samples_seconds=1 * 86_400.0,
    keep_1m_seconds=1 * 86_400.0,
    keep_5m_seconds=2 * 86_400.0,
    keep_1h_seconds=2 * 86_400.0,
)
SWEEP = 10 * MINUTE
DECISIONS, INCIDENTS, EACH = DAY, DAY, 20
"""How long the alerter keeps its decisions and its incidents here, and how many decisions of each rule."""
NAMES = ("cpu.percent", "cpu.count", "load.5m", "memory.percent", "swap.percent", "disk[/].percent", "disk[/].free")
LOG = logging.getLogger("soak")


@dataclass(frozen=True)
class Look:
    """What there was at the end of a turn: bytes of memory and open files of each process, and bytes on the disk."""

    memory: dict[str, int]
    files: dict[str, int]
    disk: dict[str, int]
    notices: int
    """That were delivered since the beginning."""


class Quiet(Channel):
    """Takes every letter, and keeps none."""

    taken = 0

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        Quiet.taken += 1
        return Delivered("ok")


class _AtOnce:
    """In place of threads."""

    def submit(self, call: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Do it here and now."""
        done(call())


class _Hand:
    """In place of a timer."""

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due, self.call, self.gone = due, call, False

    def cancel(self) -> None:
        """Nothing happens when it is due."""
        self.gone = True


class _Clock:
    """In place of the loop: what is due when simulated time comes there, seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._hands: list[_Hand] = []

    def after(self, seconds: float, call: Callable[[], None]) -> _Hand:
        """Call it so much later."""
        hand = _Hand(self.now + seconds, call)
        self._hands.append(hand)
        return hand

    def passes(self, now: float) -> None:
        """Call what is due until then, in its order."""
        while True:
            self._hands = [hand for hand in self._hands if not hand.gone]
            due = [hand for hand in self._hands if hand.due <= now]
            if not due:
                self.now = now
                return
            first = min(due, key=lambda hand: hand.due)
            first.gone, self.now = True, max(self.now, first.due)
            first.call()


class _Mute:
    """In place of the room's voice."""

    def tell(self, message: Any, *, at: int, subject: str | None = None) -> bool:
        """Taken."""
        return True

    def flush(self) -> None:
        """Nothing was kept back."""


class AlerterRole(_Worker):
    """Judge, memory and speaker as they are, between frames that are made here and a channel that takes everything."""

    def __init__(self, path: Path, hosts: int) -> None:
        self._hosts = [f"host-{number}" for number in range(hosts)]
        self._now = START
        self._layout, self._numbers = layout_id(NAMES), dict.fromkeys(self._hosts, 0)
        tables = [Host(name) for name in self._hosts]
        self._judge = Judge(in_force((), tables), tables, (), now=START)
        self._memory, self._clock = Memory(path), _Clock()
        channels, notify = {"ops": Quiet()}, Notify(group_seconds=0.0)
        speaker = Speaker(
            self._memory,
            means(notify, channels),
            loop=self._clock,  # type: ignore[arg-type]
            workers=_AtOnce(),
            log=LOG,
            tell=lambda *_: None,
            wall=lambda: self._now,
            clock=lambda: self._clock.now,
        )
        self._committer = Committer(self._judge, Holding(()), self._memory, speaker, _Mute(), LOG)
        self._committer.restore(START)
        speaker.start()
        for host in self._hosts:
            self._take(host, Layout(NAMES))

    def judge(self, start: int, step: int, rows: int) -> int:
        """So many samples of each host are judged; returns how many letters were delivered since the beginning.

        Each host runs out of memory for half an hour of every six, and every third says nothing meanwhile.
        """
        for row in range(rows):
            self._now = start + row * step
            for place, host in enumerate(self._hosts):
                burns = (self._now // (30 * MINUTE) + place) % 12 == 0
                if not burns or place % 3:
                    wave = (row * 7 + place) % 40
                    memory = 99.0 if burns else 40.0 + wave / 10
                    self._take(host, Sample(self._layout, (20.0 + wave, 8.0, 1.0, memory, 3.0, 60.0, 4e11)))
            self._judge.advance(self._now)
            self._committer.settle(self._now, all_open=True)
            self._clock.passes((self._now - START) / SECOND)
            if self._now % SWEEP < step:
                forget(self._judge.subjects, self._judge.decider, DAY, self._now)
                self._committer.sweep(self._now, decisions=DECISIONS, each=EACH, incidents=INCIDENTS)
        return Quiet.taken

    def close(self) -> None:
        """End as it ends."""
        self._memory.close()

    def _take(self, host: str, message: Message) -> None:
        self._numbers[host] += 1
        told = record(message, source=host, at=self._now, epoch=1, number=self._numbers[host], sent=self._now)
        for one in read(pack(told)):
            hand(self._judge, one, self._now)
            self._committer.note((one,), self._now)


class KeptWriter(WriterRole):
    """The writer, with what it does now and then when nothing comes."""

    def rest(self) -> None:
        """Let go of what others removed, and remove what they have sealed."""
        self._backend.refresh()
        self.remove_sealed()


def soaked(folder: Path, turns: int, hosts: int, step: int) -> Iterator[Look]:
    """What is needed at the end of each turn by a fleet that tells a sample every ``step`` ns."""
    store, rows = folder / "store", TURN // step
    with contextlib.ExitStack() as stack:
        writer = Role(KeptWriter, store, hosts)
        writer.ask("ready")  # the others find a store
        roles = {
            "writer": writer,
            "sealer": Role(SealerRole, store, KEEP),
            "alerter": Role(AlerterRole, folder / "alerter", hosts),
        }
        for role in roles.values():
            stack.callback(role.close)
        for turn in range(turns):
            begin = START + turn * TURN
            roles["writer"].ask("write", begin, step, rows)
            roles["sealer"].ask("seal", begin + TURN)
            roles["writer"].ask("rest")
            notices = roles["alerter"].ask("judge", begin, step, rows)
            yield Look(
                {name: role.memory() for name, role in roles.items()},
                {name: role.files() for name, role in roles.items()},
                {name: size_of(folder / name) for name in ("store", "alerter")},
                notices,
            )

"""A producer host: the real courier and sender, started, killed, wiped and rolled back."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from bus.control import read_receipt
from bus.courier import Courier
from bus.delivery.sender import Sender
from bus.delivery.states import Event, Flag, State
from bus.delivery.window import Limits
from tests.bus.simulation.disk import Account, DictSpool, Killed, Platter
from tests.bus.simulation.network import Link
from tests.bus.simulation.world import NOON, World


@dataclass(frozen=True)
class Habits:
    """How a host lives."""

    rate: float = 2.0
    """Messages a second."""
    spool: int = 10_000
    """Messages that its spool holds."""
    acknowledged_seconds: float = 3600.0
    limits: Limits = field(default_factory=Limits)


class Noting(Courier):
    """A courier that notes which epochs' messages it begins to number anew: it may die before it is done."""

    account: Account

    def _move(self, epoch: int, first: int, last: int, now: float, wall: int) -> None:
        self.account.moved.add(epoch)
        super()._move(epoch, first, last, now, wall)


class Host:
    """One producer under one name."""

    def __init__(self, world: World, name: str, habits: Habits, sender: type[Sender] = Sender) -> None:
        self.world = world
        self.name = name
        self.habits = habits
        self.account = Account()
        self.platter = Platter()
        self.courier: Courier | None = None
        self.full = False
        self.talking = True
        self.clock = 0
        self.lag = 0.0
        self.trip_at: str | None = None
        self.connected = True
        self.door: Link
        self.road: Link
        self.told: dict[bytes, float] = {}
        self.spool_type: type[DictSpool] = DictSpool
        self._sender = sender
        self._life = 0
        self._said = 0
        self._ticks = 0
        self._boot = f"{name}-boot"

    @property
    def wall(self) -> int:
        """The host's clock, ns."""
        return NOON + int(self.world.now * 1e9) + self.clock

    @property
    def now(self) -> float:
        """The host's monotonic clock, s; it stood still while the machine was frozen."""
        return self.world.now - self.lag

    # -- life ---

    def start(self) -> None:
        """A process starts, if none runs."""
        if self.courier is not None:
            return
        self._life += 1
        spool = self.spool_type(
            self.platter,
            self.account,
            messages=self.habits.spool,
            acknowledged_seconds=self.habits.acknowledged_seconds,
            trip=self._trip,
            full=lambda: self.full,
        )
        rng = random.Random(self.world.rng.getrandbits(64))
        sender = self._sender(
            spool.kept(), rng=rng, now=self.now, generation=spool.generation, limits=self.habits.limits
        )
        self.courier = Noting(
            self.name,
            spool,
            sender,
            push=self._push,
            greet=lambda frame: self.road.send(frame),
            connect=self._connect,
            boot=self._boot,
            started=self.wall,
        )
        self.courier.account = self.account
        self._attempt(lambda courier: courier.start(self.now, self.wall))
        self._talk(self._life)

    def kill(self) -> None:
        """The process dies without a word; what is on its disk stays."""
        self.courier = None
        self._life += 1
        self.trip_at = None

    def kill_for(self, seconds: float) -> None:
        """The process dies and is started again."""
        self.kill()
        self.world.after(seconds, self.start)

    def wipe(self) -> None:
        """The disk is lost; call it while no process runs."""
        self.account.lose(set(self.platter.records))
        self.platter = Platter()

    def roll_back(self, snapshot: Platter) -> None:
        """The disk is as it was; call it while no process runs."""
        self.account.lose(set(self.platter.records) - set(snapshot.records))
        self.platter = snapshot.copy()

    def freeze(self) -> Courier | None:
        """A snapshot of the running machine."""
        memo = {id(one): one for one in (self, self.world, self.account)}
        return copy.deepcopy(self.courier, memo)

    def resume(self, frozen: Courier, seconds: float) -> None:
        """The machine is as it was when it was frozen so long ago; only its wall clock is right again."""
        self.kill()
        assert isinstance(frozen.spool, DictSpool)
        self.roll_back(frozen.spool.platter)
        frozen.spool.platter = self.platter
        frozen.sender._rng.seed(self.world.rng.getrandbits(64))
        self.lag += seconds
        self.courier = frozen
        self._arm()
        self._talk(self._life)
        if frozen.sender.state is State.CONNECTING:
            # It was frozen while it tried to connect, and goes on trying.
            self._connect()

    # -- what happens ---

    def hear(self, frame: bytes) -> None:
        """A frame from the receipts' road."""
        if self.connected:
            self._attempt(lambda courier: courier.receipt(read_receipt(frame), self.now, self.wall))

    def connection(self, up: bool) -> None:
        """The connection to the collector is lost, or there again."""
        if up == self.connected:
            return
        self.connected = up
        event = Event.CONNECTED if up else Event.DISCONNECTED
        self._attempt(lambda courier: courier.event(event, self.now, self.wall))

    @property
    def drained(self) -> bool:
        """Whether everything in the spool is acknowledged."""
        courier = self.courier
        return (
            courier is not None
            and not courier.pending
            and courier.sender.unacknowledged == 0
            and courier.sender.state is State.FLOWING
            and Flag.MEMORY not in courier.sender.flags
        )

    # -- inside ---

    def _attempt(self, do: Callable[[Courier], None]) -> None:
        if self.courier is None:
            return
        try:
            do(self.courier)
        except Killed:
            self.world.note(f"{self.name} died {self.trip_at}")
            self.kill_for(self.world.rng.uniform(0.1, 5))
        else:
            self._arm()

    def _arm(self) -> None:
        """Tick again when the courier wants it."""
        assert self.courier is not None
        self._ticks += 1
        mine, courier = self._ticks, self.courier

        def tick() -> None:
            if mine == self._ticks and self.courier is courier:
                self._attempt(lambda courier: courier.tick(self.now, self.wall))

        self.world.after(max(0.005, courier.due(self.now)), tick)

    def _connect(self) -> None:
        def up() -> None:
            if self.connected:
                self._attempt(lambda courier: courier.event(Event.CONNECTED, self.now, self.wall))

        self.world.after(0.05, up)

    def _talk(self, life: int) -> None:
        if life != self._life or self.courier is None:
            return
        rng = self.world.rng
        self.world.after(rng.expovariate(self.habits.rate / 2), lambda: self._talk(life))
        if not self.talking:
            return
        for _ in range(rng.choice((1, 1, 1, 2, 5))):
            self._said += 1
            body = f"{self.name} {self._said}".encode()
            self.told[body] = self.world.now
            self.courier.tell("sample" if rng.random() < 0.8 else "facts", self.name, self.wall, body)
        self._attempt(lambda courier: courier.flush(self.now, self.wall))

    def _push(self, frame: bytes) -> bool:
        self._trip("before push")
        if not self.connected:
            # ZeroMQ keeps a queue for a peer that is away; what matters here is that it may be lost.
            return self.world.chance(0.5)
        return self.door.send(frame)

    def _trip(self, place: str) -> None:
        if self.trip_at == place:
            raise Killed(place)

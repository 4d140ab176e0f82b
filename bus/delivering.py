"""A producer's shell: courier, spool and sockets on a loop, so that what is told is stored or counted as lost.

    deliverer = Deliverer(loop, push, hear, spool, source, door=..., receipts=..., log=log)
    deliverer.tell(message, at=...)         on disk at the end of this pass of the loop, sent after that

What is told within one pass, or within ``gather_seconds``, is made durable with one fsync. Receipts and the
connection's comings and goings are heard on the loop; its end closes everything. A patient one is not woken for
receipts as long as all is well and everything was sent: it reads them some seconds later, several at once.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

import zmq

from bus import failpoints
from bus.control import outspoken, read_receipt
from bus.courier import Courier
from bus.delivery.sender import Sender
from bus.delivery.states import Event, Flag, State
from bus.delivery.window import Limits
from bus.fields import Unfit
from bus.keeping import Keeping
from bus.loop import Loop, Timer
from bus.messages import Message, encode, is_name
from bus.process import boot_id
from bus.producer import Voice
from bus.sockets import Hear, Push, Road, Watch
from bus.timing import backoff, roughly
from bus.wire import Malformed

LEAST_WAIT = 0.002
"""Seconds between two turns of the sender, however much there is to do."""
ELSEWHERE_SECONDS = 10.0
"""Seconds without receipts after which another collector is tried, where there is one; then twice as long."""
MOST_ELSEWHERE_SECONDS = 160.0
UNREACHED_SECONDS = 10.0
"""Who has not heard of the hub by then is told what to look at."""
LOOK_SECONDS = 3.3
"""So old may receipts become that nobody is woken for, and a pass of the loop older: less than until one is missed."""
VAIN = 5
"""After so many connections that came to nothing they are tried with growing rests: a thousand producers that know a
former key of the hub would else keep the collector from all others."""
MOST_REST_SECONDS = 30.0
EARLY_SECONDS = 1.0
"""A timer that would come this much too early is set anew, at most twice in that time."""
Way = Callable[[Push, Hear], tuple[str, str]]
"""Gives both roads their keys, and says where the door and the receipts are to be had now."""
NEWS: dict[Flag, tuple[str, str]] = {
    Flag.REFUSED: ("the hub refuses this producer's key", "the hub takes this producer's key"),
    Flag.HUB_FULL: ("the hub's disk is full or read-only: messages wait here", "the hub's disk takes them again"),
    Flag.SPOOL_FULL: ("the spool is full: the oldest messages are dropped", "the spool has room again"),
    Flag.MEMORY: (
        "the spool cannot be written: the newest messages are kept in memory, and lost if this program ends",
        "the spool can be written again",
    ),
}


class Deliverer(Voice):
    """Tells messages that are kept until the store has them. Its methods are for the loop's own thread."""

    def __init__(
        self,
        loop: Loop,
        push: Push,
        hear: Hear,
        spool: Keeping,
        source: str,
        *,
        door: str,
        receipts: str,
        log: logging.Logger,
        way: Way | None = None,
        elsewhere: Callable[[], bool] | None = None,
        gather_seconds: float = 0.0,
        patient: bool = False,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = time.time_ns,
        rng: random.Random | None = None,
    ) -> None:
        """``elsewhere`` makes ``way`` another one from its next call on; False: there is none."""
        super().__init__(source)
        self._loop = loop
        self._push = push
        self._hear = hear
        self._door_watch = Watch(push)
        self._way = way or (lambda *_: (door, receipts))
        self._elsewhere = elsewhere
        self._patience = ELSEWHERE_SECONDS
        self._up = False
        self._vain = 0
        """Connections in a row that came to nothing, as those to a hub with another key."""
        self._rest_timer: Timer | None = None
        """Ends the time in which no connection is tried; None: it is."""
        self._lost_at: float | None = clock()
        """Since when no receipts come, by ``clock``; None: they do."""
        self._addresses: tuple[str, str] | None = None
        self._log = log
        self._gather_seconds = gather_seconds
        self._patient = patient
        self._listens = True
        """Whether the loop calls for each receipt."""
        self._looked = self._armed = clock()
        self._clock = clock
        self._wall = wall
        self._flush_timer: Timer | None = None
        self._tick_timer: Timer | None = None
        self._flags: frozenset[Flag] = frozenset()
        self._flowed = False
        self._reached_by: float | None = clock() + UNREACHED_SECONDS
        """Until when the hub may be silent without a word; None: it was heard, or the word was said."""
        self.malformed = 0
        self.heard: float | None = None
        """When the last receipt came, by ``clock``; None: none yet."""
        # An epoch must not come twice on any machine: its bits are the kernel's, not a seed's.
        self._rng = rng or random.SystemRandom()
        sender = Sender(
            spool.kept(),
            rng=self._rng,
            now=clock(),
            generation=spool.generation,
            limits=limits,
        )
        self.courier = Courier(
            source,
            spool,
            sender,
            push=self._pushed,
            greet=hear.send,
            connect=self._connect,
            boot=boot_id(),
            started=wall(),
        )

    # -- what a room uses ---

    @property
    def door(self) -> str:
        """Where the hub's door is, or was looked for last."""
        return self._addresses[0] if self._addresses else ""

    def start(self) -> None:
        """Connect, and go on from what the spool kept."""
        self._loop.on_readable(self._hear.watch, self._connection)
        self._loop.on_readable(self._door_watch.raw, self._door)
        self._loop.on_readable(self._hear.raw, self._receipts)
        self._loop.on_stop(self.close)
        if self._patient:
            self._loop.after_pass(self._look)
        if self._elsewhere is not None:
            self._loop.in_passing(1.0, self._look_elsewhere)
        self.courier.start(self._clock(), self._wall())
        self._after()

    def tell(self, message: Message, *, at: int, subject: str | None = None) -> bool:
        """Keep ``message`` until it is stored; see ``Voice``. True: from the next flush on it is on the disk."""
        kind, body = encode(message)
        subject = subject or self.source
        if not is_name(subject):
            raise Unfit(f"{subject!r}: names take letters, digits and . _ : -")
        if not -(2**63) <= at < 2**63:
            raise Unfit(f"{at}: an instant is in ns since 1970, in 64 bits")
        self.courier.tell(kind.name, subject, at, body)
        if self._flush_timer is None:
            self._flush_timer = self._loop.after(self._gather_seconds, self.flush)
        return True

    def reconnect(self) -> None:
        """Connect anew, because the way to the hub is another one now."""
        self._vain = 0
        self.courier.event(Event.DISCONNECTED, self._clock(), self._wall())
        self._connect()
        self._after()

    def flush(self) -> None:
        """Make what was told durable now, and send what may go."""
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        now = self._clock()
        self._read_old(now)
        self.courier.flush(now, self._wall())
        self._after()

    def vitals(self) -> dict[str, float | None]:
        """How it goes, as readings of the process's own sample."""
        courier, status = self.courier, self.courier.spool.status()
        skew = courier.skew_ns
        return {
            "spool.bytes": float(status.bytes),
            "spool.limit_bytes": float(status.limit),
            "spool.limit_seconds": status.seconds,
            "spool.left_seconds": courier.seconds_left(self._clock()),
            "spool.messages": float(status.messages),
            "spool.unacknowledged": float(courier.sender.unacknowledged),
            "spool.dropped_total": float(courier.dropped),
            "spool.rejected_total": float(courier.rejected),
            "spool.sent_total": float(courier.sent),
            "spool.resent_total": float(courier.sender.pump.resent),
            "spool.hub_skew_seconds": None if skew is None else skew / 1e9,
        }

    def close(self) -> None:
        """Make durable what was told, and close spool and sockets; what the door has not taken is sent next time."""
        for timer in (self._flush_timer, self._tick_timer, self._rest_timer):
            if timer is not None:
                timer.cancel()
        self._loop.forget(self._hear.watch)
        self._loop.forget(self._door_watch.raw)
        self._loop.forget(self._hear.raw)
        self.courier.close(self._clock(), self._wall())
        self._door_watch.close()
        self._push.close()
        self._hear.close()

    # -- what the loop calls ---

    def _look_elsewhere(self) -> None:
        """Go another way, as to another collector, when this one has been silent for too long."""
        now = self._clock()
        self._say_unreached(now)
        if self.courier.sender.state is State.FLOWING:
            self._lost_at, self._patience = None, ELSEWHERE_SECONDS
        elif self._lost_at is None:
            self._lost_at = now
        elif now - self._lost_at >= self._patience and self._elsewhere is not None:
            # When it is the store that is silent, all collectors are: going round and round would help nobody.
            self._lost_at, self._patience = now, min(2 * self._patience, MOST_ELSEWHERE_SECONDS)
            if self._elsewhere():
                self._log.warning("no receipts come: trying another way to the hub")
                self.reconnect()

    def _say_unreached(self, now: float) -> None:
        if self._reached_by is None or now < self._reached_by:
            return
        self._reached_by = None
        sender = self.courier.sender
        if sender.state is not State.FLOWING and Flag.REFUSED not in sender.flags:
            door, receipts = self._addresses or ("", "")
            self._log.warning(
                "the hub was not heard yet at %s and %s: look at these addresses, at the hub, and whether a firewall "
                "lets both through; messages are kept in the spool",
                door,
                receipts,
            )

    def _connection(self) -> None:
        for up in self._hear.changes():
            now, wall = self._clock(), self._wall()
            if up is None:
                self.courier.refused(now, wall)
            else:
                self.courier.event(Event.CONNECTED if up else Event.DISCONNECTED, now, wall)
            self._vain = self._vain + 1 if up is False and not self._up else 0
            self._up = bool(up)
        if self._vain >= VAIN and self._rest_timer is None:
            self._rest()
        self._after()

    def _rest(self) -> None:
        """Try no connection for a while: ZeroMQ itself waits longer and longer only where nobody listens at all."""
        for place, road in enumerate((self._push, self._hear)):
            self._disconnect(road, place)
        wait = backoff(self._vain - VAIN + 1, first=1.0, longest=MOST_REST_SECONDS, chance=self._rng.random())
        self._rest_timer = self._loop.after(wait, self._connect)
        # ZeroMQ goes on trying until the socket was looked at after its lingering (0.2 s, at most 2 s) has ended.
        for later in (0.3, 2.3):
            self._loop.after(later, self._settle)

    def _settle(self) -> None:
        for road in (self._push, self._hear):
            if not road.raw.closed:
                road.raw.getsockopt(zmq.EVENTS)

    def _door(self) -> None:
        # The door may have been asked at another moment than the receipts' road, and be refused alone.
        if None in self._door_watch.changes():
            self.courier.refused(self._clock(), self._wall())
            self._after()

    def _receipts(self) -> None:
        self._read_receipts()
        self._after()

    def _read_receipts(self, *, late: bool = False) -> None:
        receipts = []
        for frame in self._hear.drain():
            try:
                receipts.append(read_receipt(frame))
                self.heard = self._clock()
            except Malformed as fault:
                self.malformed += 1
                self._log.error("a receipt that is none: %s", fault)
        for receipt in outspoken(receipts) if late else receipts:
            self.courier.receipt(receipt, self._clock(), self._wall(), late=late)

    def _read_late(self) -> None:
        """Read the receipts that nobody was woken for."""
        if not self._listens:
            self._looked = self._clock()
            self._read_receipts(late=True)

    def _read_old(self, now: float) -> bool:
        """Read them if they may be old; whether it was time to."""
        due = not self._listens and now - self._looked >= LOOK_SECONDS
        if due:
            self._read_late()
        return due

    def _look(self) -> None:
        if self._read_old(self._clock()):
            self._after()

    def _listen(self, wanted: bool) -> None:
        if wanted is not self._listens:
            self._listens = wanted
            if wanted:
                self._loop.on_readable(self._hear.raw, self._receipts)
            else:
                self._looked = self._clock()
                self._loop.forget(self._hear.raw)

    def _tick(self) -> None:
        self._tick_timer = None
        self._read_late()
        self.courier.tick(self._clock(), self._wall())
        self._after()

    def _after(self) -> None:
        """Have the courier called again when it wants to be, and tell what changed."""
        now = self._clock()
        wait = max(LEAST_WAIT, self.courier.due(now))
        timer = self._tick_timer
        # One timer that comes too early costs a turn; one for every message would fill the loop.
        early = timer is not None and timer.due < now + wait - EARLY_SECONDS and now - self._armed >= EARLY_SECONDS / 2
        if timer is None or early or timer.due > now + wait:
            if timer is not None:
                timer.cancel()
            self._armed = now
            self._tick_timer = self._loop.after(wait, self._tick)
        sender = self.courier.sender
        if self._patient:
            self._listen(not sender.calm)
        if sender.flags != self._flags:
            for flag in sender.flags ^ self._flags:
                began, ended = NEWS[flag]
                if flag in sender.flags:
                    self._log.error("%s%s", began, f": {self.courier.trouble}" if flag is Flag.MEMORY else "")
                else:
                    self._log.info("%s%s", ended, self.courier.went() if flag is Flag.SPOOL_FULL else "")
            self._flags = frozenset(sender.flags)
        if (sender.state is State.FLOWING) != self._flowed and sender.state is not State.SYNCING:
            self._flowed = not self._flowed
            if self._flowed:
                self._log.info("the store acknowledges; %d messages wait for it", sender.unacknowledged)
            else:
                left = self.courier.seconds_left(now)
                room = f", which has room for about {roughly(left)}" if left is not None else ""
                self._log.warning("no receipts come (%s); messages are kept in the spool%s", sender.state.value, room)

    # -- what the courier calls ---

    def _pushed(self, frame: bytes) -> bool:
        failpoints.at("push.send")
        return self._push.send(frame)

    def _connect(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None
        roads: tuple[Push, Hear] = (self._push, self._hear)
        for place, road in enumerate(roads):
            # A socket that was refused is dead until it is connected anew.
            self._disconnect(road, place)
        self._addresses = self._way(*roads)
        for road, address in zip(roads, self._addresses, strict=True):
            road.connect(address)

    def _disconnect(self, road: Road, place: int) -> None:
        if self._addresses is not None:
            try:
                road.raw.disconnect(self._addresses[place])
            except zmq.ZMQError:
                self._log.debug("%s was not connected", self._addresses[place])

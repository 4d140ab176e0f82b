"""The stair as the alerter hears it: frames to the judge, holes to the store, silence of the hub itself noticed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from operator import attrgetter

from alerter.catching import LONGEST, Catching
from alerter.committer import Committer
from alerter.handing import hand
from alerter.hearing import Comings
from alerter.judge import Judge
from alerter.subjects import NEVER
from bus.missed import Passed
from bus.sockets import Subscribe, Watch
from bus.timing import SECOND
from bus.vitals import Vitals
from bus.wire import Malformed, Stamp, read, unstamped

KINDS = ("layout", "sample", "check", "facts", "loss")
FRAMES = 200
"""Bus frames judged before the loop looks at anything else."""
BEHIND = 300_000_000
"""Seconds are judged so long (ns) after they began, when what was received before has come."""
BLIND = 2.5
"""So many times the interval of the programs' own counters without a word, and the hub itself hears nothing."""
JUMP = 2 * SECOND
"""A clock that is off by more than this (ns) from what it was was set."""
AWAY = 60 * SECOND
"""Who was away for longer has no evidence of anybody's silence."""


class Listening:
    """Takes what comes and lets time pass."""

    def __init__(
        self,
        subscribe: Subscribe,
        judge: Judge,
        committer: Committer,
        catching: Catching,
        vitals: Vitals,
        log: logging.Logger,
        *,
        silent_seconds: float,
        leapt: Callable[[int], object] = lambda _: None,
        clock: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subscribe = subscribe
        self._watch = Watch(subscribe)
        self.watch = self._watch.raw
        """Becomes readable when the collector comes or goes."""
        self._judge = judge
        self._committer = committer
        self._catching = catching
        self._vitals = vitals
        self._log = log
        self._clock = clock
        self._monotonic = monotonic
        self._silent_seconds = silent_seconds
        self._leapt = leapt
        self._heard = monotonic()
        self._offset = clock() - int(monotonic() * 1e9)
        # What a new collector published before it was heard again is in the store, and nowhere else.
        self._passed = Passed(from_one=True)
        self._received = 0
        self.began = False
        """Whether it has caught up with what was stored, and judges what comes."""
        self._left: list[bytes] = []
        self._comings = Comings()
        self._behind = False
        """Whether more may wait in the socket than was judged in the last turn."""

    # -- the start ---

    def begin(self, judged_until: int) -> None:
        """Catch up with what was received and stored after ``judged_until``, then take what comes."""
        now = self._clock()
        self._comings.known(self._monotonic())  # it is asked for now
        away = now - judged_until
        self._judge.listens(now if away > AWAY or away < 0 else judged_until, max(0, away))
        self._committer.note_judged()
        self._received = judged_until if away >= 0 else 0
        if self._received:
            # What was missed is judged by when it came: for that no time has passed yet.
            for subject in self._judge.subjects.values():
                subject.at(min(subject.now, max(self._received, now - LONGEST)))
        self._catching.start(
            self._received, self._past, frozenset(self._committer.there) if self._received else frozenset()
        )

    def _past(self) -> None:
        # Names of readings, which the pasts are asked by, are known of what was judged.
        self._left = self._left or self._subscribe.drain(1)
        self._judge_read((_received(self._left[0]) if self._left else 0) or self._clock())
        self._catching.past(self._live)

    def _live(self) -> None:
        if not self.began:
            self._log.info(
                "judges %d hosts, services and rooms by %d rules; %d records were read from the store",
                len(self._judge.subjects),
                len(self._judge.rules),
                self._catching.caught,
            )
        self.began = True
        self._comings.told(self._monotonic())
        left, self._left = self._left, []
        self._judge_frames(left, holes=False)
        self._committer.settle(self._clock(), all_open=True)
        self.drain()

    def look_back(self) -> None:
        """Ask for the pasts that other rules look at, which hold from now on; what comes waits for that."""
        if self.began and not self._catching.busy:
            self._catching.past(self._live, new=True)

    # -- what comes ---

    def drain(self) -> None:
        """Judge what has come; while the store is asked it waits in the socket."""
        # Before anything that was received since: by a clock that was set forward all others would be silent.
        self.look_at_clock()
        if not self.began or self._catching.busy or self._asks_what_passed_by():
            return
        frames = self._subscribe.drain(FRAMES)
        self._behind = len(frames) == FRAMES
        if frames:
            self._heard = self._monotonic()
            # What waited here when the collector went is no word of anybody who is there.
            if self._judge.hearing.blind and (last := _received(frames[-1])) > self._judge.hearing.deaf_since:
                self._judge.hears(min(last, self._clock()))
                self._log.info("the collector is heard again")
            self._judge_frames(frames)
        read = 0
        if not self._behind and not self._catching.busy:
            # Of what was received until then no frame waits any more.
            read = self._judge_read(NEVER)
        if not frames and not read:
            return
        if unknown := self._judge.unknown_layouts():
            self._catching.layouts(unknown)
        self._committer.settle(self._clock())

    def _asks_what_passed_by(self) -> bool:
        """Whether what comes waits until the store has told what passed us by, which was before it."""
        if self._catching.answers:
            self._catching.again(self._past)
            return True
        now = self._monotonic()
        if self._comings.due(now):
            self._passed.clear()
            since = self._comings.asked(now, self._received)
            self._catching.start(max(0, since - SECOND), self._live)
            return True
        return self._comings.waits(now)

    def _judge_read(self, until: int) -> int:
        """Judge what was read of the store and received up to then, before what was heard later; how many these are."""
        count = 0
        for at, record in self._catching.taken(until):
            # What was received by a clock that was set back since then is of now at the latest.
            received = min(at, self._clock())
            self._judge.advance(received)
            hand(self._judge, record, received)
            self._committer.note((record,), received)
            self._received = max(self._received, received)
            count += 1
        return count

    def _judge_frames(self, frames: list[bytes], *, holes: bool = True) -> None:
        for place, frame in enumerate(frames):
            try:
                stamp, start = unstamped(frame)
                # Where the store is going to be asked anyway, it is not asked for a hole.
                if holes and not self._comings.expected and self._missed(stamp):
                    # What is in the hole is older than this frame: it is judged first.
                    self._left = frames[place:]
                    self._catching.start(self._received - SECOND, self._live)
                    return
                self._passed.note(stamp)
                # What was received before the clock was set back is of now at the latest.
                now = self._clock()
                received = min(stamp.received, now)
                self._judge_read(received)
                self._judge.advance(received)
                # In the order of measuring, which is the one in which the store tells them again.
                records = sorted(read(frame, start), key=attrgetter("at"))
                for record in records:
                    hand(self._judge, record, received)
                    self._vitals.count("alerter.judged")
                self._committer.note(records, received)
                self._received = max(self._received, received)
                self._vitals.gauge("alerter.lag_seconds", max(0.0, (now - received) / 1e9))
            except Malformed as fault:
                self._vitals.count("alerter.malformed")
                self._log.error("a frame from the collector cannot be read: %s", fault)

    def _missed(self, stamp: Stamp) -> bool:
        missed = self._passed.missing(stamp)
        if not missed:
            return False
        self._vitals.count("alerter.holes")
        self._log.warning("missed %d frames from the collector (%s): asking the store for them", missed, stamp.kind)
        return True

    # -- passing time ---

    def pulse(self) -> None:
        """Let time pass; to be called several times a second."""
        now = self.look_at_clock()
        if not self.began or self._catching.busy:
            return
        self.drain()
        self._catching.look()
        if not self._judge.hearing.blind and self._monotonic() - self._heard > self._silent_seconds:
            silent = self._monotonic() - self._heard
            self._blind(f"nothing has come from the collector for {silent:.0f} s", now - int(silent * 1e9))
        if not self._behind and not self._comings.waits(self._monotonic()) and not self._catching.busy:
            # Who is silent is told by what has come, never by what still waits to be judged.
            self._judge.advance(now - BEHIND)
        self._committer.settle(now)

    def look_at_clock(self) -> int:
        """The time; where it is another than it should be by now, what is remembered is made to fit it first."""
        now = self._clock()
        offset = now - int(self._monotonic() * 1e9)
        by, self._offset = offset - self._offset, offset
        if abs(by) > JUMP:
            self._log.warning("the hub's clock jumped by %.0f s: nobody is called silent for that", by / 1e9)
            self._judge.jumped(by, now)
            self._received = min(self._received, now)
            self._committer.jumped(by, now)
            self._leapt(now)
        return now

    def lag(self) -> float:
        """Seconds by which judging is behind what comes; 0 when nothing waits."""
        if not self._behind and not self._catching.busy:
            return 0.0
        return max(0.0, (self._clock() - self._received) / 1e9)

    def connection(self) -> None:
        """The collector came or went."""
        for up in self._watch.changes():
            if up is False:
                self._blind("the collector is gone", self._clock())
            elif up:
                self._heard = self._monotonic()
                self._comings.came(self._heard, self._received)
                if self._judge.hearing.blind:
                    self._judge.hears(self._clock())
                    self._log.info("the collector is there again")

    def _blind(self, why: str, at: int) -> None:
        if not self._judge.hearing.blind:
            self._judge.hearing.ends(at)
            self._log.warning("%s: no silence means anything until it is heard again", why)

    def close(self) -> None:
        """Stop watching, before the socket is closed."""
        self._watch.close()


def _received(frame: bytes) -> int:
    """When a bus frame was received; 0 when it is none."""
    try:
        return unstamped(frame)[0].received
    except Malformed:
        return 0

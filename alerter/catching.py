"""What was missed, asked of the store: at the start, and when the stair's counter has a hole.

    catching = Catching(ask, loop, judge, log, ...)
    catching.start(since, then)     calls ``then`` when all is read, or when the store does not answer
    catching.taken(until)           what was read, to be judged in one order with what is heard

Nobody is kept waiting for ever: without an answer within ``patience`` the live stream goes on without, and what is
lacking then is asked for once the store answers again.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from alerter.asking import Asking
from alerter.handing import hand, layout_of
from alerter.judge import Judge
from alerter.subjects import LOST_WINDOW, kind_of
from bus.fields import MAX_ITEMS
from bus.loop import Loop, Timer
from bus.messages import IMPORT, KINDS
from bus.questions import Latest, Layouts, Range, Series, SeriesAnswer, Subjects
from bus.sockets import Ask
from bus.timing import SECOND
from bus.wire import Malformed, Record, identity, read

MARGIN = 120 * SECOND
"""Records are asked for by the time of measuring, which may be so much before they were received, or by as much as
the clock of a host is wrong."""
LONGEST = 600 * SECOND
"""What was missed longer ago than this is the past: of that only the newest is asked for."""
KINDS_JUDGED = ("sample", "check", "loss")
MOST = 10_000
"""Records of one subject that are asked for, the newest."""
REST = 1.0
"""Seconds until it is asked again for layouts that the store did not know."""
RECALLED = 500
"""Of so many hosts the last samples are asked for at once."""
MOST_PAUSE = 60.0
"""Seconds until it is asked again for what the store did not tell, at most."""
PLACES = 100
"""The newest checks of a service by which its places are known."""


class Catching:
    """One catching up at a time."""

    def __init__(
        self,
        ask: Ask,
        loop: Loop,
        judge: Judge,
        log: logging.Logger,
        clock: Callable[[], int],
        *,
        patience: float = 10.0,
        forget: int = 7 * 86_400 * SECOND,
    ) -> None:
        self._asking = Asking(ask, loop, log)
        self._loop = loop
        self._judge = judge
        self._log = log
        self._clock = clock
        self._patience = patience
        self._forget = forget
        self._timer: Timer | None = None
        self._wanted: Timer | None = None
        """Until then nobody asks for layouts again."""
        self._then: Callable[[], None] | None = None
        self._records: list[tuple[int, Record]] = []
        self._ahead: deque[tuple[int, Record]] = deque()
        """What was read and is not judged yet, in the order in which it was received."""
        self._known: list[tuple[int, Record]] = []
        """What an earlier life judged, and what hosts say of themselves: known before anything is judged."""
        self._since, self._done = 0, frozenset[str]()
        """As ``start`` took them."""
        self._unheard = False
        """Whether only those are asked for who told nothing since."""
        self._began = 0
        """When it was begun to ask for what was missed, ns."""
        self._starting = False
        """Whether that is what is asked for; else it is pasts."""
        self._lacking: tuple[int, frozenset[str]] | None = None
        """From when on, as ``start`` takes it, it was asked in vain for what was missed."""
        self._pause = patience
        self._probing: Timer | None = None
        """Until then nobody looks again whether the store answers."""
        self.answers = False
        """Whether the store answers again, of which something is lacking: time for ``again``."""
        self.caught = 0
        """Records that were read to be judged."""
        loop.on_readable(ask.raw, self.drain)

    def use(self, *, forget: int) -> None:
        """Catch up with what is younger than ``forget`` (ns) from the next time on."""
        self._forget = forget

    @property
    def busy(self) -> bool:
        """Whether it is still asking."""
        return self._then is not None

    def start(self, since: int, then: Callable[[], None], there: frozenset[str] = frozenset()) -> None:
        """Ask for what was received after ``since`` (0: never anything), call ``then``; ``taken`` gives what was read.

        Of what was received at ``since`` itself, ``there`` was judged (``bus.wire.identity``); all of it if empty.
        """
        self._then = then
        self._since, self._done, self._unheard = since, there, False
        self._starting, self._asking.failed = True, False
        self._began = self._clock()
        self._records, self._known = [], []
        self._ahead.clear()  # which was received after ``since`` too, and is read again
        for kind in KINDS_JUDGED:
            self._asking.put(Subjects(kind), partial(self._subjects, kind))
        self._asking.put(Latest("facts"), self._facts)
        self._wait()
        self._asking.send()

    def look(self) -> None:
        """Look now and then whether the store answers, where something is lacking."""
        if self._lacking is None or self._probing is not None or self.busy or self.answers:
            return
        self._probing = self._loop.after(self._pause, self._look_again)
        self._pause = min(2 * self._pause, MOST_PAUSE)
        self._asking.put(Subjects("sample"), self._is_there)
        self._asking.send()

    def _look_again(self) -> None:
        self._probing = None
        self._forget_questions(Subjects)

    def _is_there(self, answer: Any) -> None:
        self.answers = True

    def again(self, then: Callable[[], None]) -> None:
        """Ask anew for what is lacking of those who told nothing since; who did is judged by what comes."""
        self._log.info("the store answers: asking for what is lacking")
        since, there = self._lacking or (0, frozenset())
        self._lacking, self.answers = None, False
        self.start(since, then, there)
        self._unheard = True

    def layouts(self, ids: tuple[int, ...]) -> None:
        """Ask for the names of layouts that the stair did not tell; once at a time, and after a rest."""
        if self._wanted is not None:
            return
        self._wanted = self._loop.after(self._patience, self._want_again)
        for place in range(0, len(ids), MAX_ITEMS):
            self._asking.put(Layouts(ids[place : place + MAX_ITEMS]), self._layouts)
        self._asking.send()

    def _want_again(self) -> None:
        self._wanted = None
        self._forget_questions(Layouts)

    def _forget_questions(self, kind: type) -> None:
        if not self.busy:
            self._asking.forget(kind)

    # -- questions and answers ---

    def drain(self) -> None:
        """Take the answers that have come."""
        self._asking.drain()
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self.busy and self._asking.idle:
            self._finish()

    def _wait(self) -> None:
        self._asking.answered = False
        self._timer = self._loop.after(self._patience, self._give_up)

    def _give_up(self) -> None:
        if self.busy and self._asking.answered:
            # Ten thousand hosts are many questions: it is silence that ends patience, not their number.
            self._wait()
        elif self.busy:
            self._log.warning("the store did not answer within %g s: going on with what is heard now", self._patience)
            self._asking.failed = True
            self._asking.forget()
            self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._starting and not self._asking.failed:
            self._pause = self._patience
        elif self._starting and (self._lacking is None or self._since < self._lacking[0]):
            self._lacking = self._since, self._done
        self._starting = False
        then, self._then = self._then, None
        now = self._clock()
        for received, record in sorted(self._known, key=lambda one: one[0]):
            self._know(record, min(received, now), now)
        self._ahead.extend(sorted(self._records, key=lambda one: one[0]))
        self.caught += len(self._records)
        self._records, self._known = [], []
        if then is not None:
            then()

    def taken(self, until: int) -> Iterator[tuple[int, Record]]:
        """What was read and received up to ``until``, in that order; each is given once."""
        while self._ahead and self._ahead[0][0] <= until:
            yield self._ahead.popleft()

    def _know(self, record: Record, received: int, now: int) -> None:
        """Take what is not judged: facts, what those told last who told nothing since, losses of before."""
        if record.source == IMPORT:
            return
        if record.kind in ("sample", "check"):
            with suppress(ValueError):
                self._judge.recall(record, received, now)
        elif record.kind == "loss":
            with suppress(ValueError):
                self._judge.loss(KINDS["loss"].decode(record.body), received, judged=False)
        elif received >= now - self._forget or self._judge.knows_of(record.subject):
            # Facts are told once: those of a host that was forgotten bring nobody back.
            hand(self._judge, record, received)

    # -- what the answers are for ---

    def _subjects(self, kind: str, answer: Any) -> None:
        now = self._clock()
        start = max(self._since, now - LONGEST) - MARGIN
        before: list[str] = []
        for one in answer.subjects:
            if one.received < now - self._forget:
                continue
            if kind == "loss":
                if one.received > now - LOST_WINDOW:
                    question = Range(kind, one.subject, now - LOST_WINDOW, now, 1000)
                    self._asking.put(question, partial(self._take, before=True))
                continue
            heard = min(one.received, now)
            what = "service" if kind == "check" else kind_of(one.subject)
            if one.imported and (what, one.subject) not in self._judge.subjects:
                continue  # it told nothing to this hub yet, and is not expected to
            known = self._judge.subjects.get((what, one.subject))
            if self._unheard and known is not None and known.heard > self._since:
                continue
            # Heard until we looked away; what came after that is judged in its order.
            subject = self._judge.known(what, one.subject, min(heard, self._since) if self._since else heard, now)
            # It is judged by when it came, as if no time had passed since; days are not gone through by the second.
            begin = max(self._since or min(heard, self._began), now - LONGEST)
            if subject.first == now or not self._since:
                subject.at(min(subject.now, begin))
            missed = Range(
                kind,
                one.subject,
                start - max(0, one.received - one.last_at),
                max(now, one.last_at) + MARGIN,
                MOST,
            )
            if kind == "check" and self._since and not subject.places_seen:
                # It is what most places see: by the last check alone it would be what that place saw.
                places = Range(kind, one.subject, max(0, one.last_at - self._forget), missed.end, PLACES)
                self._asking.put(places, partial(self._take, before=True))
            if one.received <= self._since:
                if one.received == self._since and self._done:
                    self._asking.put(missed, self._take)
                before += [one.subject] if kind != "check" and not subject.packed else ()
                continue
            if self._since:
                self._asking.put(missed, self._take)
            else:
                self._asking.put(Latest(kind, (one.subject,)), self._take)
        for place in range(0, len(before), RECALLED):
            self._asking.put(Latest(kind, tuple(before[place : place + RECALLED])), partial(self._take, before=True))

    def _take(self, answer: Any, *, before: bool = False) -> None:
        """Take records to be judged; with ``before`` also what was judged, to be known."""
        wanted: set[int] = set()
        for stored in answer.records:
            at_once = stored.received == self._since and bool(self._done)
            if stored.received <= self._since and not (before or at_once):
                continue
            try:
                found = read(stored.record)
            except Malformed:
                continue
            for record in found:
                new = stored.received > self._since or (at_once and identity(record) not in self._done)
                if at_once and new == before and record.kind != "loss":
                    continue  # what was judged is known by the newest of its subject, what was not is in its range
                (self._records if new else self._known).append((stored.received, record))
                if record.kind == "sample" and (number := layout_of(record)) and number not in self._judge.layouts:
                    wanted.add(number)
        if wanted:
            self._asking.put(Layouts(tuple(wanted)), self._layouts)

    def _layouts(self, answer: Any) -> None:
        if self._wanted is not None:
            self._wanted.cancel()
            self._wanted = None
        for number, names in answer.layouts.items():
            self._judge.layout(number, tuple(names))
        if self._judge.unknown_layouts():
            # What the store does not know, as somebody made it up, it knows no better with each sample.
            self._wanted = self._loop.after(min(REST, self._patience), self._rested)

    def _rested(self) -> None:
        self._wanted = None

    def _facts(self, answer: Any) -> None:
        for stored in answer.records:
            with suppress(Malformed):
                self._known += [(stored.received, record) for record in read(stored.record)]

    def past(self, then: Callable[[], None], *, new: bool = False) -> None:
        """Ask for the pasts that rules look at, of every subject known; call ``then``.

        ``new``: only for those of which nothing is known, since a rule looks at them from now on.
        """
        self._then = then
        now = self._clock()
        for subject in list(self._judge.subjects.values()):
            if subject.kind == "service":
                continue
            for key in {feed.key for feed in subject.bound.feeds}:
                if not (new and key in subject.windows):
                    name, seconds = key
                    question = Series(subject.name, (name,), now - int(seconds * 1e9), now, 120)
                    self._asking.put(question, partial(self._fill, subject, key))
        self._wait()
        self._asking.send()
        self._end_if_idle()

    def _fill(self, subject: Any, key: tuple[str, float], answer: SeriesAnswer) -> None:
        for column in answer.columns:
            if column.metric == key[0]:
                pairs = zip(answer.times, column.mean, strict=True)
                subject.remember(key, [(at / 1e9, value) for at, value in pairs if value is not None])

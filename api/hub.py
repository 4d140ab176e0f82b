"""What every resource is given: the parts of one worker."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from api.admission import Admission
from api.auth import Admitted, Keyring, Scope, Verdict
from api.bodies import Trial
from api.canary import Canary
from api.config import Api, StatusPage
from api.counter import Counter
from api.daily import Daily
from api.directory import Directory
from api.fanout import Fanout
from api.health import Limits, StoreSeen, hub_health
from api.judge import AlerterAway, Judge
from api.live import Live
from api.paused import paused
from api.present import Present
from api.service_shapes import ServiceInfo
from api.shapes import Part
from api.used import Used
from bus.judging import Silences
from bus.messages import Silence
from bus.producer import Producer
from bus.questions import GapsAnswer, Unanswered
from bus.timing import SECOND
from bus.versions import Seen
from bus.vitals import Vitals

log = logging.getLogger("guardia.api")

HEALTH_NS = SECOND
"""The store is asked for its health at most this often, since anybody may ask us."""
ACCOUNTS_NS = 10 * SECOND
"""The store is asked for the account of all producers at most this often: a page asked for each second reads it."""


@dataclass
class Hub:
    """One worker's view of the hub, handed to its resources."""

    config: Api
    directory: Directory
    live: Live
    fanout: Fanout
    counter: Counter
    keyring: Callable[[], Keyring]
    clock: Callable[[], int]
    vitals: Vitals
    expected: Mapping[str, tuple[str, ...]]
    """Which programs make up which part of the hub, by the subjects of their vitals."""
    tries: Callable[[Trial], Coroutine[Any, Any, list[str]]]
    """Tries a rule on the past."""
    ask_store: Callable[[bytes], Awaitable[bytes]]
    """Puts a question to the store's reader as it is, for those whose answers are handed on as they are."""
    versions: Seen
    """Of each host, whether the store has something new."""
    status_page: StatusPage
    """What anybody may see."""
    vitals_seconds: float
    """How often each program tells its vitals, and this worker too."""
    judge: Judge
    monotonic: Callable[[], float] = time.monotonic
    """Seconds of a clock that is never set."""
    used: Used | None = None
    """Keeps when each token was let in; None: nobody does."""
    primed: bool = False
    """Whether the newest records were once read from the store: before that, silent hosts are not known."""
    canary: Canary | None = None
    """The message that goes all the way; None where none is sent."""
    voice: Producer | None = None
    """What this worker tells others with; None while it starts."""
    silences: tuple[Silence, ...] = ()
    """Those that hold or will hold, as the alerter said when it was asked last."""
    admission: Admission = field(init=False)
    public: tuple[float, list[ServiceInfo]] = field(init=False, default=(-math.inf, []))
    """Until when (monotonic) the services that anybody may see are told as they are here."""
    daily: Daily = field(init=False)
    """What public services kept of each day."""
    started: int = field(init=False)
    _store: StoreSeen = field(init=False, default=StoreSeen(None, None))
    _asked_at: int = field(init=False, default=0)
    _accounts: GapsAnswer = field(init=False, default=GapsAnswer(()))
    _accounts_at: int = field(init=False, default=0)
    _asking: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _accounting: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    """Another one, so that health, which anybody may ask for, waits for no account."""
    counting: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    """Who counts very many checks, or tells very many rows, has it, so that no two have them in memory."""

    def __post_init__(self) -> None:
        self.started = self.clock()
        self.admission = Admission(self.config.requests_per_s)
        self.daily = Daily(self.status_page.days, self.status_page.zone)

    @property
    def limits(self) -> Limits:
        """When a host is down and when data is stale."""
        return Limits(self.config.down_seconds, self.config.stale_seconds)

    def admit(self, token: str | None, address: str, needs: Scope = "read") -> Verdict:
        """Whether who shows ``token`` at ``address`` may do what needs the scope ``needs``, now.

        It counts as one request. Raises ``TokensFault``.
        """
        verdict = self.keyring().judge(token, self.clock(), needs)
        verdict = self.admission.judge(verdict, address, self.monotonic())
        if isinstance(verdict, Admitted):
            self.mark(verdict.name)
        elif verdict.notable:
            log.warning("%s; it is told to wait", verdict.text)
        return verdict

    def admits(self, verdict: Admitted, now: float) -> bool:
        """Whether who was let in by the same keyring may ask once more at ``now``, from wherever; it counts, if so."""
        if not self.admission.allows(verdict, now):
            return False
        self.mark(verdict.name)
        return True

    def mark(self, name: str) -> None:
        """The token of this name was let in now; nobody's is none."""
        if name and self.used is not None:
            self.used.mark(name, self.clock())

    @property
    def present(self) -> Present:
        """What is known now, for the views."""
        now = self.clock()
        return Present(now, self.live, self.directory, self.limits, paused(self.silences, self.directory, now))

    async def hear_of_silences(self) -> None:
        """Ask the alerter which there are; while it does not answer, those that were known hold."""
        with suppress(AlerterAway):
            self.silences = (await self.judge.answer(Silences())).silences

    def need_hosts(self) -> None:
        """Raise ``Unanswered`` while the list of hosts is not complete: a host left out would look removed."""
        if not self.primed:
            raise Unanswered("the newest samples have not been read from it yet")

    def knows(self, host: str) -> bool:
        """Whether there is such a host."""
        return host in self.live.hosts or host in self.directory.hosts

    async def accounts(self) -> GapsAnswer:
        """What became of every producer's messages ever; asked for at most once in ten seconds.

        Raises ``Unanswered``; nobody waits for the store once more then, and until it is asked again there are none.
        """
        async with self._accounting:
            now = self.clock()
            if not 0 <= now - self._accounts_at < ACCOUNTS_NS:
                self._accounts, self._accounts_at = GapsAnswer(()), now
                self._accounts = await self.counter.gaps(None, None)
            return self._accounts

    async def health(self) -> dict[str, Part]:
        """How each part of the hub is, now."""
        async with self._asking:
            now = self.clock()
            if not 0 <= now - self._asked_at < HEALTH_NS:
                self._store = await self._ask_store()
                self._asked_at = self.clock()
        canary = self.canary.age(now) if self.canary else None
        return hub_health(now, self.started, self._store, self.live, self.expected, canary, self.vitals_seconds)

    async def _ask_store(self) -> StoreSeen:
        started = self.clock()
        try:
            found = await self.counter.statistics()
        except Unanswered as failure:
            return StoreSeen(None, str(failure))
        return StoreSeen((self.clock() - started) / 1e9, None, found.lacking)

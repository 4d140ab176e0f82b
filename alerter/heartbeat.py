"""The outbound heartbeat: an outside service is called while the hub is well, and calls people when the calls end.

A hub that is dead tells nobody. A dead-man service (healthchecks.io, Better Stack, Uptime Kuma's push monitors and
others) does: it expects a request to a secret address at least so often. What is called is ``[notify] heartbeat_url``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from alerter.channels.common import Answer, Carries, Post, Refused, Unreached, judged, scrubbed
from alerter.judge import Judge
from alerter.outbox import Delivered
from alerter.speaker import Submits

SECONDS = 10.0
"""One call lasts at most so long."""
GRAVE = "critical"


MOST_LAG = 60.0
"""Seconds by which judging may be behind what comes."""
CANARY = "canary.age_seconds"
MOST_CANARY = 60.0
"""Seconds since a message came all the way to the disk and back, as the api's workers tell with their counters."""


def unwell(judge: Judge, now: int, *, began: bool, full: bool, lag: float = 0.0, slack: float = 25.0) -> str:
    """Why the hub is not well; empty when it is.

    Then it hears, it can write, messages come all the way to the disk and back, none of its rooms is missing, and what
    comes is judged in time; ``lag`` says by how many seconds it is not. Rooms are heard each ``slack`` seconds at
    least. No rule is needed for it, but for rooms that are missing. An alarm that comes and goes says so while it is
    there, and no longer.
    """
    if not began:
        return "it has not yet caught up with what was stored"
    if judge.hearing.blind:
        return "its collector is not heard"
    if full:
        return "its disk is full or read-only"
    if lag > MOST_LAG:
        return f"it judges {lag:.0f} s behind what comes"
    if (age := _canary(judge, now)) > MOST_CANARY + slack:
        return f"no message has come from the collector to the disk and back for {age:.0f} s"
    for subject in judge.subjects.values():
        for cell in subject.standing() if subject.kind == "hub" else ():
            incident = cell.incident
            if incident and incident.severity == GRAVE and not cell.steadies(now, cell.rule.settle):
                return f"{incident.rule} of {incident.subject}: {incident.reason}"
    return ""


def _canary(judge: Judge, now: int) -> float:
    """Seconds since a message last came all the way; 0 where nobody sends any."""
    ages = list[float]()
    for subject in judge.subjects.values():
        if subject.kind == "hub" and not judge.gone(subject):
            age = subject.reading(CANARY)
            ages += [age + subject.unheard(now) / 1e9] if age == age else []
    return min(ages, default=0.0)


class Heartbeat:
    """Calls the address while ``why_not`` gives nothing; to be asked to ``beat`` every so often."""

    def __init__(
        self,
        url: str,
        carrier: Carries,
        workers: Submits,
        why_not: Callable[[], str],
        log: logging.Logger,
        secrets: tuple[str, ...],
    ) -> None:
        self._url, self._carrier, self._workers = url, carrier, workers
        self._why_not, self._log, self._secrets = why_not, log, secrets
        self._busy = False
        self._fault = ""
        self.beats = self.failures = 0

    def use(self, carrier: Carries) -> None:
        """Let others carry it from the next call on."""
        self._carrier = carrier

    def beat(self) -> None:
        """Call once, in a thread, unless the last call still lasts or the hub is not well."""
        if self._busy:
            return
        if why := self._why_not():
            self._tell(f"the heartbeat is held back: {why}")
            return
        self._busy = True
        self._workers.submit(self._called, self._came)

    def _called(self) -> str:
        """What went wrong; empty when it was taken."""
        try:
            answer: Answer = self._carrier.post(Post(self._url, b"", {}, "GET"), SECONDS)
        except (Unreached, Refused) as error:
            return str(error)
        outcome = judged(answer)
        return "" if isinstance(outcome, Delivered) else outcome.why

    def _came(self, came: str | BaseException) -> None:
        self._busy = False
        if not came:
            self.beats += 1
            self._tell("")
            return
        self.failures += 1
        self._tell(f"the heartbeat's address does not take it: {came}")

    def _tell(self, fault: str) -> None:
        fault = scrubbed(fault, self._secrets)
        if fault and fault != self._fault:
            self._log.warning("%s", fault)
        elif self._fault and not fault:
            self._log.info("the heartbeat goes out again")
        self._fault = fault

    def vitals(self) -> dict[str, float | None]:
        """Calls of this life that were taken, and that were not."""
        return {"heartbeat.taken_total": float(self.beats), "heartbeat.failed_total": float(self.failures)}

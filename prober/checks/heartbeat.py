"""A job that has to report by itself, by a URL or a bus message: a backup, a cron job."""

from __future__ import annotations

from dataclasses import dataclass

from bus.config import setting
from bus.timing import SECOND, in_words, to_two_units
from prober.checks.common import Check
from prober.outcome import DOWN, UNKNOWN, UP, Outcome
from prober.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Heartbeat(Check):
    """A job that reports that it ran: down when its report is late, or says that it failed."""

    url: str = setting(
        "heartbeat:", pattern=r"heartbeat:\S*", form="heartbeat:", help="It has no address: the job comes to us."
    )
    retries: int = setting(0, minimum=0, maximum=10, help="Nothing is tried again: a report is there or is not.")
    every: float = setting(86_400.0, unit="s", minimum=1, maximum=400 * 86_400, help="The job reports this often.")
    late: float = setting(7200.0, unit="s", minimum=0, maximum=400 * 86_400, help="So much later it may come.")

    def look(self, probe: Probe) -> Outcome:
        """Judge the age and the words of the last report."""
        report = probe.report
        if report is None:
            waited = (probe.now - probe.watched_since) / SECOND
            expected = f"one is expected every {in_words(self.every)}"
            if waited <= self.every + self.late:
                return Outcome(UNKNOWN, f"no report has come yet; {expected}")
            return Outcome(DOWN, f"no report has ever come; {expected}", reached=True)
        age = max(0, probe.now - report.at) / SECOND
        metrics = {"age_seconds": age}
        if report.status != UP:
            words = f"it failed: {report.text or 'it does not say why'}"
            return Outcome(DOWN, words, metrics=metrics, reached=True)
        if age > self.every + self.late:
            words = f"no report for {to_two_units(age)}, expected every {in_words(self.every)}"
            return Outcome(DOWN, words, metrics=metrics, reached=True)
        return Outcome(UP, metrics=metrics, reached=True)

    def _finished(self, found: Outcome, probe: Probe) -> Outcome:
        """Nobody is asked, and nobody takes time to answer."""
        return found

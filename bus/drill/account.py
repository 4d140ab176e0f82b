"""Whether the store kept what hosts were promised: journals on one side, answers and ledger on the other. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bus.messages import Loss

FOUND = "found"
_NONE: Counter[int] = Counter()


@dataclass(frozen=True, slots=True)
class Promise:
    """A sample that its host made durable."""

    host: str
    epoch: int
    number: int
    value: int


def promises(text: str) -> Iterator[Promise]:
    """The lines of a journal; the last one may be torn by a kill, and promises nothing then."""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            host, epoch, number, value = line.split()
            yield Promise(host, int(epoch, 16), int(number), int(value))


@dataclass(slots=True)
class Verdict:
    """What became of all promises. ``missing`` are neither stored nor in the ledger: there must be none."""

    promised: int = 0
    stored: int = 0
    declared: int = 0
    doubled: int = 0
    missing: list[Promise] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether nothing was lost, nor stored twice."""
        return not self.missing and not self.declared and not self.doubled


def judged(
    told: Iterable[Promise], stored: Mapping[str, Counter[int]], ledger: Mapping[str, Iterable[Loss]]
) -> Verdict:
    """Hold the store to the journal. ``stored`` counts the values of each host's samples."""
    gone = {host: _gone(losses) for host, losses in ledger.items()}
    verdict = Verdict()
    verdict.doubled = sum(times - 1 for values in stored.values() for times in values.values())
    for one in told:
        verdict.promised += 1
        if stored.get(one.host, _NONE)[one.value]:
            verdict.stored += 1
        elif (one.epoch, one.number) in gone.get(one.host, ()):
            verdict.declared += 1
        else:
            verdict.missing.append(one)
    return verdict


def _gone(losses: Iterable[Loss]) -> set[tuple[int, int]]:
    gone: set[tuple[int, int]] = set()
    for loss in losses:
        numbers = {(loss.epoch, number) for number in range(loss.first, loss.last + 1)}
        gone = gone - numbers if loss.reason == FOUND else gone | numbers
    return gone

"""Whatever is stored between two times is exported once, in the order of time, however old and close together it is."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bus.questions import Question, Range, Series, Subject, TooMuch, Unanswered
from store.answers import answer
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from store.exporting import past
from store.exporting.past import Past, Wanted
from store.keys import FAR
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, sample
from tests.store.sealing import main as seal

MILLISECOND = 1_000_000
TIMES = sorted(
    {
        *(NOON + n * MILLISECOND for n in range(60)),
        *(NOON + n * HOUR - 1 for n in range(1, 30)),
        *(NOON + n * HOUR for n in (8, 10)),
        *(NOON + n * DAY for n in (-400, -399, -30, 3, 50)),
    }
)


class Imported(MemoryBackend):
    """Heard of its hosts first at noon: what is older came later."""

    def subjects(self, kind: str) -> list[Subject]:
        return [replace(one, first_at=NOON) for one in super().subjects(kind)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, FAR),
        (NOON - 399 * DAY, NOON + 3 * DAY),
        (NOON + 7 * MILLISECOND, NOON + 20 * HOUR - 1),
        (NOON + 7 * HOUR, NOON + 20 * HOUR),
        (NOON + 50 * DAY, FAR),
        (NOON - 100 * DAY, NOON),
        (NOON - 300 * DAY, NOON - 200 * DAY),
    ],
)
def test_each_record_is_in_one_piece(start: int, end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_RECORDS", 8)
    backend, asked = Imported(), list[object]()
    backend.commit(batch([layout(), *(sample(number, at=at) for number, at in enumerate(TIMES))]), NOON)

    def ask(question: object) -> object:
        asked.append(question)
        return answer(backend, question)  # type: ignore[arg-type]

    known = Past(ask, Wanted("sample", start, end))
    pieces = [rows for extent in known.extents() for _, rows in known.pieces(extent)]
    assert [row[0] for rows in pieces for row in rows] == [at for at in TIMES if start <= at <= end]
    assert len(asked) < 170, "a year without anything is passed in few steps"


def crowded() -> MemoryBackend:
    """A host that told eight samples at each of four instants close together, and 50 at one of them."""
    backend = MemoryBackend()
    times = [*(NOON + ns for ns in range(4) for _ in range(8)), *(NOON + 2 for _ in range(42)), NOON + HOUR]
    backend.commit(batch([layout(), *(sample(n, at=at, cpu=float(n)) for n, at in enumerate(times))]), NOON)
    return backend


def test_of_very_many_records_of_one_instant_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_RECORDS", 8)
    backend = crowded()
    known = Past(lambda question: answer(backend, question), Wanted("sample", 0, FAR))
    pieces = [rows for extent in known.extents() for _, rows in known.pieces(extent)]
    assert max(map(len, pieces)) == 8
    found = [row for rows in pieces for row in rows]
    assert sorted(found) == sorted(backend.rows("sample", "web-1", 0, FAR))
    assert [row[0] for row in found] == sorted(row[0] for row in found)


def test_a_hub_that_cannot_tell_all_of_an_instant_is_no_whole_export(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MOST_RECORDS", 8)
    backend = crowded()

    def earlier(question: Question) -> object:
        return answer(backend, replace(question, skip=0) if isinstance(question, Range) else question)

    known = Past(earlier, Wanted("sample", 0, FAR))
    with pytest.raises(Unanswered, match="8 records of web-1 are of one instant"):
        list(known.pieces(*known.extents()))


@pytest.mark.parametrize(("start", "end"), [(0, FAR), (NOON - DAY, NOON + DAY), (NOON, NOON + 2 * HOUR - 1)])
def test_steps_reach_as_far_back_as_rollups_do(start: int, end: int, tmp_path: Path) -> None:
    made = LmdbBackend(tmp_path, write=True)
    made.commit(batch([layout(), *(sample(n, at=NOON + n * MINUTE) for n in range(120))]), NOON)
    made.close()
    seal(tmp_path, NOON + 3 * DAY)
    for gone in (tmp_path / "rows" / "sample", tmp_path / "blocks" / "sample" / "raw"):
        shutil.rmtree(gone)
    backend = LmdbBackend(tmp_path, write=False)

    known = Past(lambda question: answer(backend, question), Wanted("sample", start, end, metrics=("cpu.*",)))
    counts = [
        column.count
        for extent in known.extents(stepped=True)
        for _, found in known.steps(extent, HOUR)
        for column in found.columns
    ]
    assert [count for some in counts for count in some if count] == [60, 60]
    assert known.extents() == []
    backend.close()


def test_steps_of_a_host_of_very_many_metrics_are_asked_for_in_smaller_pieces() -> None:
    backend = MemoryBackend()
    backend.commit(batch([layout(), *(sample(n, at=NOON + n * HOUR, cpu=float(n)) for n in range(20))]), NOON)
    whole = Past(lambda question: answer(backend, question), Wanted("sample", 0, FAR))
    asked_for: list[Question] = []

    def sparing(question: Question) -> object:
        asked_for.append(question)
        if isinstance(question, Series) and question.end - question.start >= 5 * HOUR:
            raise TooMuch("900 metrics match")
        return answer(backend, question)

    known = Past(sparing, Wanted("sample", 0, FAR))

    def values(of: Past) -> list[tuple[int, float | None]]:
        pieces = [found for extent in of.extents() for _, found in of.steps(extent, HOUR)]
        return [row for one in pieces for row in zip(one.times, one.columns[0].mean, strict=True)]

    assert values(known) == values(whole)
    assert len(asked_for) < 30

    def meaner(question: Question) -> object:
        if isinstance(question, Series):
            raise TooMuch("900 metrics match")
        return answer(backend, question)

    with pytest.raises(TooMuch):
        values(Past(meaner, Wanted("sample", 0, FAR)))

"""A host that invents layouts costs the sealer no part for each, and every sample stays, once, as it came."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bus.messages import Layout, Sample
from bus.timing import DAY, HOUR, SECOND
from bus.wire import HEADER, RESEND_AT, Record, pack
from store.blocks import gather
from store.blocks.gather import few, gathered
from store.keys import EARLIEST, FAR, SAMPLE_CODE
from store.rows import Row
from store.sealing import merged
from store.spans import RAW
from tests.store.given import LAYOUT, NOON, layout, sample, told
from tests.store.test_layouts import Store, values

MOST = 5


@pytest.fixture(autouse=True)
def few_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "MOST_LAYOUTS", MOST)


def invented(number: int) -> Record:
    """A sample of a layout that nobody announced, a third of a second after the one of that number."""
    at = NOON + number * SECOND + SECOND // 3
    return told(Sample(10_000 + number, (1.0, float(number))), 100_000 + number, at=at)


def messages(rows: list[Row]) -> list[tuple[int, bytes, bytes]]:
    """What has to come back, in order."""
    return sorted((at, record[:RESEND_AT], record[HEADER.size :]) for at, _, record in rows)


def as_told(some: list[Record]) -> list[tuple[int, bytes, bytes]]:
    return messages([(one.at, 0, pack(one)) for one in some])


def test_the_layouts_of_most_rows_are_kept_apart_and_the_others_are_one() -> None:
    some = [record for number in range(100) for record in (sample(number), invented(number))]
    found = gathered((NOON, pack(one), []) for one in some)
    assert len(found) == MOST + 1
    assert {len(rows) for origin, rows in found.items() if origin.layout == LAYOUT.id} == {100}
    ((mute, rows),) = [(origin, rows) for origin, rows in found.items() if origin.layout is None]
    assert (mute.source, len(rows)) == (b"web-1", 100 - (MOST - 1))


@pytest.mark.parametrize("seed", range(30))
def test_what_several_files_have_is_there_once_however_it_was_kept_in_each(seed: int) -> None:
    chance = random.Random(seed)
    every = [told(Sample(n % 12, (1.0, float(n))), n + 1, at=NOON + n * SECOND) for n in range(60)]
    chance.shuffle(every)
    lots = [chance.sample(every, chance.randrange(1, 60)) for _ in range(3)]
    found = few(merged([gathered((NOON, pack(one), []) for one in lot) for lot in lots]), HOUR)
    rows = [row for origin, one in found.items() for row in gather.records(origin, one, SAMPLE_CODE)]
    assert messages(rows) == as_told(list({one.number: one for lot in lots for one in lot}.values()))
    assert sum(origin.layout is not None for origin in found) <= MOST


def test_a_day_may_have_as_many_as_its_hours() -> None:
    some = [told(Sample(hour, (1.0,)), hour + 1, at=NOON + hour * SECOND) for hour in range(2 * MOST)]
    found = {origin: one for record in some for origin, one in gathered([(NOON, pack(record), [])]).items()}
    assert len(few(found, 2 * HOUR)) == 2 * MOST
    assert len(few(found, HOUR)) == MOST + 1


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_flood_of_invented_layouts_is_sealed_joined_and_read(store: Store) -> None:
    some = [record for number in range(200) for record in (sample(number), invented(number))]
    store.tell(layout(), *some[:300], now=NOON + HOUR)
    store.seal(NOON + 2 * HOUR)
    # What is late is put together with what was sealed, some of it told again.
    store.tell(*some[250:], now=NOON + 3 * HOUR)
    store.seal(NOON + 4 * HOUR)
    for later in (5 * HOUR, 2 * DAY, 40 * DAY):
        assert messages(store.backend.rows("sample", "web-1", NOON, NOON + HOUR)) == as_told(some)
        assert values(store.backend, "cpu.percent", NOON) == [59.0]
        store.seal(NOON + later)
    (segment,) = store.sealer.blocks.segments("sample", RAW, EARLIEST, FAR)
    assert len(segment.index.parts) == MOST + 1
    store.close()


def test_a_host_of_few_layouts_is_kept_as_before(store: Store) -> None:
    other = Layout(("cpu.percent", "load.1m", "swap.used"))
    some = [sample(number) for number in range(1, 50)]
    some += [told(Sample(other.id, (5.0, 1.0, 2.0)), 100 + n, at=NOON + (100 + n) * SECOND) for n in range(50)]
    store.tell(layout(), told(other, 99), *some, now=NOON + HOUR)
    store.seal(NOON + 2 * DAY)
    assert values(store.backend, "load.1m", NOON + 120 * SECOND) == [1.0]
    store.close()

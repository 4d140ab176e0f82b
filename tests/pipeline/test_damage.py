"""A page of a partition's file that is gone: real programs go on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bus.questions import Range
from tests.pipeline.asking import NOON, SECOND, Hub
from tests.pipeline.programs import until
from tests.store.test_doubt import filled, forgotten, killing


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    yield made
    made.close()


def test_a_damaged_hour_kills_the_reader_once_and_the_other_hours_are_answered(hub: Hub) -> None:
    store = hub.folder / "var" / "store"
    store.mkdir(parents=True, mode=0o700)
    killing(store, filled(store))
    forgotten(store)
    hub.run()

    def seconds(host: str) -> list[int]:
        found = hub.ask(Range("sample", host, NOON, NOON + 7200 * SECOND, 10_000))
        return [] if found is None else [one.received for one in found.records]

    def dies() -> bool:
        return not seconds("web-0") and hub.died("store-reader")

    until(dies, 20, "the reader dies of the damaged page", hub)
    hub.start("store-reader")

    until(lambda: len(seconds("web-0")) == 1, 20, "the other hour is answered", hub)
    log = hub.folder / "store-writer.out"
    until(lambda: "put aside as" in log.read_text(), 20, "the writer says what became of it", hub)
    hub.sample(7)
    hub.has([7])
    assert hub.pid("store-writer") is not None
    assert hub.pid("store-reader") is not None

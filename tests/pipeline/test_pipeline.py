"""Collector, writer and reader as programs: what is pushed is stored and can be asked for, whoever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bus.messages import Check, Facts
from bus.questions import Latest, Layouts, Series, Statistics, Subjects
from bus.wire import read
from tests.pipeline.asking import NAMES, NOON, PROGRAMS, SECOND, Hub
from tests.pipeline.programs import until


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    try:
        made.run()
        yield made
    finally:
        made.close()


def test_what_was_pushed_can_be_asked_for_in_every_way(hub: Hub) -> None:
    for second in range(1, 121):
        hub.sample(second)
    hub.web.tell(Facts(kernel="6.1"), at=NOON)
    hub.web.tell(Check("down"), subject="shop", at=NOON)
    hub.has(list(range(1, 121)))
    until(lambda: hub.answer(Latest("check")).records, 10, "the check is stored", hub)

    series = hub.answer(Series("web-1", ("cpu.*",), NOON, NOON + 120 * SECOND, points=3))
    assert [column.metric for column in series.columns] == ["cpu.percent"]
    assert series.columns[0].max == (59.0, 119.0, 120.0)
    assert read(hub.answer(Latest("check", ("shop",))).records[0].record)[0].message() == Check("down")
    assert [one.subject for one in hub.answer(Subjects("facts")).subjects] == ["web-1"]
    layout = read(hub.answer(Latest("sample", ("web-1",))).records[0].record)[0].message().layout
    assert hub.answer(Layouts((layout,))).layouts == {layout: NAMES}
    assert hub.answer(Statistics()).records["sample"] >= 121


def test_a_writer_killed_while_samples_come_loses_nothing_that_was_stored_and_goes_on(hub: Hub) -> None:
    for second in range(1, 501):
        hub.sample(second)
    hub.has(list(range(1, 501)))
    for second in range(501, 1001):
        hub.sample(second)
    hub.kill("store-writer")
    before = hub.seconds()
    assert before[:500] == list(range(1, 501)), "the reader answers while there is no writer"

    hub.start("store-writer")
    hub.flows()
    for second in range(1001, 1501):
        hub.sample(second)

    until(lambda: hub.seconds()[-500:] == list(range(1001, 1501)), 20, "the new samples are stored", hub)
    assert hub.seconds()[: len(before)] == before
    assert len(set(hub.seconds())) == len(hub.seconds())


def test_a_collector_killed_and_started_again_goes_on_with_whoever_is_there(hub: Hub) -> None:
    for second in range(1, 101):
        hub.sample(second)
    hub.has(list(range(1, 101)))
    hub.kill("collector")
    hub.start("collector")
    hub.flows()

    for second in range(101, 201):
        hub.sample(second)

    hub.has(list(range(1, 201)))


def test_a_reader_killed_and_started_again_answers_the_same(hub: Hub) -> None:
    for second in range(1, 101):
        hub.sample(second)
    hub.has(list(range(1, 101)))
    hub.kill("store-reader")
    hub.start("store-reader")
    hub.has(list(range(1, 101)))


def test_rubbish_at_the_door_is_told_in_the_log_and_stops_no_sample(hub: Hub) -> None:
    for second in range(1, 101):
        hub.sample(second)
        hub.push.raw.send(b"rubbish")
        hub.push.raw.send_multipart([b"two", b"parts"])
    hub.has(list(range(1, 101)))
    log = hub.folder / "var" / "log" / "collector.log"
    until(lambda: "frames, truncated, from 127.0.0.1" in log.read_text(), 10, "the log tells of it", hub)


def test_everybody_ends_when_asked_and_what_had_come_is_stored(hub: Hub) -> None:
    for second in range(1, 301):
        hub.sample(second)
    hub.has(list(range(1, 301)))
    assert [hub.ended(name) for name in PROGRAMS] == [0, 0, 0]
    run = hub.folder / "var" / "run"
    assert not list(run.glob("*.beat")), "nobody seems to live"

    for name in PROGRAMS:
        hub.start(name)
    hub.has(list(range(1, 301)))

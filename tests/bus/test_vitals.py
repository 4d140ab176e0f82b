"""A process's own counters as readings."""

from __future__ import annotations

from bus.messages import is_metric
from bus.vitals import Vitals

NOON = 43_200.0


def test_a_counter_is_read_as_its_total_and_as_the_rate_since_the_last_reading() -> None:
    vitals = Vitals(NOON)
    vitals.count("intake.frames", 30)
    first = vitals.read(NOON + 10)
    vitals.count("intake.frames")
    second = vitals.read(NOON + 12)

    assert (first["intake.frames_total"], first["intake.frames_per_s"]) == (30, 3)
    assert (second["intake.frames_total"], second["intake.frames_per_s"]) == (31, 0.5)
    assert vitals.total("intake.frames") == 31
    assert vitals.total("never.counted") == 0


def test_gauges_keep_their_last_value_and_sources_are_asked_at_each_reading() -> None:
    vitals = Vitals(NOON)
    answers = [{"queue.length": 1.0}, {"queue.length": 2.0}]
    vitals.gauge("store.full", 1.0)
    vitals.gauge("store.full", None)
    vitals.source(lambda: dict(answers.pop(0)))

    assert vitals.read(NOON + 1)["queue.length"] == 1.0
    found = vitals.read(NOON + 2)

    assert found["queue.length"] == 2.0
    assert found["store.full"] is None


def test_what_a_source_tells_no_more_is_no_reading_any_more() -> None:
    vitals = Vitals(NOON)
    answers: list[dict[str, float | None]] = [{"prober.connected": 0.0}, {}]
    vitals.source(lambda: answers.pop(0))
    assert "prober.connected" in vitals.read(NOON + 1)
    assert "prober.connected" not in vitals.read(NOON + 2)


def test_the_process_itself_is_measured() -> None:
    vitals = Vitals(NOON)
    sum(range(3_000_000))
    found = vitals.read(NOON + 5, longest_handler=0.25)

    assert found["process.uptime_seconds"] == 5
    assert found["loop.longest_seconds"] == 0.25
    assert (found["process.rss_bytes"] or 0) > 1_000_000
    assert 0 < (found["process.cpu_percent"] or 0) < 200


def test_two_readings_at_one_instant_divide_by_nothing() -> None:
    vitals = Vitals(NOON)
    vitals.read(NOON)
    assert vitals.read(NOON)["process.uptime_seconds"] == 0


def test_every_reading_has_a_metrics_name() -> None:
    vitals = Vitals(NOON)
    vitals.count("intake.frames")
    assert all(is_metric(name) for name in vitals.read(NOON + 1))

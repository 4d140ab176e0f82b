"""Real programs, killed at each step of the way, full, put back: what is durable is stored once, or in the ledger."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from tests.pipeline.programs import Programs, Told, until

RATE = 1000.0
BETWEEN = 600
"""Messages that must be told between two faults: without load a fault proves nothing."""


@pytest.fixture
def programs(request: pytest.FixtureRequest) -> Iterator[Programs]:
    made = Programs(getattr(request, "param", ""))
    yield made
    made.close()


def _more(programs: Programs, count: int) -> None:
    """Wait until so many more messages were told."""
    goal = programs.count_told() + count
    until(lambda: programs.count_told() >= goal, 30, f"{count} more messages told", programs)


def _arrived(programs: Programs, name: str) -> list[Told]:
    """What the producer told so far, when all of it is stored or declared lost."""
    told = programs.told(name)
    assert len(told) > 300
    until(lambda: programs.has_all(name, told), 60, f"everything that {name} told has arrived", programs)
    return told


def _check(programs: Programs, *names: str) -> None:
    """Every message told is stored once, and nothing was declared lost."""
    for name in names:
        told = _arrived(programs, name)
        stored = programs.stored(name)
        assert [one.value for one in told if one.value not in stored] == []
        assert [value for value, times in stored.items() if times > 1] == []
        assert programs.lost(name) == []


def _hub(programs: Programs, **faults: str) -> None:
    for name in ("collector", "store-writer"):
        programs.start(name, faults.get(name.replace("-", "_"), ""))


@pytest.mark.parametrize(
    "place",
    [
        "store.before_commit=kill@30",
        "store.after_commit=kill@30",
        "receipt.send=kill@8",
        "collector.forward=kill@60",
        "spool.commit=kill@3",
        "journal.make=kill@1",
        "journal.write=kill@60",
        "journal.written=kill@60",
        "push.send=kill@60",
    ],
)
def test_a_kill_at_each_step_of_the_way_loses_and_doubles_nothing(programs: Programs, place: str) -> None:
    room = place.partition(".")[0]
    victim = {"store": "store-writer", "receipt": "store-writer", "collector": "collector"}.get(room, "web-1")
    _hub(programs, store_writer=place, collector=place)
    programs.producer("web-1", RATE, faults=place)

    until(lambda: programs.died(victim), 30, f"{victim} dies at {place}", programs)
    programs.start(victim)
    _more(programs, BETWEEN)

    _check(programs, "web-1")


def test_a_hub_that_was_away_gets_everything_afterwards_in_order(programs: Programs) -> None:
    programs.producer("web-1", RATE)
    _more(programs, 3000)
    _hub(programs)

    _check(programs, "web-1")
    assert all(stream.duplicates < stream.stored / 10 for stream in programs.streams("web-1"))


@pytest.mark.parametrize("programs", ["spool_bytes = 1048576\n"], indirect=True)
def test_what_a_full_spool_drops_is_in_the_ledger_and_nothing_else(programs: Programs) -> None:
    programs.producer("web-1", 4000)
    _more(programs, 12_000)
    _hub(programs)
    told = _arrived(programs, "web-1")
    programs.kill("web-1", signal.SIGTERM)

    stored = programs.stored("web-1")
    gone = {
        (loss.epoch, number)
        for loss in programs.lost("web-1")
        for number in range(loss.first, loss.last + 1)
        if loss.reason == "dropped"
    }
    missing = {(one.epoch, one.number) for one in told if one.value not in stored}
    assert len(missing) > 1000
    assert missing <= gone
    assert sum(stream.lost for stream in programs.streams("web-1")) == len(gone)


def test_a_store_whose_disk_is_full_stays_up_and_gets_everything_when_there_is_room(programs: Programs) -> None:
    """The writer stops at its low-water mark, which rises above all that is free: other tests use the same disk."""
    settings = programs.config.read_text()

    def kept_free(size: str) -> None:
        programs.config.write_text(f"{settings}[store]\nfree_bytes = '{size}'\nretry_seconds = 1\n")
        if pid := programs.pid("store-writer"):
            os.kill(pid, signal.SIGHUP)

    programs.config.write_text(f"{settings}[store]\nfree_bytes = '1MB'\nretry_seconds = 1\n")
    _hub(programs)
    programs.producer("web-1", RATE)
    _more(programs, 500)
    until(lambda: bool(programs.streams("web-1")), 30, "some of it is stored", programs)
    kept_free("1000TB")
    log = programs.folder / "store-writer.out"
    until(lambda: "cannot store" in log.read_text(), 20, "the writer says that it cannot store", programs)
    until(lambda: "disk is full" in (programs.folder / "web-1.out").read_text(), 20, "the producer knows", programs)
    _more(programs, 1000)
    kept_free("1MB")
    until(lambda: "there is room again" in log.read_text(), 20, "the writer goes on", programs)
    _more(programs, 500)

    _check(programs, "web-1")


def test_a_store_put_back_to_an_older_copy_is_refilled(programs: Programs) -> None:
    _hub(programs)
    programs.producer("web-1", RATE)
    _more(programs, 1000)
    _arrived(programs, "web-1")  # so that there is a store, however slowly it started
    programs.kill("store-writer", signal.SIGTERM)
    store, copy = programs.folder / "var" / "store", programs.folder / "copy"
    shutil.copytree(store, copy)
    programs.start("store-writer")
    _more(programs, 2000)
    _arrived(programs, "web-1")
    programs.kill("store-writer")
    shutil.rmtree(store)
    copy.rename(store)
    programs.start("store-writer")
    _more(programs, 500)

    _check(programs, "web-1")

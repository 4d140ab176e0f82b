"""A hub that keeps its records in PostgreSQL, as documented; the server crashes under load and comes back."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from bus.asking import asked
from bus.messages import KINDS
from bus.questions import Range, Records, Unanswered
from bus.wire import read
from tests.pipeline.programs import HUB, Programs, until
from tests.store.servers import Postgres, programs

BEFORE, AFTER = 500, 500


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    found = programs()
    assert found is not None
    made = Postgres(found)
    yield made
    made.stop()


@pytest.fixture
def hub(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    monkeypatch.setenv("STORE_URL", server.database().reveal())
    made = Programs('[store]\nbackend = "postgres"\nurl = "${STORE_URL}"\n')
    yield made
    made.close()


def values(hub: Programs) -> Counter[int]:
    """The values of all stored samples, as the reader answers."""
    found: Counter[int] = Counter()
    end = 2**62
    while True:
        page: Records = asked(hub.folder / "var", Range("sample", "web-1", 0, end, 10_000))
        rows = [read(one.record)[0] for one in page.records]
        found.update(int(KINDS["sample"].decode(row.body).values[0]) for row in rows)
        if len(rows) < 10_000:
            return found
        end = rows[0].at - 1


def at_work(hub: Programs) -> bool:
    """Whether some samples are stored and can be read; a reader that came before the writer is started again."""
    hub.revived()
    try:
        return bool(values(hub))
    except Unanswered:
        return False


def missing(hub: Programs) -> list[int]:
    """What was told and is not stored; the programs that ended because the server was away are started again."""
    for name in HUB:
        if hub.died(name):
            hub.start(name)
    try:
        stored = values(hub)
    except Unanswered:
        return [0]
    return [one.value for one in hub.told("web-1") if one.value not in stored]


def test_a_crash_of_the_server_under_load_loses_and_doubles_nothing(hub: Programs, server: Postgres) -> None:
    for name in HUB:
        hub.start(name)
    hub.producer("web-1", 500)
    # The writer has to be at work: a server that is gone before its start says something else.
    until(lambda: hub.count_told() > BEFORE and at_work(hub), 60, "messages are told and stored", hub)
    server.halt("immediate")
    told = hub.count_told()
    until(lambda: hub.count_told() > told + BEFORE, 30, "the producer goes on", hub)
    server.start()
    told = hub.count_told()
    until(lambda: hub.count_told() > told + AFTER, 30, "more messages are told", hub)
    hub.kill("web-1", signal.SIGTERM)
    hub.producer("web-1", 1)
    # A writer whose server is away ends with a sentence; a supervisor starts it again.
    until(lambda: not missing(hub), 60, "everything is stored", hub)
    hub.kill("web-1", signal.SIGTERM)

    assert [value for value, times in values(hub).items() if times > 1] == []
    # Whichever part of the writer finds it out first: a commit, or the newest samples once a second.
    # The one that was at work says so, and not only those that find no server at their start.
    ended = re.search(r"store-writer: (cannot store: )?PostgreSQL: .+, trying again in", hub.said("store-writer"))
    assert ended, hub.said("store-writer")
    assert "a fault of Guardia's own" not in hub.output()

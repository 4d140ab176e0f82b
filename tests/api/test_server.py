"""A worker says that it lives."""

from __future__ import annotations

import asyncio
import logging
import resource
import time

import pytest
import uvicorn
from gunicorn.config import Config

from api.config import Api
from api.server import SPARE_FILES, STRANGERS, Log, Seldom, possible, worker_class


def test_a_worker_says_that_it_lives_though_the_clock_was_set_back() -> None:
    said: list[float] = []

    async def notify() -> None:
        said.append(time.monotonic())

    options = worker_class(Api()).CONFIG_KWARGS
    config = uvicorn.Config("none:app", timeout_notify=options["timeout_notify"], callback_notify=notify)
    server = uvicorn.Server(config)
    server.last_notified = time.time() + 3600.0
    asyncio.run(server.on_tick(10))
    assert len(said) == 1


def test_what_a_stranger_can_cause_at_will_is_told_once_in_a_while_with_its_number() -> None:
    now = [0.0]
    seldom = Seldom(60.0, lambda: now[0])

    def told(text: str, level: int = logging.WARNING) -> str | None:
        record = logging.LogRecord("uvicorn.error", level, "", 0, text, (), None)
        return record.getMessage() if seldom.filter(record) else None

    assert told("Invalid HTTP request received.") == "Invalid HTTP request received."
    assert [told("Invalid HTTP request received.") for _ in range(7)] == [None] * 7
    assert told("Unsupported upgrade request.") is not None, "another kind"
    assert [told("a fault of ours", logging.ERROR) for _ in range(2)] == ["a fault of ours"] * 2
    now[0] = 61.0
    assert (
        told("Invalid HTTP request received.") == "Invalid HTTP request received, and 7 more since that was told last"
    )
    assert told("Unsupported upgrade request.") == "Unsupported upgrade request."


def test_a_message_of_a_stranger_that_is_no_text_is_no_error_of_ours_and_leaves_no_traceback() -> None:
    seldom = Seldom(60.0, lambda: 0.0)

    def record() -> logging.LogRecord:
        why = (UnicodeDecodeError, UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), None)
        return logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, STRANGERS[0], (), why)

    one = record()
    assert seldom.filter(one)
    assert (one.levelname, one.exc_info) == ("WARNING", None)
    assert not seldom.filter(record())


def test_a_worker_that_hung_is_told_once_and_who_was_killed_is_not_said_to_lack_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log(Config())
    log.critical("WORKER TIMEOUT (pid:%s)", 7)
    log.error("Worker (pid:%s) was sent %s! Perhaps out of memory?", 7, "SIGKILL")
    log.error("Worker (pid:%s) was sent %s! Perhaps out of memory?", 8, "SIGKILL")
    assert [record.getMessage() for record in caplog.records] == [
        "worker 7 did nothing for 30 s: it is ended, and replaced",
        "worker 8 was killed, by somebody or for a lack of memory: it is replaced",
    ]


def test_a_worker_takes_no_more_connections_than_it_may_open_files_and_asks_for_enough(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = logging.getLogger("guardia.api")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (400, before[1]))
        assert possible(Api(connections=1000), log).connections == min(1000, before[1] - SPARE_FILES)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(1100, before[1])
        assert caplog.text == ""
        assert possible(Api(connections=before[1]), log).connections == before[1] - SPARE_FILES
        assert f"a worker takes only {before[1] - SPARE_FILES} connections" in caplog.text
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

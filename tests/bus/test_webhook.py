"""What is told to a URL comes in its order, and is tried again where nobody takes it."""

from __future__ import annotations

import logging
import threading

import pytest

from bus.exits import NO_THREAD
from bus.secret import Secret
from bus.webhook import ATTEMPTS, Webhook

URL = Secret("http://hub.example/?key=tell-nobody")
LOG = logging.getLogger("test.webhook")
Body = dict[str, object]


def test_what_nobody_takes_is_tried_again_with_growing_rests(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[str | None] = ["it answered 500", "it answered 500", None]
    rests: list[float] = []
    webhook = Webhook(URL, LOG, say=lambda url, body: answers.pop(0), rest=rests.append)

    assert webhook.delivered({"message": "alerter is down"})
    assert answers == []
    assert 2.5 <= rests[0] <= 5 <= rests[1] <= 10
    assert "it answered 500, trying again" in caplog.text
    assert "tell-nobody" not in caplog.text


def test_after_many_attempts_it_is_left_at_once(caplog: pytest.LogCaptureFixture) -> None:
    rests: list[float] = []
    webhook = Webhook(URL, LOG, say=lambda url, body: "it cannot be reached", rest=rests.append)
    assert not webhook.delivered({"message": "alerter is down"})
    assert len(rests) == ATTEMPTS - 1 == caplog.text.count("trying again")
    assert caplog.messages[-1].endswith(": it cannot be reached, and nobody could be told that alerter is down")
    assert 1800 < sum(rests) < 5000


def test_who_tells_does_not_wait_and_one_thing_comes_after_the_other() -> None:
    found: list[object] = []
    may, done = threading.Event(), threading.Event()

    def say(url: Secret, body: Body) -> None:
        may.wait(20)
        found.append(body["message"])
        if len(found) == 3:
            done.set()

    webhook = Webhook(URL, LOG, say=say)
    for number in range(3):
        webhook.tell({"message": number})
    assert found == []
    may.set()
    assert done.wait(20)
    assert found == [0, 1, 2]


def test_where_no_thread_can_be_started_what_is_to_be_told_waits_for_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found: list[object] = []
    done = threading.Event()
    lacks = [True, True, False]

    class Thread(threading.Thread):
        def start(self) -> None:
            if lacks.pop(0):
                raise RuntimeError("can't start new thread")
            super().start()

    def say(url: Secret, body: Body) -> None:
        found.append(body["message"])
        if len(found) == 2:
            done.set()

    webhook = Webhook(URL, LOG, say=say, thread=Thread)
    webhook.tell({"message": 1})
    assert caplog.messages == 2 * [f"the url can be told nothing now: {NO_THREAD}"]
    webhook.tell({"message": 2})
    assert done.wait(20)
    assert found == [1, 2]
    assert lacks == []

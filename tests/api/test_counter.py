"""A worker's counter over real sockets: a store's reader that is not there, does not answer, goes or refuses."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from api.counter import Asker
from bus.messages import Layout
from store.answers import Answers
from store.backends.memory import MemoryBackend
from tests.api.given import NOON, a_record
from tests.api.roads import Roads, get, until_answered
from tests.api.served import PATIENCE, Served
from tests.store.given import batch

SHORT = 0.3
"""Seconds in which the store has to answer, where it does not; on a busy machine one that could may not, either."""


class Near(Asker):
    """A counter to a store of so many layouts in this very process."""

    def __init__(self, layouts: list[Layout]) -> None:
        super().__init__(Path("desk"), timeout=SHORT)
        backend = MemoryBackend()
        backend.commit(batch([a_record(one) for one in layouts]), NOON)
        self._answers = Answers(backend)

    async def asked(self, question: bytes) -> bytes:
        return self._answers.to(question)


def test_the_names_of_very_many_hosts_metrics_are_asked_for_in_several_questions() -> None:
    layouts = [Layout((f"disk[/mnt/{number}].percent",)) for number in range(5000)]
    found = asyncio.run(Near(layouts).layouts(one.id for one in layouts))
    assert found == {one.id: one.names for one in layouts}


def test_without_a_reader_questions_fail_at_once_and_heal_when_it_comes(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    served = serve()
    refused = get(served, "/api/v1/servers/web-1/metrics")
    assert refused.status_code == 503
    assert "its reader is not there" in refused.json()["error"]
    assert get(served, "/api/v1/health").json()["status"] == "down"

    roads.start_reader()
    served.until(lambda: served.house.hub.primed)
    assert get(served, "/api/v1/stats").json()["storage"]["total_metrics"] == 1


def test_a_reader_that_does_not_answer_is_given_up_after_the_time_allowed(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve(timeout=SHORT)
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    refused = get(served, "/api/v1/stats")
    assert refused.status_code == 503
    assert f"did not answer within {SHORT:g} s" in refused.json()["error"]
    roads.dumb = False
    until_answered(served, "/api/v1/stats")


def test_a_reader_that_goes_while_it_is_asked_is_said_to_have_gone_and_the_next_one_answers(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    refused: list[requests.Response] = []
    asking = threading.Thread(target=lambda: refused.append(get(served, "/api/v1/stats")))
    already = len(roads.asked)
    asking.start()
    while len(roads.asked) == already:
        assert asking.is_alive()
    roads.stop_reader()
    asking.join(PATIENCE)
    assert refused[0].status_code == 503
    assert "its reader has gone" in refused[0].json()["error"]

    roads.dumb = False
    roads.start_reader()
    assert get(served, "/api/v1/stats").status_code == 200


def test_a_refusal_of_the_store_is_passed_on_as_503(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    refused = get(served, "/api/v1/servers/web-1/metrics")
    assert refused.status_code == 503
    assert "not in this test" in refused.json()["error"]


def test_many_questions_at_once_get_their_own_answers(roads: Roads, serve: Callable[..., Served]) -> None:
    roads.start_reader()
    served = serve()
    served.until(lambda: served.house.hub.primed)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(get(served, "/api/v1/stats").status_code)) for _ in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert answers == [200] * 30


def test_a_store_that_is_too_slow_for_a_page_answers_a_command_all_the_same(
    roads: Roads, serve: Callable[..., Served]
) -> None:
    roads.start_reader()
    served = serve(timeout=SHORT)
    served.until(lambda: served.house.hub.primed)
    roads.dumb = True
    url = f"http://127.0.0.1:{served.port}/api/v1/questions"
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(requests.post, url, json={"ask": "Subjects", "kind": "check"}, timeout=PATIENCE)
        assert get(served, "/api/v1/servers/web-1/metrics").status_code == 503
        assert not command.done()
        roads.dumb = False
        assert command.result(PATIENCE).status_code == 200
    assert requests.post(url, json={"ask": "Gaps"}, timeout=PATIENCE).json()["code"] == "unanswered"

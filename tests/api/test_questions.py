"""What commands ask from another machine is answered as it is on the hub's own."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.auth import Keyring, Token, digest_of
from api.directory import Directory
from bus import judging
from bus.availability import Apart, Watch, Watched, WatchedAnswer
from bus.messages import Layout, Sample
from bus.open_questions import KNOWN, MEDIA, Moment, Now, OtherVersion, question_in, read_answer, told
from bus.questions import (
    AGGREGATES,
    Availability,
    Gaps,
    Holdings,
    HoldingsAnswer,
    Layouts,
    Range,
    Series,
    Statistics,
    StoreStatistics,
    Subjects,
    Unanswered,
    pack_refusal,
)
from bus.tables import Service
from bus.wire import record
from store.answers import Answers, answer
from store.backends.lmdb import LmdbBackend
from store.backends.memory import MemoryBackend
from tests.api.given import NOON
from tests.api.house import House, full
from tests.store.given import LAYOUT, batch, check, layout, sample
from tests.store.given import NOON as STORED

JSON = {"Content-Type": "application/json"}
OF_THE_STORE = (
    Subjects("sample"),
    Range("sample", "web-1", 0, 2**62),
    Layouts((LAYOUT.id,)),
    Series("web-1", ("*",), STORED, STORED + 10**10, step=10**9, aggregates=AGGREGATES),
    Availability("shop", STORED, STORED + 10**12, 10**11, (STORED, STORED + 5)),
    Gaps(None, None),
    Holdings(),
)


def asked(house: House, question: Any, **headers: str) -> Any:
    """The whole answer to a question."""
    body = question if isinstance(question, str) else json.dumps(told(question))
    return house.ask("POST", "/api/v1/questions", JSON | headers, body=body)


def replying(answer: Callable[[bytes], bytes]) -> Callable[[bytes], Awaitable[bytes]]:
    """A store that answers so."""

    async def ask(question: bytes) -> bytes:
        return answer(question)

    return ask


def outlook(found: StoreStatistics) -> HoldingsAnswer:
    """What becomes of what is held."""
    return HoldingsAnswer(found, (("sample", "raw", 1, 40_960, 1.0, 7.5, 307_200),), 0)


@pytest.fixture
def backend() -> MemoryBackend:
    """A store that knows a host and a shop."""
    made = MemoryBackend(Path(), write=True)
    made.commit(batch([layout()]), STORED)
    made.commit(batch([*(sample(second) for second in range(9)), *(check(second) for second in (1, 3))]), STORED)
    return made


@pytest.mark.parametrize("question", OF_THE_STORE, ids=lambda one: type(one).__name__)
def test_the_store_answers_as_it_does_at_home(question: Any, backend: MemoryBackend) -> None:
    house = full()
    house.store = replying(Answers(backend, outlook=outlook).to)
    result = asked(house, question)
    assert (result.status_code, result.headers["content-type"]) == (200, MEDIA)
    expected = outlook(answer(backend, Statistics())) if question == Holdings() else answer(backend, question)
    assert read_answer(question, result.content) == expected


def test_the_alerter_answers_as_it_does_at_home() -> None:
    house = full()
    found = read_answer(judging.Rules(), asked(house, judging.Rules()).content)
    assert isinstance(found, judging.RuleList)
    assert found.rules[0].name == "disk-full"


def test_what_is_configured_is_told_as_far_as_availability_depends_on_it() -> None:
    shop = Service("shop", "https://anna:secret@shop.example", interval=30.0, places=("paris",), labels={"dc": "fra"})
    window = Apart("02:00", 3600.0, ("*",), ("sun",), (1,), "Europe/Berlin")
    house = House(directory=Directory.of(services=[shop], maintenance=[window]))
    result = asked(house, Watched())
    found = read_answer(Watched(), result.content)
    assert found == WatchedAnswer((Watch("shop", 30.0, ("paris",), {"dc": "fra"}),), (window,))
    assert b"secret" not in result.content


def test_the_hub_tells_what_time_it_is_there() -> None:
    assert read_answer(Now(), asked(full(), Now()).content) == Moment(NOON)


def test_every_question_travels() -> None:
    questions = (*OF_THE_STORE, judging.Rules(), Watched(), Now())
    assert {type(one).__name__ for one in questions} == KNOWN.keys()
    for one in questions:
        assert question_in(json.loads(json.dumps(told(one)))) == one


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"ask": "AddSilence", "owner": "x", "reason": "y", "until": 9, "matches": ["*"]}', 404, "not_found"),
        ('{"ask": "Latest", "kind": "sample"}', 404, "not_found"),
        ('{"ask": "Range", "kind": "sample"}', 400, "bad_body"),
        ('{"ask": "Range", "kind": "sample", "subject": 7, "start": 0, "end": 1}', 400, "bad_body"),
        ('{"ask": ["Now"]}', 400, "bad_body"),
        ("{}", 400, "bad_body"),
        ("[1]", 400, "bad_body"),
        ("{", 400, "bad_body"),
        (json.dumps({"ask": "Layouts", "ids": [2**64]}), 400, "bad_body"),
        (json.dumps({"ask": "Layouts", "ids": list(range(5000))}), 400, "bad_body"),
    ],
)
def test_what_is_no_question_for_here_is_refused(body: str, status: int, code: str) -> None:
    result = asked(full(), body)
    assert (result.status_code, result.json["code"]) == (status, code)


def test_a_hub_that_has_no_such_call_says_so_whoever_asks() -> None:
    house = full()
    house.keyring = Keyring((Token("wall", digest_of("gd_reader"), "read"),))
    for headers in ({}, {"Authorization": "Bearer gd_reader"}):
        result = house.ask("POST", "/api/v1/questionnaires", JSON | headers, body='{"ask": "Now"}')
        assert (result.status_code, result.json["code"]) == (404, "not_found")


def test_a_page_of_another_site_cannot_ask() -> None:
    assert asked(full(), Now(), Origin="https://evil.example").json["code"] == "origin"
    result = full().ask("POST", "/api/v1/questions", {"Content-Type": "text/plain"}, body='{"ask": "Now"}')
    assert result.json["code"] == "not_json"


def test_who_may_read_may_ask_and_nobody_else() -> None:
    house = full()
    tokens = [Token(scope, digest_of(scope), scope) for scope in ("read", "heartbeat")]
    house.keyring = Keyring(tuple(tokens))
    assert asked(house, Now()).status_code == 401
    assert asked(house, Now(), Authorization="Bearer read").status_code == 200
    refused = asked(house, Now(), Authorization="Bearer heartbeat")
    assert (refused.status_code, refused.json["code"]) == (403, "scope")


def test_why_the_store_has_no_answer_is_told() -> None:
    house = full()
    house.store = replying(lambda _: pack_refusal("the file of this hour is damaged"))
    result = asked(house, Subjects("sample"))
    assert (result.status_code, result.json["code"]) == (503, "unanswered")
    assert result.json["error"] == "the store does not answer this: the file of this hour is damaged"
    assert "Retry-After" not in result.headers

    async def away(question: bytes) -> bytes:
        raise Unanswered("its reader is not there")

    house.store = away
    result = asked(house, Subjects("sample"))
    assert (result.status_code, result.json["code"]) == (503, "store_unavailable")
    assert result.headers["Retry-After"] == "2"


def test_a_question_for_too_much_is_400_and_is_to_be_asked_otherwise(backend: MemoryBackend) -> None:
    wide = Layout(tuple(f"queue[{n}].waiting" for n in range(120)))
    backend.commit(
        batch([record(wide, source="web-1", subject=None, at=STORED, epoch=1, number=2, sent=STORED)]), STORED
    )
    told = record(
        Sample(wide.id, (1.0,) * 120), source="web-1", subject=None, at=STORED, epoch=1, number=1, sent=STORED
    )
    backend.commit(batch([told]), STORED)
    house = full()
    house.store = replying(Answers(backend).to)
    question = Series("web-1", ("queue*",), STORED, STORED + 7200 * 10**9, step=10**9, aggregates=AGGREGATES)
    result = asked(house, question)
    assert (result.status_code, result.json["code"]) == (400, "too_much")
    assert result.json["error"].endswith("at most 4,000,000 an answer: ask for fewer metrics, or steps")
    assert "Retry-After" not in result.headers
    few = asked(house, replace(question, aggregates=("mean",)))
    assert few.status_code == 200


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x80", b"\x81\xa2at\xa1x", b"\xc1", b"\x93\x01\x02\x03"])
@pytest.mark.parametrize("question", [Now(), Watched(), judging.Rules(), Subjects("sample"), Gaps(None, None)])
def test_an_answer_that_is_none_is_noticed(question: Any, data: bytes) -> None:
    with pytest.raises(OtherVersion):
        read_answer(question, data)


TEXTS = st.sampled_from(
    ["", "web-1", "shop", "sample", "check", "*", "[", "a*" * 200, "a" * 600, "\0", "é" * 600, "../x"]
)
NUMBERS = st.sampled_from([0, -1, 1, 2**31, STORED, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)])
GLOBS = st.lists(TEXTS, max_size=3).map(tuple)
STRANGE = st.one_of(
    st.builds(Subjects, TEXTS),
    st.builds(Range, TEXTS, TEXTS, NUMBERS, NUMBERS, NUMBERS),
    st.builds(Layouts, st.lists(NUMBERS, max_size=4).map(tuple)),
    st.builds(Series, TEXTS, GLOBS, NUMBERS, NUMBERS, NUMBERS, st.none() | NUMBERS, GLOBS),
    st.builds(Availability, TEXTS, NUMBERS, NUMBERS, NUMBERS, st.lists(NUMBERS, max_size=5).map(tuple)),
    st.builds(Gaps, st.none() | TEXTS, st.none() | NUMBERS),
)


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A hub whose store is on a disk, where names become keys."""
    folder = tmp_path_factory.mktemp("store")
    made = LmdbBackend(folder, write=True)
    made.commit(batch([layout(), *(sample(second) for second in range(99)), *(check(one) for one in range(9))]), STORED)
    house = full()
    house.store = replying(Answers(made).to)
    yield house
    made.close()


@settings(max_examples=200, deadline=None)
@given(STRANGE)
def test_whatever_is_asked_the_store_lives(on_disk: House, question: Any) -> None:
    result = asked(on_disk, question)
    assert result.status_code == 200 or result.json["code"] in ("bad_body", "unanswered")

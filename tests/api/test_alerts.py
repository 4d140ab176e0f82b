"""What clients may see and do about alarms: each question reaches the alerter as it was meant, wrong ones do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.auth import Keyring, Token, digest_of
from bus.judging import Acknowledge, AddSilence, Alarms, EndSilence, Incidents, Silences, Why
from tests.api import contract
from tests.api.given import MINUTE, NOON, SECOND
from tests.api.house import House
from tests.api.judging import NoJudge

ACK = {"Authorization": "Bearer gd_operator"}
READ = {"Authorization": "Bearer gd_reader"}
TOKENS = Keyring((Token("anna", digest_of("gd_operator"), "ack"), Token("wall", digest_of("gd_reader"), "read")))
SILENCE = {"reason": "new disk", "matches": ["web-1"], "seconds": 1800}


def test_alarms_may_be_asked_for_one_subject() -> None:
    house = House()
    assert house.get("/api/v1/alerts")["count"] == 1
    assert house.get("/api/v1/alerts?subject=db-1")["count"] == 0
    assert house.get("/api/v1/alerts?subject=")["count"] == 1, "as without it, and as with incidents"
    assert house.judge.asked == [Alarms(None), Alarms("db-1"), Alarms(None)]


def test_incidents_are_of_the_last_week_in_pages() -> None:
    house = House()
    assert house.get("/api/v1/incidents?limit=1")["next"] == "next-page"
    assert house.judge.asked == [Incidents(NOON - 7 * 24 * 3600 * SECOND, NOON, None, 1, "")]


def test_a_page_of_no_incidents_is_refused_and_not_one_of_one() -> None:
    house = House()
    result = house.ask("GET", "/api/v1/incidents?limit=0")
    assert (result.status_code, result.json["parameter"], house.judge.asked) == (400, "limit", [])


def test_a_cursor_that_is_none_is_named() -> None:
    result = House().ask("GET", "/api/v1/incidents?cursor=rubbish")
    assert (result.status_code, result.json["parameter"]) == (400, "cursor")
    assert "is no cursor" in result.json["error"]


def test_why_needs_a_subject_and_may_ask_for_the_past() -> None:
    house = House()
    assert house.ask("GET", "/api/v1/why").status_code == 400
    house.get("/api/v1/why?subject=web-1&rule=disk-full&at=2026-01-31T12:00:00Z")
    assert house.judge.asked == [Why("web-1", "disk-full", NOON)]


def test_a_silence_is_made_under_the_name_of_the_token() -> None:
    house = House(keyring=TOKENS)
    result = house.ask("POST", "/api/v1/silences", ACK, json=SILENCE | {"owner": "somebody else"})

    assert (result.status_code, result.headers["Location"]) == (201, "/api/v1/silences/s1")
    assert house.judge.asked == [AddSilence("anna", "new disk", NOON + 30 * MINUTE, ("web-1",)), Silences()]


@pytest.mark.parametrize("starts", ["2026-01-31T13:00:00+00:30", str((NOON + 30 * MINUTE) // SECOND)])
def test_a_silence_may_begin_later_and_lasts_from_then_on(starts: str) -> None:
    house = House(keyring=TOKENS)
    assert house.ask("POST", "/api/v1/silences", ACK, json=SILENCE | {"starts": starts}).status_code == 201
    begin = NOON + 30 * MINUTE
    assert house.judge.asked == [AddSilence("anna", "new disk", begin + 30 * MINUTE, ("web-1",), begin), Silences()]


def test_without_tokens_it_is_made_under_the_name_given() -> None:
    house = House()
    house.ask("POST", "/api/v1/silences", json=SILENCE | {"owner": "bert"})
    assert house.judge.asked == [AddSilence("bert", "new disk", NOON + 30 * MINUTE, ("web-1",)), Silences()]


def test_an_incident_is_acknowledged_with_a_word_or_without() -> None:
    house = House(keyring=TOKENS)
    path = "/api/v1/incidents/4f2a/acknowledge"
    assert house.ask("POST", path, ACK, json={"note": "on my way"}).status_code == 200
    assert house.ask("POST", path, ACK, json={}).status_code == 200
    assert house.judge.asked == [Acknowledge("4f2a", "anna", "on my way"), Acknowledge("4f2a", "anna", "")]


def test_a_silence_is_ended() -> None:
    house = House(keyring=TOKENS)
    assert house.ask("DELETE", "/api/v1/silences/s1", ACK).status_code == 200
    assert house.judge.asked == [EndSilence("s1", "anna"), Silences()]


def test_what_there_is_not_is_404() -> None:
    house = House()
    for method, path in (("POST", "/api/v1/incidents/0000/acknowledge"), ("DELETE", "/api/v1/silences/none")):
        result = house.ask(method, path, json={})
        assert result.status_code == 404
        contract.error(result.json)


WRITES = [
    ("POST", "/api/v1/silences"),
    ("DELETE", "/api/v1/silences/s1"),
    ("POST", "/api/v1/incidents/4f2a/acknowledge"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_token_that_may_only_read_writes_nothing(method: str, path: str) -> None:
    house = House(keyring=TOKENS)
    result = house.ask(method, path, READ, json=SILENCE)
    assert (result.status_code, result.json["code"]) == (403, "scope")
    assert house.ask(method, path, json=SILENCE).status_code == 401
    assert house.judge.asked == []


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_the_cookie_of_a_page_writes_nothing(method: str, path: str) -> None:
    house = House(keyring=TOKENS)
    result = house.ask(method, path, {"Cookie": "guardia_token=gd_operator"}, json=SILENCE)
    assert (result.status_code, house.judge.asked) == (401, [])


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_page_of_another_origin_writes_nothing_even_without_tokens(method: str, path: str) -> None:
    house = House()
    result = house.ask(method, path, {"Origin": "https://evil.example"}, json=SILENCE)
    assert (result.status_code, result.json["code"]) == (403, "origin")
    assert house.judge.asked == []


def test_a_page_of_our_own_origin_may() -> None:
    house = House()
    headers = {"Origin": "http://127.0.0.1:8080"}
    options = {"host": "127.0.0.1", "port": 8080, "json": SILENCE}
    assert house.ask("POST", "/api/v1/silences", headers, **options).status_code == 201


def test_text_that_a_form_could_send_is_no_body() -> None:
    house = House()
    result = house.ask("POST", "/api/v1/silences", {"Content-Type": "text/plain"}, body='{"reason": "x"}')
    assert (result.status_code, result.json["code"]) == (415, "not_json")
    contract.error(result.json)


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ("nonsense", "body"),
        ("[]", "body"),
        ('{"a":' * 5000, "body"),
        ('"text"', "body"),
        ("{}", "reason"),
        ('{"reason": 5, "matches": ["*"], "seconds": 60}', "reason"),
        ('{"reason": " ", "matches": ["*"], "seconds": 60}', "reason"),
        ('{"reason": "x", "matches": ["*"], "seconds": 0}', "seconds"),
        ('{"reason": "x", "matches": ["*"], "seconds": -5}', "seconds"),
        ('{"reason": "x", "matches": ["*"], "seconds": 1e300}', "seconds"),
        ('{"reason": "x", "matches": ["*"], "seconds": NaN}', "seconds"),
        ('{"reason": "x", "matches": ["*"], "seconds": 1' + "0" * 400 + "}", "seconds"),
        ('{"reason": "x", "matches": ["*"]}', "seconds"),
        ('{"reason": "x", "matches": ["*"], "seconds": 60, "owner": "' + "o" * 1001 + '"}', "owner"),
        ('{"reason": "x", "matches": ["*"], "seconds": 60, "starts": "soon"}', "starts"),
        ('{"reason": "x", "matches": ["*"], "seconds": 60, "starts": "9999-12-31"}', "starts"),
        ('{"reason": "x", "matches": ["*"], "seconds": 60, "starts": 5}', "starts"),
        ('{"reason": "x", "matches": [], "seconds": 60}', "matches"),
        ('{"reason": "x", "matches": [""], "seconds": 60}', "matches"),
        ('{"reason": "x", "matches": "web-1", "seconds": 60}', "matches"),
        ('{"reason": "x", "matches": [1], "seconds": 60}', "matches[0]"),
    ],
)
def test_a_body_that_cannot_be_obeyed_is_400_and_says_which_part(body: str, parameter: str) -> None:
    house = House()
    result = house.ask("POST", "/api/v1/silences", {"Content-Type": "application/json"}, body=body)

    assert (result.status_code, result.json.get("parameter")) == (400, parameter), result.text
    contract.error(result.json)
    assert house.judge.asked == []


def test_what_the_alerter_objects_to_is_400_with_its_words() -> None:
    house = House()
    result = house.ask("POST", "/api/v1/silences", json={**SILENCE, "matches": ["late"]})
    assert result.status_code == 400
    assert result.json["error"] == "a silence ends after it began, and not in the past"
    contract.error(result.json)


def test_without_an_alerter_it_is_503_and_the_store_is_not_blamed() -> None:
    house = House()
    house.hub.judge = NoJudge()
    result: Any = house.ask("GET", "/api/v1/alerts")
    assert (result.status_code, result.json["code"]) == (503, "alerter_unavailable")


def test_silences_of_the_past_are_shown_when_asked_for() -> None:
    house = House()
    house.get("/api/v1/silences?past=true")
    assert house.judge.asked == [Silences(True)]


@pytest.mark.parametrize("text", ["\\ud800", "a\\udfffb"])
def test_half_of_a_character_is_refused_as_a_body_and_is_no_token(text: str) -> None:
    house = House().prime()
    body = f'{{"matches": ["web-1"], "seconds": 60, "reason": "{text}", "owner": "anna"}}'
    answer = house.ask("POST", "/api/v1/silences", {"Content-Type": "application/json"}, body=body)
    assert (answer.status_code, answer.json["code"]) == (400, "bad_body")
    assert "no Unicode" in answer.json["error"]
    assert len(digest_of(json.loads(f'"{text}"'))) == 32

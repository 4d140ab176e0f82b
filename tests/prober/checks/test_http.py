"""HTTP: each way in which an answer can be wrong has its state and a reason that names it."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from socket import socket

import pytest

from bus.config import Secret
from prober.checks.http import Http
from prober.outcome import DEGRADED, DOWN, UP
from tests.prober.checks.looking import HEAD, WORD, look
from tests.prober.site import Request, Site, Speak, answer, drips, floods, hangs_up, late, mute, ok, says

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"

# -- what is right ---


def test_a_good_answer_is_up_with_its_times(at: str, site: Site) -> None:
    found = look(f"{at}/health?full=1")
    assert (found.status, found.reason, found.http_status) == (UP, "", 200)
    assert found.metrics["bytes"] == len(b"all is ok")
    assert {"dns_ms", "connect_ms", "first_byte_ms", "total_ms"} <= found.phases.keys()
    assert found.response_ms == found.phases["total_ms"] >= found.phases["first_byte_ms"]
    (request,) = site.asked
    assert (request.method, request.path) == ("GET", "/health?full=1")
    assert request.headers["user-agent"].startswith("guardia/")
    assert request.headers["host"] == at.removeprefix("http://")


def test_what_is_sent_is_what_was_set(at: str, site: Site) -> None:
    more = {"headers": {"X-Team": "ops", "User-Agent": "mine"}, "secret_headers": {"X-Key": Secret(WORD)}}
    found = look(f"{at}/", method="POST", body='{"a": "é"}', **more)
    assert found.status == UP
    (request,) = site.asked
    assert (request.method, request.body.decode()) == ("POST", '{"a": "é"}')
    assert (request.headers["x-team"], request.headers["x-key"]) == ("ops", WORD)
    assert request.headers["user-agent"] == "mine"


def test_what_must_not_be_seen_is_sent_and_not_shown(at: str, site: Site) -> None:
    site.pages[""] = answer("500 Oops")
    settings = {"method": "POST", "secret_body": Secret(f'{{"key": "{WORD}"}}'), "secret_query": Secret(f"key={WORD}")}
    for url in (f"{at}/a", f"{at}/a?b=c"):
        found = look(url, **settings)
        assert WORD not in f"{found} {Http(name='shop', url=url, **settings)}"  # type: ignore[arg-type]
    assert [one.path for one in site.asked] == [f"/a?key={WORD}", f"/a?b=c&key={WORD}"]
    assert WORD in site.asked[0].body.decode()


def test_who_we_are_is_said_in_either_way(at: str, site: Site) -> None:
    look(at, user="anna", password=Secret(WORD))
    look(at, token=Secret(WORD))
    assert [one.headers["authorization"] for one in site.asked] == [
        "Basic YW5uYTpvcGVuLXNlc2FtZQ==",
        f"Bearer {WORD}",
    ]


def test_interim_answers_are_not_the_answer(at: str, site: Site) -> None:
    site.pages[""] = says(CONTINUE + HINTS + HEAD + b"Content-Length: 4\r\n\r\nhere")
    found = look(at, body_pattern="^here$")
    assert (found.status, found.http_status) == (UP, 200)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_asked(at: str, site: Site, method: str) -> None:
    assert look(at, method=method).status == UP
    assert site.asked[0].method == method


def test_nothing_is_taken_from_the_environment(at: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HOME", "/nowhere")
    assert look(at).status == UP


# -- what is wrong ---

WRONG: list[tuple[Speak, dict[str, object], str]] = [
    (answer("500 Internal Server Error"), {}, "answered 500 Internal Server Error, expected 200-299"),
    (answer("503 "), {"expected_status": "200, 404"}, "answered 503, expected 200, 404"),
    (ok, {"expected_status": "404"}, "answered 200 OK, expected 404"),
    (ok, {"body_pattern": "welcome"}, "body does not match /welcome/"),
    (ok, {"body_without": "all"}, "body matches /all/"),
    (ok, {"expected_headers": {"X-Node": "a"}}, "header X-Node is missing"),
    (
        answer(X_Node="b"),
        {"expected_headers": {"x-node": "^a"}},
        'header x-node is "b", which does not match /^a/',
    ),
    (
        answer(Set_Cookie=f"session={WORD}"),
        {"expected_headers": {"Set-Cookie": "secure"}},
        "header Set-Cookie does not match /secure/",
    ),
    (ok, {"json": ("$.status",)}, "body is no JSON"),
    (answer(body=b'{"status": "bad"}'), {"json": ('$.status == "ok"',)}, '$.status is "bad", expected "ok"'),
    (answer(body=b"[" * 100_000), {"json": ("$",)}, "body is no JSON"),
    (ok, {"max_bytes": 5}, "body is larger than 5B"),
    (ok, {"min_bytes": 100}, "body of 9B is smaller than 100B"),
    (
        answer(body=b"x" * 2048 + b"end"),
        {"body_pattern": "end", "read_bytes": 2048},
        "body does not match /end/ in its first 2KiB",
    ),
    (answer("302 Found", Location="/a"), {"redirects": 0}, "answered 302 Found, expected 200-299"),
    (hangs_up, {}, "it closed the connection without an answer"),
    (says(HINTS * 99), {}, "it gives interim answers (1xx) and never the answer"),
    (says(HINTS + b"HTTP/1.1 500 Oh\r\n\r\n"), {}, "answered 500 Oh, expected 200-299"),
    (says(b"SSH-2.0-OpenSSH_9.2\r\n"), {}, "its answer is no HTTP"),
    (says(HEAD + b"Content-Length: 100\r\n\r\nhalf"), {}, "the connection ended before the body did, after"),
    (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), {}, "its body has chunks that are none"),
    (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhalf"), {}, "its body has chunks that are none"),
    (
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        {},
        "the connection ended before the body did, after",
    ),
    (answer(Content_Encoding="gzip"), {}, "its body is not encoded as it says"),
    (says(HEAD + b"X: y\r\n" * 200 + b"\r\n"), {}, "it has more than 100 headers"),
    (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), {}, "its header line is longer than 65536 bytes"),
    (says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nno"), {}, "it tells several lengths of its body"),
]


@pytest.mark.parametrize(("page", "settings", "reason"), WRONG, ids=[one[2] for one in WRONG])
def test_what_is_wrong_is_down_and_named(
    at: str, site: Site, page: Speak, settings: dict[str, object], reason: str
) -> None:
    site.pages[""] = page
    found = look(at, **settings)
    assert found.status == DOWN
    assert found.reason.startswith(reason), found.reason
    assert WORD not in found.reason


def test_a_wrong_body_may_be_degraded_instead(at: str) -> None:
    assert look(at, body_pattern="welcome", mismatch="degraded").status == DEGRADED
    assert look(at, expected_status="404", mismatch="degraded").status == DOWN


def test_the_first_condition_that_fails_is_told(at: str, site: Site) -> None:
    site.pages[""] = answer(body=b'{"status": "ok", "queue": [1, 2, 3]}')
    assert look(at, json=('$.status == "ok"', "length($.queue) < 5")).status == UP
    assert look(at, json=('$.status == "ok"', "length($.queue) < 2")).reason == "length($.queue) is 3, expected < 2"


def test_a_body_is_text_in_its_own_charset(at: str, site: Site) -> None:
    site.pages[""] = answer(body="grün".encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1")
    assert look(at, body_pattern="^grün$").status == UP
    site.pages[""] = answer(body="grün".encode(), Content_Type="text/plain; charset=nonsense")
    assert look(at, body_pattern="^grün$").status == UP


@pytest.mark.parametrize("charset", ["idna", "punycode", "undefined", "Unicode_Escape", "raw-unicode-escape", "zip"])
def test_a_body_in_what_is_no_charset_of_pages_is_read_as_utf_8(charset: str, at: str, site: Site) -> None:
    site.pages[""] = answer(body=rb"\x67r-99" + "ün".encode(), Content_Type=f"text/plain; charset={charset}")
    assert look(at, body_pattern=r"^\\x67r-99ün$").status == UP


def test_a_body_may_be_packed_all_the_same(at: str, site: Site) -> None:
    site.pages[""] = answer(body=gzip.compress(b"all is ok"), Content_Encoding="gzip")
    assert look(at, body_pattern="ok").status == UP


def test_a_bomb_is_not_unpacked(at: str, site: Site) -> None:
    site.pages[""] = answer(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    tracemalloc.start()
    try:
        found = look(at, read_bytes=100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found.status, found.metrics["bytes"]) == (UP, 100_000)
    assert peak < 10_000_000, "urllib3 before 2.6 unpacks all that it has read"


# -- what takes long ---


def test_a_slow_answer_is_degraded(at: str, site: Site) -> None:
    site.pages[""] = late(0.2)
    found = look(at, slow=0.1)
    assert found.status == DEGRADED
    assert "slower than 100 ms" in found.reason
    assert found.phases["first_byte_ms"] >= 190


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (mute, "no answer within 1 s while waiting for its answer"),
        (drips(b"", b"x"), "no answer within 1 s: "),
        (drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "no answer within 1 s: "),
        (drips(HEAD + b"Content-Length: 100000\r\n\r\n", b"x"), "no answer within 1 s: "),
        (drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "no answer within 1 s: "),
        (drips(HEAD + b"\r\n", b"x"), "no answer within 1 s: "),
    ],
)
def test_what_drips_is_cut_at_the_deadline(at: str, site: Site, page: Speak, reason: str) -> None:
    site.pages[""] = page
    start = time.monotonic()
    found = look(at, seconds=1.0)
    assert found.status == DOWN
    assert found.reason.startswith(reason), found.reason
    assert reason != "no answer within 1 s: " or found.reason.endswith("bytes so far")
    assert time.monotonic() - start < 25


def test_a_body_without_end_is_read_up_to_its_limit(at: str, site: Site) -> None:
    site.pages[""] = floods(HEAD + b"\r\n")
    found = look(at, read_bytes=100_000)
    assert (found.status, found.metrics["bytes"]) == (UP, 100_000)
    assert look(at, max_bytes=100_000).reason == "body is larger than 100kB"
    assert look(at, json=("$.a",)).status == DOWN


def test_a_stream_that_has_nothing_to_tell_yet_is_up_where_no_body_is_wanted(at: str, site: Site) -> None:
    def stream(connection: socket, request: Request) -> None:
        connection.sendall(HEAD + b"Content-Type: text/event-stream\r\n\r\n")
        mute(connection, request)

    site.pages[""] = stream
    assert look(at, read_bytes=0).status == UP
    assert look(at, read_bytes=0, body_pattern="x").reason == "body does not match /x/ in its first 0B"
    assert look(at, read_bytes=1, seconds=0.5).status == DOWN


# -- what cannot be ---


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"body_pattern": "("}, "body_pattern", "a regular expression"),
        ({"body_without": "["}, "body_without", "a regular expression"),
        ({"expected_headers": {"X": "("}}, "expected_headers", "a regular expression"),
        ({"expected_status": "20x"}, "expected_status", "200-299,404"),
        ({"json": ("status",)}, "json", "begins with $"),
        ({"headers": {"a b": "c"}}, "headers", "name"),
        ({"headers": {"a": "b\r\nc: d"}}, "headers", "line of text"),
        ({"user": "anna"}, "password", "password"),
        ({"password": Secret(WORD)}, "user", "whose"),
        ({"user": "a", "password": Secret(WORD), "token": Secret(WORD)}, "token", "one of them"),
        ({"key": "a.pem"}, "key", "certificate"),
        ({"body": "a", "secret_body": Secret(WORD)}, "secret_body", "one of them"),
        ({"secret_query": Secret(f"{WORD} {WORD}")}, "secret_query", "key=value"),
        ({"min_bytes": 5, "max_bytes": 4}, "max_bytes", "at least 5"),
        ({"method": "HEAD", "body_pattern": "x"}, "method", "GET"),
        ({"url": "https:///x"}, "url", "https://shop.example"),
        ({"url": "http://anna:word@shop.example/"}, "url", "without"),
        ({"url": "http://shop.example:99999/"}, "url", "address"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, object], key: str, words: str) -> None:
    check = Http(name="shop", **{"url": "https://shop.example", **settings})  # type: ignore[arg-type]
    (objection,) = check.objections()
    assert objection.key == key
    assert words in objection.expected
    assert WORD not in f"{objection.found} {objection.expected} {objection.remedy}"


def test_no_secret_is_shown() -> None:
    check = Http(name="shop", url="https://shop.example", token=Secret(WORD), secret_headers={"X": Secret(WORD)})
    assert WORD not in repr(check)

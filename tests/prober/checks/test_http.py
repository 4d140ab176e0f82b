"""HTTP: each way in which an answer can be wrong has its state and a reason that names it."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bus.config import Secret
from prober.checks.http import Http
from prober.names import Names
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Outcome
from tests.prober import certs
from tests.prober.site import Site, Speak, answer, drips, floods, hangs_up, late, mute, ok, says, to
from tests.prober.targets import free_port, listening, tried

WORD = "open-sesame"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def at(site: Site) -> Iterator[str]:
    with listening(site) as port:
        yield f"http://127.0.0.1:{port}"


def look(url: str, /, **more: Any) -> Outcome:
    seconds, names = more.pop("seconds", 5.0), more.pop("names", None)
    check = Http(name="shop", url=url, **more)
    assert list(check.objections()) == []
    return tried(check, seconds, names=names)


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
    (says(b"SSH-2.0-OpenSSH_9.2\r\n"), {}, "its answer is no HTTP"),
    (says(HEAD + b"Content-Length: 100\r\n\r\nhalf"), {}, "the connection ended before the body did, after"),
    (says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"), {}, "its body has chunks that are none"),
    (answer(Content_Encoding="gzip"), {}, "its body is not encoded as it says"),
    (says(HEAD + b"X: y\r\n" * 200 + b"\r\n"), {}, "its answer cannot be read: HTTPException"),
    (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), {}, "its answer cannot be read: LineTooLong"),
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


def test_a_body_may_be_packed_all_the_same(at: str, site: Site) -> None:
    site.pages[""] = answer(body=gzip.compress(b"all is ok"), Content_Encoding="gzip")
    assert look(at, body_pattern="ok").status == UP


def test_a_bomb_is_not_unpacked(at: str, site: Site) -> None:
    site.pages[""] = answer(body=gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")
    found = look(at, read_bytes=1000)
    assert (found.status, found.metrics["bytes"]) == (UP, 1000)


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
    assert time.monotonic() - start < 10


def test_a_body_without_end_is_read_up_to_its_limit(at: str, site: Site) -> None:
    site.pages[""] = floods(HEAD + b"\r\n")
    found = look(at, read_bytes=100_000)
    assert (found.status, found.metrics["bytes"]) == (UP, 100_000)
    assert look(at, max_bytes=100_000).reason == "body is larger than 100kB"
    assert look(at, json=("$.a",)).status == DOWN


# -- redirects ---


def test_a_redirect_is_followed_with_its_cookies_and_forgets_them(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", Set_Cookie="session=1"), "/b": answer(body=b"here"), "": ok}
    check = Http(name="shop", url=f"{at}/a", body_pattern="here")
    assert [tried(check).status, tried(check).status] == [UP, UP]
    assert [one.path for one in site.asked] == ["/a", "/b", "/a", "/b"]
    assert ["cookie" in one.headers for one in site.asked] == [False, True, False, True]


def test_what_is_wrong_behind_a_redirect_is_told_with_its_place(at: str, site: Site) -> None:
    site.pages = {"/a": to(f"/b?key={WORD}"), "/b": answer("404 Not Found")}
    assert look(f"{at}/a").reason == f"answered 404 Not Found from {at}/b, expected 200-299"


def test_a_redirect_that_is_expected_is_not_followed(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", "301 Moved Permanently"), "/b": to("/c"), "/c": ok}
    assert look(f"{at}/a", expected_status="301", expected_headers={"Location": "^/b$"}).http_status == 301
    assert look(f"{at}/a", expected_status="302").http_status == 302
    assert look(f"{at}/a").http_status == 200


def test_a_name_server_that_hangs_does_not_keep_us() -> None:
    stop = threading.Event()

    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        stop.wait(30)
        return []

    found = look("http://shop.example/", seconds=0.3, names=Names(ask))
    stop.set()
    assert (found.status, found.reason) == (DOWN, "the name servers do not answer for shop.example")


def test_a_circle_of_redirects_ends(at: str, site: Site) -> None:
    site.pages[""] = to("/again")
    found = look(at, redirects=3)
    assert (found.status, found.reason) == (DOWN, "it redirects more than 3 times")
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("ftp://127.0.0.1/x", "it redirects to ftp://127.0.0.1/x, which is no HTTP"),
        ("http://[", "it redirects to what is no address"),
        ("http://127.0.0.1:99999/", "it redirects to what is no address"),
    ],
)
def test_a_redirect_to_nowhere_is_told(at: str, site: Site, place: str, reason: str) -> None:
    site.pages[""] = to(place)
    assert look(at).reason == reason


def test_a_redirect_without_end_is_not_read(at: str, site: Site) -> None:
    site.pages = {"/a": floods(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n"), "/b": ok}
    assert look(f"{at}/a").status == UP


def test_secrets_stay_with_the_first_host(at: str, site: Site) -> None:
    other = Site()
    with listening(other) as port:
        site.pages = {"/a": to(f"http://127.0.0.1:{port}/x"), "/b": to("/c"), "": ok}
        for path in ("a", "b"):
            look(f"{at}/{path}", token=Secret(WORD), secret_headers={"X-Key": Secret(WORD)}, headers={"X-Team": "ops"})
    (elsewhere,) = other.asked
    assert "authorization" not in elsewhere.headers
    assert "x-key" not in elsewhere.headers
    assert elsewhere.headers["x-team"] == "ops"
    assert site.asked[-1].path == "/c"
    assert site.asked[-1].headers["x-key"] == WORD


def test_a_form_that_was_posted_is_followed_as_browsers_do(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", "303 See Other"), "/c": to("/d", "307 Temporary Redirect"), "": ok}
    look(f"{at}/a", method="POST", body="x")
    look(f"{at}/c", method="POST", body="x")
    assert [(one.method, one.body) for one in site.asked] == [
        ("POST", b"x"),
        ("GET", b""),
        ("POST", b"x"),
        ("POST", b"x"),
    ]


# -- where it leads ---


def names(*addresses: str) -> Names:
    """A resolver that says something else each time."""
    left = list(addresses)

    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return Names(ask)


def test_a_name_that_leads_inside_is_not_followed(at: str, site: Site) -> None:
    port = at.rpartition(":")[2]
    found = tried(Http(name="shop", url=f"http://shop.example:{port}/"), names=names("127.0.0.1"), allowed=())
    assert found.status == UNKNOWN
    assert found.reason.startswith("shop.example: 127.0.0.1 is this machine's own")
    assert site.asked == []


def test_a_redirect_inside_is_not_followed(at: str, site: Site) -> None:
    inside = Site()
    with listening(inside, host="127.0.0.2") as port:
        site.pages[""] = to(f"http://127.0.0.2:{port}/latest/meta-data/")
        found = tried(Http(name="shop", url=at), allowed=("127.0.0.1",))
    assert found.status == UNKNOWN
    assert "127.0.0.2 is this machine's own; [prober] private_networks can allow it" in found.reason
    assert inside.asked == []


def test_a_name_that_changes_its_address_is_looked_up_once_a_connection(at: str, site: Site) -> None:
    port = at.rpartition(":")[2]
    rebinding = names("127.0.0.1", "127.0.0.9")
    check = Http(name="shop", url=f"http://shop.example:{port}/")
    first = tried(check, names=rebinding, allowed=("127.0.0.1",))
    second = tried(check, names=rebinding, allowed=("127.0.0.1",))
    assert (first.status, second.status) == (UP, UNKNOWN)
    assert len(site.asked) == 1


def test_a_name_without_an_address_is_told() -> None:
    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    found = look("http://shop.example/", names=Names(ask))
    assert (found.status, found.reason) == (DOWN, "the name shop.example has no address")


def test_a_name_may_be_tried_by_one_kind_of_address_alone(at: str, site: Site) -> None:
    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    port = at.rpartition(":")[2]
    url, both = f"http://shop.example:{port}/", Names(ask)
    assert look(url, names=both, ip="4").status == UP
    assert look(url, names=both).status == UP
    assert look(url, names=both, ip="6").status == DOWN
    assert look(url, names=names("127.0.0.1"), ip="6").reason == "the name shop.example has no address of IPv6"


def test_nobody_there_is_told() -> None:
    port = free_port()
    assert look(f"http://127.0.0.1:{port}").reason == f"connection refused by 127.0.0.1:{port}"


# -- HTTPS ---


@pytest.mark.parametrize(
    ("server", "status", "reason", "days"),
    [
        (lambda folder: certs.good(days=90.5), UP, "", 90),
        (lambda folder: certs.good(days=3.5), DEGRADED, "certificate expires in 3 days", 3),
        (lambda folder: certs.good(days=-3.5), DOWN, "certificate expired 3 days ago", -4),
        (lambda folder: certs.good("a.example"), DOWN, "certificate is for a.example, not 127.0.0.1", 90),
        (certs.self_signed, DOWN, "self-signed certificate", 29),
    ],
)
def test_a_certificate_has_its_say(
    tmp_path: Path, site: Site, server: Callable[[Path], ssl.SSLContext], status: str, reason: str, days: int
) -> None:
    with certs.listening_tls(server(tmp_path), site) as port:
        found = look(f"https://127.0.0.1:{port}/", tls_authority=certs.authority_file(tmp_path))
    assert (found.status, found.reason, found.tls_days) == (status, reason, days)
    assert found.phases["tls_ms"] > 0


def test_what_is_down_keeps_its_days(tmp_path: Path, site: Site) -> None:
    site.pages[""] = answer("500 Oops")
    with certs.listening_tls(certs.good(days=3.5), site) as port:
        found = look(f"https://127.0.0.1:{port}/", tls_authority=certs.authority_file(tmp_path))
    assert (found.reason, found.tls_days) == ("answered 500 Oops, expected 200-299", 3)


def test_a_server_that_asks_who_we_are_is_told(tmp_path: Path, site: Site) -> None:
    authority = certs.authority_file(tmp_path)
    certificate, key = certs.client_files(tmp_path)
    with certs.listening_tls(certs.asking(certs.good()), site) as port:
        url = f"https://127.0.0.1:{port}/"
        assert look(url, tls_authority=authority, certificate=certificate, key=key).status == UP
        found = look(url, tls_authority=authority)
    assert (found.status, found.reason) == (DOWN, "it asks for a client certificate")


def test_https_does_not_lead_to_http(tmp_path: Path, site: Site, at: str) -> None:
    site.pages["/a"] = to(f"{at}/b")
    with certs.listening_tls(certs.good(), site) as port:
        found = look(f"https://127.0.0.1:{port}/a", tls_authority=certs.authority_file(tmp_path))
    assert found.status == DOWN
    assert found.reason == f"it redirects from https to {at}/b, which everybody can read and change"


@pytest.mark.parametrize("page", [mute, drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"x")])
def test_over_tls_a_drip_is_cut_as_well(tmp_path: Path, site: Site, page: Speak) -> None:
    site.pages[""] = page
    with certs.listening_tls(certs.good(), site) as port:
        found = look(f"https://127.0.0.1:{port}/", seconds=1.0, tls_authority=certs.authority_file(tmp_path))
    assert found.status == DOWN
    assert found.reason.startswith("no answer within 1 s"), found.reason


def test_one_server_turns_and_turns_back(tmp_path: Path, site: Site) -> None:
    context = certs.good(days=90.5)
    with certs.listening_tls(context, site) as port:
        check = Http(
            name="shop",
            url=f"https://127.0.0.1:{port}/",
            body_pattern="all is ok",
            tls_authority=certs.authority_file(tmp_path),
        )

        def told(
            page: Speak = ok, *, days: float = 90.5, names: tuple[str, ...] = (), seconds: float = 10.0
        ) -> tuple[str, str, int | None]:
            site.pages[""] = page
            certs.turn(context, tmp_path, *names, days=days)
            found = tried(check, seconds)
            return found.status, found.reason, found.tls_days

        assert told() == (UP, "", 90)
        site.pages[""] = late(0.2)
        assert tried(replace(check, slow=0.1)).reason.endswith("slower than 100 ms")
        assert told(answer(body=b"nothing here")) == (DOWN, "body does not match /all is ok/", 90)
        assert told(answer("500 Oops")) == (DOWN, "answered 500 Oops, expected 200-299", 90)
        assert told(mute, seconds=1.0)[:2] == (DOWN, "no answer within 1 s while waiting for its answer")
        assert told(drips(HEAD + b"Content-Length: 1000\r\n\r\n", b"x"), seconds=1.0)[1].startswith(
            "no answer within 1 s: "
        )
        assert told(days=3.5) == (DEGRADED, "certificate expires in 3 days", 3)
        assert told(days=-3.5) == (DOWN, "certificate expired 3 days ago", -4)
        assert told(names=("a.example",)) == (DOWN, "certificate is for a.example, not 127.0.0.1", 90)
        assert told() == (UP, "", 90)
    assert tried(check).reason == f"connection refused by 127.0.0.1:{port}"


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

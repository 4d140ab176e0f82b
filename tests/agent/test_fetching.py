"""What a program answers over HTTP, from servers that misbehave."""

from __future__ import annotations

import gzip
import ssl
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from agent.config import Scrape
from agent.fetching import MOST_BYTES, Fetching, NoAnswer
from bus.secret import Secret, Unavailable
from tests.agent.program import Answer, Program, answer, endless, raw
from tests.ports import free_port

HERE = Path("/nowhere")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def fetched(scrape: Scrape, folder: Path = HERE) -> bytes:
    """The whole answer."""
    with closing(Fetching(scrape, folder).pieces()) as pieces:
        return b"".join(pieces)


def refused(scrape: Scrape, folder: Path = HERE) -> str:
    """Why there is none."""
    with pytest.raises(NoAnswer) as caught:
        fetched(scrape, folder)
    return str(caught.value)


@pytest.mark.parametrize(
    "how",
    [answer(b"a 1\n"), raw(b"HTTP/1.0 200 OK\r\n\r\na 1\n"), raw(CHUNKED + b"2\r\na \r\n2\r\n1\n\r\n0\r\n\r\n")],
    ids=["with its length", "until the end", "in chunks"],
)
def test_an_answer_is_read_however_it_is_sent(how: Answer) -> None:
    with Program(how) as shop:
        assert fetched(shop.scrape) == b"a 1\n"


@pytest.mark.parametrize("how", [answer(b"a 1"), raw(CHUNKED + b"3\r\na 1\r\n0\r\n\r\n")], ids=["a length", "chunks"])
def test_an_answer_that_is_whole_need_not_end_its_last_line(how: Answer) -> None:
    with Program(how) as shop:
        assert fetched(shop.scrape) == b"a 1"


def test_it_is_asked_for_the_plain_format_at_the_usual_path() -> None:
    with Program(answer(b"")) as shop:
        fetched(shop.scrape)
        fetched(replace(shop.scrape, url=f"{shop.scrape.url}/own/?of=shop"))
    assert shop.asked[0].startswith(f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{shop.port}\r\n")
    assert "\r\nAccept: text/plain;version=0.0.4\r\n" in shop.asked[0]
    assert "\r\nAccept-Encoding: identity\r\n" in shop.asked[0]
    assert "Authorization" not in shop.asked[0]
    assert shop.asked[1].startswith("GET /own/?of=shop HTTP/1.1\r\n")


def test_who_asks_says_by_what_it_is_known() -> None:
    with Program(answer(b"")) as shop:
        fetched(replace(shop.scrape, token=Secret("t0ken")))
        fetched(replace(shop.scrape, user="anna", password=Secret("s3cret")))
    assert "\r\nAuthorization: Bearer t0ken\r\n" in shop.asked[0]
    assert "\r\nAuthorization: Basic YW5uYTpzM2NyZXQ=\r\n" in shop.asked[1]


def test_a_secret_is_in_no_reason() -> None:
    with Program(answer(b"")) as shop:
        reason = refused(replace(shop.scrape, token=Secret("s3cret\nX: y")))
        assert reason == "what is to be asked holds signs that HTTP has not"
        lacking = Secret("", Unavailable("${SHOP}, which is not set", "a value there", "type: export SHOP=..."))
        with pytest.raises(Unavailable, match="which is not set"):
            fetched(replace(shop.scrape, token=lacking))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        (answer(b"broken", "500 Internal Server Error"), "it answers 500 Internal Server Error"),
        (answer(b"", "204 No Content"), "it answers 204 No Content"),
        (
            answer(b"", "302 Found", "Location: http://10.0.0.1/"),
            "it answers 302, see 'http://10.0.0.1/', which is not followed: name that in url",
        ),
        (
            answer(gzip.compress(b"a 1\n" * 1_000_000), "200 OK", "Content-Encoding: gzip"),
            "it answers packed as 'gzip', for which it was not asked",
        ),
        (answer(b"a 1\n", length=100), "its answer ends too early"),
        (raw(CHUNKED + b"10\r\na 1\n"), "its answer ends too early"),
        (raw(b"HTTP/1.0 200 OK\r\n\r\na 1\nb 2"), "its answer ends too early"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "it answers with what is no HTTP (BadStatusLine)"),
        (raw(b""), "it ends the connection without an answer"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000), "it answers with what is no HTTP (HTTPException)"),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000), "it answers with what is no HTTP (LineTooLong)"),
    ],
)
def test_what_is_no_answer_says_why(how: Answer, why: str) -> None:
    with Program(how) as shop:
        assert refused(shop.scrape) == why


@pytest.mark.parametrize(
    "how",
    [
        endless(b"", b"", 0.05),
        endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a", 0.05),
        endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"a 1\n", 0.05),
        endless(CHUNKED, b"4\r\na 1\n\r\n", 0.05),
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    ],
    ids=["silent", "headers", "no length", "a length", "chunks", "continue"],
)
def test_who_drips_is_left_when_the_time_is_over(how: Answer) -> None:
    with Program(how) as shop:
        begun = time.monotonic()
        assert refused(replace(shop.scrape, timeout=0.4)) == "it took longer than 0.4 s"
        assert time.monotonic() - begun < 5


def test_an_answer_without_end_is_left_at_a_size() -> None:
    with Program(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a 1\n" * 65_536, 0.0)) as shop:
        assert refused(replace(shop.scrape, timeout=60.0)) == f"it answers with more than {MOST_BYTES >> 20}MiB"


def test_nobody_there_is_told_in_words() -> None:
    assert refused(Scrape("shop", f"http://127.0.0.1:{free_port()}")) == "connection refused"


def test_over_tls_it_has_to_be_trusted(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with Program(answer(b"a 1\n"), context) as shop:
        secure = replace(shop.scrape, url=f"https://127.0.0.1:{shop.port}")
        assert fetched(replace(secure, tls_authority="ca.pem"), tmp_path) == b"a 1\n"
        assert "unable to get local issuer certificate" in refused(replace(secure, tls_authority="other.pem"), tmp_path)
        assert (
            refused(replace(secure, tls_authority="none.pem"), tmp_path)
            == f"{tmp_path}/none.pem: no such file or directory"
        )


def test_a_handshake_that_hangs_is_left_too() -> None:
    with Program(endless(b"", b"", 0.05)) as shop:
        begun = time.monotonic()
        secure = replace(shop.scrape, url=f"https://127.0.0.1:{shop.port}", timeout=0.4)
        assert refused(secure) == "it took longer than 0.4 s"
        assert time.monotonic() - begun < 5

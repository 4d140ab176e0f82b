"""HTTPS: certificates have their say, and nothing of it keeps us."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from prober.checks.http import Http
from prober.outcome import DEGRADED, DOWN, UP
from tests.prober import certs
from tests.prober.checks.looking import HEAD, look
from tests.prober.site import Site, Speak, answer, drips, late, mute, ok, to
from tests.prober.targets import tried


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

"""How long a domain is registered, by registries that a test makes up."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.checks import domain
from prober.checks.domain import Domain, expiration
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Outcome
from tests.ports import free_port
from tests.prober.site import Site, answer
from tests.prober.targets import closing, listening, probe, silent

NOW = 1_769_860_800
"""2026-01-31T12:00:00Z"""
SECOND = 10**9


def registry(ends: str | None = "2027-01-31T12:00:00Z", **more: object) -> bytes:
    """What a registry says of shop.example."""
    events = [{"eventAction": "registration", "eventDate": "2001-01-01T00:00:00Z"}]
    events += [{"eventAction": "expiration", "eventDate": ends}] if ends else []
    return json.dumps({"objectClassName": "domain", "ldhName": "SHOP.EXAMPLE.", "events": events} | more).encode()


def look(site: Site | Any, seconds: float = 30.0, allowed: tuple[str, ...] = ("127.0.0.1",), **more: Any) -> Outcome:
    with listening(site) as port:
        return at(f"http://127.0.0.1:{port}/domain/", seconds, allowed, **more)


def at(rdap: str, seconds: float = 30.0, allowed: tuple[str, ...] = ("127.0.0.1",), **more: Any) -> Outcome:
    check = Domain(name="ours", url="domain:Shop.example", rdap=rdap, **more)
    assert list(check.objections()) == []
    made = probe(seconds, allowed=allowed, now=NOW * SECOND)
    try:
        return check.run(made)
    finally:
        made.deadline.close()


def said(body: bytes, status: str = "200 OK") -> Site:
    return Site({"/domain/shop.example": answer(status, body)})


@pytest.mark.parametrize(
    ("ends", "status", "reason", "days"),
    [
        ("2027-01-31T12:00:00Z", UP, "", 365),
        ("2026-03-02T12:00:00+00:00", UP, "", 30),
        ("2026-03-02T11:59:59Z", DEGRADED, "its registration ends in 29 days", 29),
        ("2026-02-01T12:00:00.5Z", DEGRADED, "its registration ends in 1 day", 1),
        ("2026-01-31T14:00:00+01:00", DEGRADED, "its registration ends in 1 hour", 0),
        ("2026-01-31T12:00:00", DOWN, "its registration ended less than a minute ago", 0),
        ("2026-01-28T11:00:00Z", DOWN, "its registration ended 3 days ago", -4),
    ],
)
def test_how_long_it_lasts_is_told(ends: str, status: str, reason: str, days: int) -> None:
    found = look(said(registry(ends)))
    assert (found.status, found.reason, found.metrics) == (status, reason, {"domain_days": float(days)})
    assert found.tls_days is None, "the registry's own certificate is not the domain's"


def test_how_long_is_long_enough_is_the_operators_to_say() -> None:
    assert look(said(registry("2026-03-12T12:00:00Z")), warn=45 * 86_400.0).status == DEGRADED
    assert look(said(registry("2026-02-01T12:00:00Z")), warn=0.0).status == UP


def test_it_is_asked_by_its_name_in_small_letters_and_redirects_are_followed() -> None:
    site = said(registry())
    with listening(site) as port:
        first = Site({"": answer("302 Found", b"", Location=f"http://127.0.0.1:{port}/domain/shop.example")})
        found = look(first)
    assert found.status == UP
    assert [one.path for one in (*first.asked, *site.asked)] == ["/domain/shop.example"] * 2
    assert "application/rdap+json" in site.asked[0].headers["accept"]


@pytest.mark.parametrize("state", ["client hold", "Server Hold", "redemption period", "pending delete"])
def test_what_its_registry_holds_back_is_down(state: str) -> None:
    for ends in ("2027-01-31T12:00:00Z", None):
        found = look(said(registry(ends, status=["active", state])))
        assert (found.status, found.reason) == (DOWN, f"it is in {state.lower()}")
    assert look(said(registry(status=["client transfer prohibited"]))).status == UP


def test_what_is_not_registered_is_down_where_a_registry_says_so() -> None:
    found = look(said(b"{}", "404 Not Found"))
    assert (found.status, found.reason, found.http_status) == (DOWN, "it is not registered", 404)


def test_where_nobody_knows_a_registry_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody, knows = said(b"", "404 Not Found"), said(b"", "404 Not Found")
    with listening(nobody) as port, listening(knows) as other:
        anywhere = f"http://127.0.0.1:{port}/domain/"
        monkeypatch.setattr(domain, "ANYWHERE", anywhere)
        found = at(anywhere)
        assert (found.status, found.reason.partition(":")[0]) == (
            UNKNOWN,
            "no registry is known that could be asked by RDAP",
        )
        nobody.pages[""] = answer("302 Found", b"", Location=f"http://127.0.0.1:{other}/domain/shop.example")
        nobody.pages.pop("/domain/shop.example")
        assert at(anywhere).reason == "it is not registered", "a registry that it knows says so"


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (registry(None), "200 OK", "its registry does not say when it ends"),
        (registry("soon"), "200 OK", "its registry does not say when it ends"),
        (registry(events={"eventAction": "expiration"}), "200 OK", "its registry does not say when it ends"),
        (registry(events=["expiration", None]), "200 OK", "its registry does not say when it ends"),
        (registry(ldhName="other.example"), "200 OK", "its registry answered for another domain"),
        (b"<html>", "200 OK", "its registry's answer is no RDAP"),
        (b"[1]", "200 OK", "its registry's answer is no RDAP"),
        (b"[" * 100_000, "200 OK", "its registry's answer is no RDAP"),
        (b'"' + b"x" * 300_000 + b'"', "200 OK", "its registry's answer is no RDAP"),
        (b"slow down", "429 Too Many Requests", "its registry answered 429, expected 200"),
        (b"", "503 Service Unavailable", "its registry answered 503, expected 200"),
    ],
)
def test_a_registry_that_does_not_say_says_nothing_of_the_domain(body: bytes, status: str, reason: str) -> None:
    found = look(said(body, status))
    assert (found.status, found.reason) == (UNKNOWN, reason)


def test_a_registry_that_cannot_be_asked_says_nothing_of_it_either() -> None:
    port = free_port()
    found = at(f"http://127.0.0.1:{port}/")
    assert (found.status, found.reason) == (
        UNKNOWN,
        f"its registry cannot be asked: connection refused by 127.0.0.1:{port}",
    )
    assert look(closing).status == UNKNOWN
    found = look(silent, 0.5)
    assert (found.status, "within 0.5 s" in found.reason) == (UNKNOWN, True)


def test_a_registry_that_is_not_public_is_not_asked_unless_that_is_allowed() -> None:
    reached: list[socket.socket] = []
    found = look(reached.append, allowed=())
    assert (found.status, "[prober] private_networks" in found.reason, reached) == (UNKNOWN, True, [])


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "domain:example"}, "url"),
        ({"url": "domain:shop.example/x"}, "url"),
        ({"url": "domain:büro.example"}, "url"),
        ({"url": "domain:-a.example"}, "url"),
        ({"rdap": "rdap.org"}, "rdap"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    check = Domain(name="ours", **{"url": "domain:shop.example", **settings})
    assert [one.key for one in check.objections()] == [key]


def test_a_name_in_other_letters_is_written_as_its_registry_has_it() -> None:
    assert list(Domain(name="ours", url="domain:xn--bro-hoa.co.uk").objections()) == []


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.just("expiration"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(("events", "eventAction", "eventDate")), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(("events", "status")), JSON))
def test_whatever_an_answer_holds_is_read(found: dict[str, Any]) -> None:
    ends = expiration(found)
    assert ends is None or isinstance(ends, float)

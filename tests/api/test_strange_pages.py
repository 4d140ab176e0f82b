"""What a page of somebody else's site may have a browser do to a hub on the same machine: nothing."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from api.auth import Keyring, Token, digest_of, misled, strange_page
from api.config import Api
from api.directory import Directory
from api.routes import ROUTES
from bus.tables import Service
from tests.api import contract
from tests.api.given import FakeCounter
from tests.api.house import READ, House
from tests.api.served import PATIENCE, serving

PATHS = [route.path.format(server_id="web-1", name="shop") for route in ROUTES if route.reads]
JOBS = Directory.of([], [Service("backup", "heartbeat:")])
ACK = Keyring((Token("cron", digest_of("gd_cron"), "ack"),))
REPORT = "/api/v1/heartbeat/backup"
SILENCE = {"reason": "new disk", "matches": ["web-1"], "seconds": 1800}
EVIL = {"Origin": "https://evil.example"}


def keyless(keyring: Keyring | None = None, **config: Any) -> House:
    """A hub without tokens, where none are given."""
    counter = FakeCounter()
    counter.keep_reading()
    return House(counter=counter, keyring=keyring, config=replace(Api(), **config), directory=JOBS).prime()


# -- a name that leads here (DNS rebinding) ---


@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/api/v1/health", "/api/v1/status", "/")])
def test_who_calls_a_hub_without_tokens_by_a_strange_name_sees_nothing(path: str) -> None:
    result = keyless().ask("GET", path, host="evil.example", port=8080)
    assert (result.status_code, result.json["code"]) == (403, "host")
    contract.error(result.json)


def test_nor_does_it_write_though_its_origin_looks_like_ours() -> None:
    house = keyless()
    headers = {"Origin": "http://evil.example:8080", "Sec-Fetch-Site": "same-origin"}
    result = house.ask("POST", "/api/v1/silences", headers, host="evil.example", port=8080, json=SILENCE)
    assert (result.status_code, result.json["code"]) == (403, "host")
    assert house.judge.asked == []


def test_nor_does_it_listen_or_learn_reasons() -> None:
    house = keyless()
    house.counter.failure = "its reader is not there"
    assert house.ask("GET", "/api/v1/health", host="evil.example").json["checks"]["store"] == {"status": "down"}
    with serving(house) as served, socket.create_connection(("127.0.0.1", served.port)) as here:
        with (
            connect(f"ws://evil.example:{served.port}/api/v1/stream", sock=here) as client,
            pytest.raises(ConnectionClosed) as closed,
        ):
            client.recv(timeout=PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        assert "evil.example" in closed.value.rcvd.reason
        assert house.hub.fanout.clients == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7:8080", "[::1]:8080", "localhost:9090", "hub.localhost"])
def test_addresses_and_localhost_are_nobodys_name(host: str) -> None:
    assert misled(host, ()) is None


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.org", "[evil]", ""])
def test_every_other_name_is_strange(host: str) -> None:
    refused = misled(host, ("hub.example",))
    assert refused is not None
    assert (refused.status, refused.code) == (403, "host")


def test_a_name_of_the_settings_is_ours_and_a_program_need_not_say_any() -> None:
    assert misled("Hub.Example.:8080", ("hub.example",)) is None
    assert misled(None, ()) is None
    contract.servers(keyless(names=("hub.example",)).get("/api/v1/servers", host="hub.example"))


def test_with_tokens_the_name_does_not_matter() -> None:
    keyring = Keyring((Token("viewer", digest_of("gd_reader"), "read"),))
    contract.servers(keyless(keyring).get("/api/v1/servers", READ, host="hub.example"))


# -- a picture whose address reports for a job ---


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_picture_on_a_strange_page_reports_for_no_job(site: str) -> None:
    house = keyless()
    result = house.ask("GET", REPORT, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    assert (result.status_code, result.json["code"]) == (403, "origin")
    assert "heartbeat" not in house.counter.records


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_job_and_whoever_types_the_address_do(headers: dict[str, str]) -> None:
    house = keyless()
    assert house.get(REPORT, headers)["status"] == "up"


def test_a_browsers_cookie_reports_for_no_job() -> None:
    house = keyless(ACK)
    assert house.ask("GET", REPORT, {"Cookie": "guardia_token=gd_cron"}).status_code == 401
    assert house.ask("GET", REPORT, {"Authorization": "Bearer gd_cron"}).status_code == 200


# -- pages of origins that may call ---


def test_where_any_page_may_read_none_writes_without_a_token() -> None:
    house = keyless(cors=True)
    contract.servers(house.get("/api/v1/servers", EVIL))
    result = house.ask("POST", "/api/v1/silences", EVIL, json=SILENCE)
    assert (result.status_code, result.json["code"]) == (403, "origin")

    guarded = keyless(ACK, cors=True)
    headers = EVIL | {"Authorization": "Bearer gd_cron"}
    assert guarded.ask("POST", "/api/v1/silences", headers, json=SILENCE).status_code == 201


def test_a_page_of_a_listed_origin_writes() -> None:
    house = keyless(cors=True, cors_origins=("https://status.example",))
    headers = {"Origin": "https://status.example"}
    assert house.ask("POST", "/api/v1/silences", headers, json=SILENCE).status_code == 201
    assert house.ask("POST", "/api/v1/silences", EVIL, json=SILENCE).status_code == 403


def test_a_page_is_strange_by_its_origin_or_by_what_its_browser_says() -> None:
    assert not strange_page(None, None, "hub:8080", ())
    assert not strange_page("http://hub:8080", "same-origin", "hub:8080", ())
    assert strange_page("http://hub:3000", "same-site", "hub:8080", ())
    assert strange_page("null", None, "hub:8080", ())
    assert not strange_page(None, "cross-site", "hub:8080", None)

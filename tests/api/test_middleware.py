"""What holds for every request: identity, errors, limits, headers."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.auth import Keyring, Token, digest_of
from api.config import Api
from api.middleware import plain_path
from api.routes import ROUTES
from api.tokens import TokensFault
from tests.api import contract
from tests.api.given import NOON, FakeCounter
from tests.api.house import KEYRING, READ, House


def guarded(**config: Any) -> House:
    """A hub with one token, for reading."""
    counter = FakeCounter()
    counter.keep_reading()
    return House(counter=counter, keyring=KEYRING, config=replace(Api(), **config)).prime()


PATHS = [route.path.format(server_id="web-1", name="shop") for route in ROUTES if route.reads]
OPEN = ("/api/v1/health", "/api/v1/status")
"""Health tells strangers words alone, and the status what the configuration calls public."""
GUARDED = [path for path in PATHS if path not in OPEN]


# -- identity ---


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_token_every_path_but_the_open_ones_is_401(path: str) -> None:
    result = guarded().ask("GET", path)
    assert result.status_code == 401
    contract.error(result.json)
    assert result.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", GUARDED)
def test_a_wrong_token_is_403(path: str) -> None:
    result = guarded().ask("GET", path, {"Authorization": "Bearer gd_wrong"})
    assert result.status_code == 403
    contract.error(result.json)


def test_another_scheme_is_401() -> None:
    assert guarded().ask("GET", "/api/v1/servers", {"Authorization": "Basic Z2RfcmVhZGVy"}).status_code == 401


def test_the_right_token_is_let_in() -> None:
    contract.servers(guarded().get("/api/v1/servers", READ))


def test_health_tells_strangers_the_words_but_not_the_reasons() -> None:
    house = guarded()
    house.counter.failure = "its reader is not there"
    stranger, friend = house.ask("GET", "/api/v1/health"), house.ask("GET", "/api/v1/health", READ)
    contract.health(stranger.json)
    assert stranger.status_code == friend.status_code == 503
    assert stranger.json["checks"]["store"] == {"status": "down"}
    assert friend.json["checks"]["store"]["reason"] == "its reader is not there"


def test_a_token_without_the_scope_is_403() -> None:
    house = House(keyring=Keyring((Token("old", digest_of("gd_old"), "read", expires_at=NOON),)))
    result = house.ask("GET", "/api/v1/servers", {"Authorization": "Bearer gd_old"})
    assert result.status_code == 403
    assert result.json["code"] == "expired_token"


def test_a_token_in_the_query_of_a_rest_call_counts_for_nothing() -> None:
    assert guarded().ask("GET", "/api/v1/servers?token=gd_reader").status_code == 401


def test_unreadable_tokens_let_nobody_in_and_tell_nothing() -> None:
    house = guarded()

    def broken() -> Keyring:
        raise TokensFault("/home/guardia/etc/var/api/tokens.json is damaged")

    house.hub.keyring = broken
    result = house.ask("GET", "/api/v1/servers", READ)
    assert result.status_code == 500
    assert "tokens.json" not in result.text


# -- the cookie ---


def test_opening_the_page_with_a_token_sets_a_cookie_that_lets_reads_in() -> None:
    house = guarded()
    result = house.ask("GET", "/?token=gd_reader")
    assert (result.status_code, result.headers["Location"]) == (303, "/")
    cookie = result.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie

    pair = cookie.partition(";")[0]
    contract.servers(house.get("/api/v1/servers", {"Cookie": pair}))


def test_the_cookie_is_for_reading_only() -> None:
    house = guarded()
    result = house.ask("POST", "/api/v1/servers", {"Cookie": "guardia_token=gd_reader"})
    assert result.status_code in (401, 405)
    assert result.status_code != 200


def test_a_wrong_token_sets_no_cookie() -> None:
    result = guarded().ask("GET", "/?token=gd_wrong")
    assert result.status_code == 403
    assert "Set-Cookie" not in result.headers


@pytest.mark.parametrize("token", ["gd_reader", "%C3%BC"])
def test_where_there_are_no_tokens_none_is_kept_in_a_cookie(token: str) -> None:
    result = House().prime().ask("GET", f"/?token={token}")
    assert (result.status_code, result.headers["Location"]) == (303, "/")
    assert "Set-Cookie" not in result.headers


def test_a_header_goes_before_a_cookie() -> None:
    headers = {"Cookie": "guardia_token=gd_reader", "Authorization": "Bearer gd_wrong"}
    assert guarded().ask("GET", "/api/v1/servers", headers).status_code == 403


# -- errors and limits ---


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/servers/web-1/metrics?start=yesterday", "start"),
        ("/api/v1/servers/web-1/metrics?end=", "end"),
        ("/api/v1/servers/web-1/metrics?limit=-1", "limit"),
        ("/api/v1/servers/web-1/metrics?limit=ten", "limit"),
        ("/api/v1/servers/web-1/metrics?limit=1&limit=2", "limit"),
        ("/api/v1/servers/web-1/metrics/latest?limit=1.5", "limit"),
        ("/api/v1/servers/web-1/series", "metric"),
        ("/api/v1/servers/web-1/series?metric=a.b&points=0", "points"),
        ("/api/v1/servers/web-1/series?metric=a.b&agg=median", "agg"),
        ("/api/v1/services/shop/checks?start=0x10", "start"),
        ("/api/v1/services/shop/uptime?since=noon", "since"),
        ("/api/v1/servers/web-1/metrics?x=" + "a" * 5000, "query"),
        ("/api/v1/why?subject=" + "a" * 201, "subject"),
        ("/api/v1/why?subject=web-1&rule=" + "a" * 201, "rule"),
        ("/?token=a&token=b", "token"),
    ],
)
def test_a_bad_parameter_is_400_and_named(path: str, parameter: str) -> None:
    result = guarded().ask("GET", path, READ)
    assert result.status_code == 400
    contract.error(result.json)
    assert result.json["parameter"] == parameter
    assert result.json["code"] == "bad_parameter"


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v2/servers", "/api", "/nothing.html", "/api/v1/servers/a/b/c"]
)
def test_an_unknown_path_is_404_in_the_one_shape(path: str) -> None:
    result = guarded().ask("GET", path, READ)
    assert result.status_code == 404
    contract.error(result.json)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/api/v1/servers", "/api/v1/health", "/", "/api/v1/stream"])
def test_a_wrong_method_is_405_and_says_which_are_right(method: str, path: str) -> None:
    result = guarded().ask(method, path, READ)
    assert result.status_code == 405
    contract.error(result.json)
    assert "GET" in result.headers["Allow"]


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(path: str) -> None:
    house = guarded()
    got, head = house.ask("GET", path, READ), house.ask("HEAD", path, READ)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert head.headers["Content-Type"] == got.headers["Content-Type"]


def test_options_says_what_is_allowed_without_a_token() -> None:
    result = guarded().ask("OPTIONS", "/api/v1/servers")
    assert result.status_code == 200
    assert {word.strip() for word in result.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["//api/v1/servers", "/api//v1///servers", "/api/v1/servers/", "///api/v1/servers//"])
def test_doubled_slashes_are_collapsed(path: str) -> None:
    contract.servers(guarded().get(path, READ))


def test_only_slashes_are_the_root() -> None:
    assert plain_path("///") == "/"
    assert plain_path("") == "/"


def test_a_large_body_is_413() -> None:
    result = guarded(body_bytes=10).ask("GET", "/api/v1/servers", READ, body=b"x" * 11)
    assert result.status_code == 413
    contract.error(result.json)


def test_a_request_without_a_websocket_to_the_stream_is_told_so() -> None:
    result = guarded().ask("GET", "/api/v1/stream", READ)
    assert result.status_code == 426
    contract.error(result.json)


def test_what_nobody_foresaw_is_500_and_shows_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    house = guarded()

    def clock() -> int:
        raise RuntimeError("secret inside")

    house.hub.clock = clock
    result = house.ask("GET", "/api/v1/servers", READ | {"X-Request-ID": "me-1"})
    assert result.status_code == 500
    contract.error(result.json)
    assert "secret" not in result.text
    assert "Traceback" not in result.text
    assert any("me-1" in record.getMessage() and record.exc_info for record in caplog.records)


# -- headers ---


def test_a_request_keeps_its_own_id_or_gets_one() -> None:
    house = guarded()
    assert house.ask("GET", "/api/v1/health", {"X-Request-ID": "abc-1"}).headers["X-Request-ID"] == "abc-1"
    made = house.ask("GET", "/api/v1/health", {"X-Request-ID": "a b\x7f"}).headers["X-Request-ID"]
    assert len(made) == 16
    assert house.ask("GET", "/api/v1/nothing").headers["X-Request-ID"]


def test_answers_are_json_and_not_kept_by_anybody() -> None:
    result = guarded().ask("GET", "/api/v1/servers", READ)
    assert result.headers["Content-Type"] == "application/json"
    assert result.headers["Cache-Control"] == "no-store"
    assert result.headers["X-Content-Type-Options"] == "nosniff"


def test_the_access_log_never_has_a_token(caplog: pytest.LogCaptureFixture) -> None:
    house = guarded(access_log=True)
    with caplog.at_level(logging.DEBUG):
        house.ask("GET", "/?token=gd_reader")
        house.ask("GET", "/api/v1/servers?token=gd_reader", READ | {"Cookie": "guardia_token=gd_reader"})
        house.ask("GET", "/api/v1/nothing?token=gd_reader")
    lines = [record.getMessage() for record in caplog.records]
    assert any("as viewer GET /api/v1/servers 200" in line for line in lines)
    assert not any("gd_reader" in line for line in lines)


def test_a_path_cannot_write_a_line_of_its_own_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        guarded(access_log=True).ask("GET", "/api/v1/a%0Aapi: all is well")
    (line,) = [record.getMessage() for record in caplog.records if "all is well" in record.getMessage()]
    assert "\n" not in line


# -- other origins ---

ORIGIN = {"Origin": "https://status.example"}
PREFLIGHT = ORIGIN | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


def test_other_origins_get_nothing_unless_allowed() -> None:
    result = guarded().ask("GET", "/api/v1/servers", READ | ORIGIN)
    assert "Access-Control-Allow-Origin" not in result.headers


def test_with_the_setting_on_any_origin_may_call_without_credentials() -> None:
    result = guarded(cors=True).ask("GET", "/api/v1/servers", READ | ORIGIN)
    assert result.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in result.headers


def test_refusals_carry_the_headers_too() -> None:
    result = guarded(cors=True).ask("GET", "/api/v1/servers", ORIGIN)
    assert result.status_code == 401
    assert result.headers["Access-Control-Allow-Origin"] == "*"


def test_with_a_list_only_those_origins_may_call() -> None:
    house = guarded(cors=True, cors_origins=("https://status.example",))
    allowed = house.ask("GET", "/api/v1/servers", READ | ORIGIN)
    other = house.ask("GET", "/api/v1/servers", READ | {"Origin": "https://evil.example"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://status.example"
    assert allowed.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in other.headers
    assert other.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/api/v1/servers", "/api/v1/servers/web-1/metrics", "/api/v1/stream"])
def test_a_preflight_is_answered_without_a_token(path: str) -> None:
    result = guarded(cors=True).ask("OPTIONS", path, PREFLIGHT)
    assert result.status_code == 200
    assert result.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in result.headers["Access-Control-Allow-Headers"]
    # Browsers ask for leave before they let a page send a DELETE, which ends a silence.
    assert {"GET", "POST", "DELETE"} <= set(result.headers["Access-Control-Allow-Methods"].split(", "))


def test_a_preflight_of_another_origin_allows_nothing() -> None:
    result = guarded().ask("OPTIONS", "/api/v1/servers", PREFLIGHT)
    assert result.status_code == 200
    assert not [name for name in result.headers if name.lower().startswith("access-control-")]


# -- pages ---


def test_our_page_loads_nothing_from_elsewhere() -> None:
    house = guarded()
    for path in ("/", "/api/docs"):
        result = house.ask("GET", path)
        assert result.status_code == 200
        assert "default-src 'self'" in result.headers["Content-Security-Policy"]
        assert "http://" not in result.text.replace("http://www.w3.org", "")
        assert "https://" not in result.text
        assert "<script>" not in result.text


@pytest.fixture
def dashboard(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<p>theirs</p>")
    (root / "assets" / "app.js").write_text("1")
    return root


def test_a_dashboard_that_is_not_there_is_no_fault_of_ours(tmp_path: Path) -> None:
    result = guarded(static=str(tmp_path / "nothing")).ask("GET", "/")
    assert (result.status_code, result.json["error"]) == (
        404,
        "the index.html of the folder in [api] static: no such file or directory",
    )


def test_a_dashboard_of_the_users_own_is_served_instead(dashboard: Path) -> None:
    house = guarded(static=str(dashboard))
    assert house.ask("GET", "/").text == "<p>theirs</p>"
    assert house.ask("GET", "/index.html").text == "<p>theirs</p>"
    assert house.ask("GET", "/assets/app.js").headers["Content-Type"].startswith("text/javascript")
    assert house.ask("HEAD", "/assets/app.js").content == b""
    assert house.ask("GET", "/?token=gd_reader").status_code == 303
    contract.error(house.ask("GET", "/api/nothing").json)
    contract.servers(house.get("/api/v1/servers", READ))


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/%2fetc/passwd",
        "/assets",
        "/.%00/index.html",
    ],
)
def test_nothing_outside_the_dashboard_is_served(dashboard: Path, path: str) -> None:
    result = guarded(static=str(dashboard)).ask("GET", path)
    assert result.status_code == 404
    assert "secret" not in result.text
    contract.error(result.json)

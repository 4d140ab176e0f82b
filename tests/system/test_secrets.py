"""No secret of the settings is told by a running hub: not in logs, answers, command lines or what commands print.

Everybody who is told a secret throws it back: each receiver answers with all that it was sent.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
import requests

from tests.ports import free_port
from tests.system.supervised import Hub, until

pytestmark = pytest.mark.system
MARK = "s3same"
SECRETS = {
    name: f"{MARK}-{name}-{number:04d}"
    for number, name in enumerate(
        (
            *("hook", "sign", "header", "discord", "slack", "pager", "topic", "ntfy", "mail", "json"),
            *("beat", "dog", "watch", "query", "token", "word", "asked"),
        )
    )
}
SETTINGS = """
[watchdog]
url = "file:dog"
[notify]
private_networks = ["127.0.0.1"]
group_seconds = 0
heartbeat_url = "file:beat"
heartbeat_seconds = 10
channels = ["hook", "discord", "slack", "pager", "ntfy", "mail", "json"]
[channels.hook]
type = "webhook"
secret_url = "file:hook"
secret = "file:sign"
secret_headers = {{ X-Key = "file:header" }}
[channels.discord]
type = "discord"
url = "file:discord"
[channels.slack]
type = "slack"
url = "file:slack"
[channels.pager]
type = "pagerduty"
url = "{url}"
routing_key = "file:pager"
[channels.ntfy]
type = "ntfy"
server = "{url}"
topic = "file:topic"
token = "file:ntfy"
[channels.mail]
type = "email"
host = "127.0.0.1"
port = {closed}
sender = "hub@guardia.example"
to = ["ops@guardia.example"]
user = "hub"
password = "file:mail"
[channels.json]
type = "apprise"
url = "file:json"
[prober]
private_networks = ["127.0.0.1"]
[[rules]]
name = "there"
when = "cpu.percent >= 0"
hosts = ["web-1"]
[[services]]
name = "shop"
url = "{url}/shop"
interval = "2s"
retries = 0
secret_query = "file:query"
token = "file:token"
expected_status = "500"
expected_headers = {{ X-Thrown-Back = "never" }}
[[services]]
name = "desk"
url = "{url}/desk"
interval = "2s"
retries = 0
user = "hub"
password = "file:word"
secret_headers = {{ X-Key = "file:header" }}
"""
ADDRESSES = ("hook", "discord", "slack", "beat", "dog", "watch")
"""Secrets that are addresses."""


class Echo:
    """A web server that answers 500 with all that it was sent."""

    def __init__(self) -> None:
        self.heard = ""
        echo = self

        class Handler(BaseHTTPRequestHandler):
            def do_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
                said = f"{self.path} {' '.join(self.headers.values())} {body}"
                echo.heard += said + "\n"
                self.send_response(500)
                self.send_header("X-Thrown-Back", self.path)
                self.send_header("Content-Length", str(len(said.encode())))
                self.end_headers()
                self.wfile.write(said.encode())

            do_GET = do_POST = do_PUT = do_any  # noqa: N815

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, echo: Echo) -> Iterator[Hub]:
    """A hub whose settings name many secrets, and that tries all of them."""
    made = Hub(tmp_path_factory.mktemp("h"))
    watch = 'watch_url = "file:watch"\nwatch_seconds = 10\n'
    made.write(watch + SETTINGS.format(url=echo.url, closed=free_port()))
    for name, secret in SECRETS.items():
        file = made.etc / name
        file.touch(mode=0o600)
        words = {"json": f"json://127.0.0.1:{echo.url.rpartition(':')[2]}/{secret}", "query": f"key={secret}"}
        file.write_text(words.get(name, f"{echo.url}/{secret}" if name in ADDRESSES else secret))
    made.start()
    try:
        until(made.all_run, 60, f"all programs run: {made.log}")
        yield made
    finally:
        made.stop()


def said(hub: Hub) -> Iterator[tuple[str, bytes]]:
    """What this hub tells anybody, and where."""
    var = hub.etc / "var"
    for file in (hub.log, *(Path(folder, name) for folder, _, names in os.walk(var) for name in names)):
        with contextlib.suppress(FileNotFoundError):  # it was one for a moment
            yield from [(str(file), file.read_bytes())] if file.is_file() else []
    for process in (psutil.Process(hub.pid), *psutil.Process(hub.pid).children(recursive=True)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield f"the command line of {process.pid}", Path(f"/proc/{process.pid}/cmdline").read_bytes()
    base = f"http://127.0.0.1:{hub.api}"
    described = requests.get(f"{base}/api/v1/openapi.json", timeout=60).json()["paths"]
    paths = [
        path for path, methods in described.items() if "get" in methods and "{" not in path and "heartbeat" not in path
    ]
    more = ("why?subject=host/web-1", "why?subject=service/shop", "services/shop/checks", "servers/web-1/metrics")
    for path in (*paths, *(f"/api/v1/{one}" for one in more)):
        if "/stream" not in path:
            answer = requests.get(f"{base}{path}", timeout=60)
            yield path, answer.content + str(answer.headers).encode()
    wrong = requests.get(f"{base}/api/v1/{'x' * 40}?token={SECRETS['asked']}", timeout=60)
    yield "an error's page", wrong.content
    for words in (
        *(
            "why host/web-1",
            "why service/shop",
            "alerts",
            "alerts --json",
            "status --json",
            "channel list",
            "rules --json",
        ),
        *("check", "services", "service test shop", "service test desk", "channel test hook", "channel test discord"),
        *("channel test pager", "channel test ntfy", "channel test mail", "channel test json", "channel test slack"),
    ):
        done = hub.guardia(*words.split())
        yield f"guardia {words}", (done.stdout + done.stderr).encode()


def test_no_secret_is_told_by_whoever_has_to_know_it(hub: Hub, echo: Echo) -> None:
    tried = {name for name in SECRETS if name not in ("sign", "mail", "dog", "watch", "asked")}

    def thrown() -> bool:
        # Basic authentication has the password in base64.
        return all(SECRETS[name] in echo.heard for name in tried - {"word"}) and "Basic " in echo.heard

    until(thrown, 60, "every secret was thrown back")
    until(lambda: "failed" in hub.guardia("why", "host/web-1").stdout, 60, "the notices failed")
    until(lambda: (hub.ask("services/shop/checks") or {}).get("count"), 60, "the checks are stored")

    found = list(said(hub))
    assert len(found) > 60
    assert [where for where, what in found if MARK.encode() in what] == []

"""What a watchman says reaches a real web server, and what cannot be said is tried again without telling the URL."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from agent.watching import Watching, message
from agent.watchman import Cry
from bus.posting import posted
from bus.secret import Secret

ROOT = Path(__file__).parents[2]


class Receiver:
    """A web server that keeps what is posted and answers with ``status``."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200
        self.before = b""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.wfile.write(receiver.before)
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?key=tell-nobody"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def at_once(call: Any, done: Any) -> None:
    try:
        done(call())
    except Exception as error:
        done(error)


def test_the_silence_and_its_end_are_posted_once_each(receiver: Receiver) -> None:
    heard: list[float | None] = [None]
    log = logging.getLogger("test.watching")
    watching = Watching("web-1", Secret(receiver.url), 0.0, heard=lambda: heard[0], submit=at_once, log=log)
    watching.look()
    watching.look()
    heard[0] = float("inf")
    watching.look()
    watching.look()

    assert [(body["server"], body["state"]) for body in receiver.bodies] == [
        ("web-1", "firing"),
        ("web-1", "resolved"),
    ]


def test_a_refusal_is_logged_without_the_url_and_tried_again_later(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status = 500
    log = logging.getLogger("test.watching")
    watching = Watching("web-1", Secret(receiver.url), 0.0, heard=lambda: None, submit=at_once, log=log)
    watching.look()
    watching.look()

    assert len(receiver.bodies) == 1
    assert "it answered 500, trying again in" in caplog.text
    assert "tell-nobody" not in caplog.text


@pytest.mark.parametrize(("status", "reason"), [(200, ""), (500, "it answered 500")])
def test_interim_answers_are_not_the_answer(receiver: Receiver, status: int, reason: str) -> None:
    receiver.before, receiver.status = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", status
    said = json.dumps({"url": receiver.url, "body": {}})
    command = [sys.executable, "-m", "bus.posting"]
    done = subprocess.run(command, cwd=ROOT, input=said, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1 if reason else 0, reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (299, None),
        (300, "it answered 300: it leads elsewhere, which is not followed"),
        (301, "it answered 301: it leads elsewhere, which is not followed"),
        (400, "it answered 400"),
    ],
)
def test_what_leads_elsewhere_or_is_refused_is_not_taken(receiver: Receiver, status: int, reason: str | None) -> None:
    receiver.status = status
    assert posted(receiver.url, {}) == reason


def test_the_body_has_the_fields_that_receivers_of_old_know() -> None:
    body = message("web-1", Cry("silent", 100.0), now=700.0, wall=1_769_860_800.0)

    assert body["message"] == "web-1 has not heard from the hub since 2026-01-31T11:50:00Z"
    assert (body["server"], body["timestamp"]) == ("web-1", "2026-01-31T12:00:00Z")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x?key=tell-nobody", "nonsense://x", "http://"])
def test_what_cannot_be_reached_is_a_reason_and_no_traceback(url: str) -> None:
    reason = posted(url, {})

    assert reason
    assert "tell-nobody" not in reason

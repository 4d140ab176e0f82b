"""One attempt of an HTTP check."""

from __future__ import annotations

from typing import Any

from prober.checks.http import Http
from prober.outcome import Outcome
from tests.prober.targets import AMPLE, tried

WORD = "open-sesame"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


def look(url: str, /, **more: Any) -> Outcome:
    seconds, names = more.pop("seconds", AMPLE), more.pop("names", None)
    check = Http(name="shop", url=url, **more)
    assert list(check.objections()) == []
    return tried(check, seconds, names=names)

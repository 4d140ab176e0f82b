"""Questions that nobody should ask, made from the OpenAPI description of the api and a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

WORDS = [
    *(
        "",
        "0",
        "-1",
        "1",
        "9" * 30,
        "1e308",
        "nan",
        "inf",
        "1.5",
        "0x10",
        "1_000",
        "true",
        "null",
        "{}",
        "[]",
        "'",
        '"',
    ),
    *("*", "[", "[!a", "a*" * 100, "a" * 3000, "\0", "é", "😀", "<script>", "../../etc/passwd", "cpu.percent", "cpu*"),
    *("2026-01-31T12:00:00Z", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
    *("1970-01-01T00:00:00+14:00", "-2h", "1h", "99999999999y", "1790000000", "1790000000000000000", "mean", "web-1"),
]
BODIES = [
    *(b"", b"{", b"[]", b"null", b"{}", b"1", b"NaN", b"\xff\xfe", b'{"a":' * 5000, b'"' + b"a" * 200_000 + b'"'),
    *(b'{"seconds": 1e999}', b'{"rule": {}}', b'{"when": "cpu.percent > 90"}', b'{"reason": 1, "matches": {}}'),
    b'{"reason": "x", "matches": ["*"], "seconds": 60, "owner": " "}',
]
TYPES = ["application/json", "application/json; charset=utf-16", "text/plain", ""]
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Wrong:
    """One request."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes
    kind: str


def questions(openapi: dict[str, Any], seed: int, rounds: int) -> Iterator[Wrong]:
    """So many of each call that is described, but for the stream."""
    chance = random.Random(seed)
    for _ in range(rounds):
        for path, calls in openapi["paths"].items():
            for method in METHODS:
                if method in calls and not path.endswith("/stream"):
                    yield _question(method, path, calls[method], chance)


def _question(method: str, path: str, call: dict[str, Any], chance: random.Random) -> Wrong:
    query = []
    for parameter in call.get("parameters", ()):
        word = chance.choice(WORDS)
        if parameter["in"] == "path":
            word = chance.choice(("web-1", word or "x"))
            path = path.replace("{" + parameter["name"] + "}", quote(word, safe=""))
        elif parameter.get("required") or chance.random() < 0.5:
            query.append((parameter["name"], word))
    has_body = method not in ("get", "delete") or chance.random() < 0.1
    body = chance.choice(BODIES) if has_body else b""
    return Wrong(method, path, tuple(query), body, chance.choice(TYPES))

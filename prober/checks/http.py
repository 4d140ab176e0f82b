"""HTTP and HTTPS: does it answer, with what it should, and fast enough?"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bus import __version__, sizes
from bus.config import Objection, Secret, setting
from bus.harmless import cut, printable
from bus.headers import header
from prober.checks.securing import Securing
from prober.jsonpath import Condition, condition
from prober.outcome import DOWN, UP, Failed, Outcome
from prober.probe import Probe
from prober.ranges import Statuses, statuses

if TYPE_CHECKING:
    from requests import PreparedRequest

    from prober.web import Reply, Way

SHOWN = 60
_QUERY = re.compile(r"[^\s#\x00-\x20\x7f-\U0010ffff]+")
_UNSEEN = ("set-cookie", "authorization", "www-authenticate", "proxy-authenticate")
"""Headers whose value is not told."""


@dataclass(frozen=True, kw_only=True)
class Http(Securing):
    """A page or an interface over HTTP or HTTPS: it answers as it should, in time, with what it should."""

    method: str = setting(
        "GET", choices=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), help="What is asked."
    )
    headers: dict[str, str] = setting({}, help='Headers that are sent: { Accept = "application/json" }.')
    secret_headers: dict[str, Secret] = setting({}, help='Headers that must not be seen: { X-Key = "file:key" }.')
    body: str = setting("", help="The body that is sent.")
    secret_body: Secret | None = setting(None, help="The body that is sent, if it must not be seen.")
    secret_query: Secret | None = setting(
        None, help="What stands behind the ? of the address, if it must not be seen: key=..."
    )
    user: str = setting("", help="Who logs in, by basic authentication.")
    password: Secret | None = setting(None, help="The password for it.")
    token: Secret | None = setting(None, help="The token by which we are known: Authorization: Bearer.")
    redirects: int = setting(
        5, minimum=0, maximum=20, help="So many redirects are followed, if their status is not expected; 0: none."
    )
    expected_status: str = setting("200-299", help='The statuses that are right: "200-299,404" or "2xx".')
    expected_headers: dict[str, str] = setting(
        {}, help='Headers that its answer has to have, with regular expressions: { Content-Type = "json" }.'
    )
    body_pattern: str = setting("", help="A regular expression that its body has to match somewhere.")
    body_without: str = setting("", help="A regular expression that its body must not match anywhere.")
    json: tuple[str, ...] = setting(
        (), help="What its body has to hold as JSON: ['$.status == \"ok\"', 'length($.queue) < 100']."
    )
    min_bytes: int = setting(0, unit="bytes", minimum=0, help="A smaller body is wrong.")
    max_bytes: int | None = setting(None, unit="bytes", minimum=0, help="A larger body is wrong.")
    read_bytes: int = setting(
        1024 * 1024, unit="bytes", minimum=0, maximum=64 * 1024 * 1024, help="So much of a body is read, at most."
    )
    mismatch: str = setting(
        "down", choices=("down", "degraded"), help="What it is when it answers, but headers, body or JSON are wrong."
    )

    def objections(self) -> Iterator[Objection]:
        """Expressions, lists and headers are read now, not at night."""
        yield from super().objections()
        yield from self._address_objections()
        for key in ("body_pattern", "body_without"):
            yield from _expression(key, getattr(self, key))
        for name, text in self.expected_headers.items():
            yield from _expression("expected_headers", text)
            yield from header("expected_headers", name, "")
        for name, text in self.headers.items():
            yield from header("headers", name, text)
        for name, secret in self.secret_headers.items():
            yield from header("secret_headers", name, secret.reveal())
        try:
            statuses(self.expected_status)
        except ValueError as error:
            yield Objection("expected_status", str(error), 'statuses such as "200-299,404"')
        for text in self.json:
            try:
                condition(text)
            except ValueError as error:
                yield Objection("json", f'"{text}"', str(error))
        yield from self._clashes()

    def _address_objections(self) -> Iterator[Objection]:
        try:
            parts = self.parts()
        except ValueError:
            return
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield Objection("url", f'"{self.url}"', "an address such as https://shop.example/health")

    def _clashes(self) -> Iterator[Objection]:
        if self.user and self.password is None:
            yield Objection("password", "nothing", "the password of the user")
        if self.body and self.secret_body is not None:
            yield Objection("secret_body", "a second body", "one of them")
        if self.secret_query is not None and not _QUERY.fullmatch(self.secret_query.reveal()):
            yield Objection("secret_query", "signs that no address may have", "key=value, other signs as %XX")
        if self.password is not None and not self.user:
            yield Objection("user", "nothing", "whose password it is")
        if self.token is not None and self.user:
            yield Objection("token", "a token beside a user", "one of them")
        if self.max_bytes is not None and self.max_bytes < self.min_bytes:
            yield Objection("max_bytes", f"{self.max_bytes}, less than min_bytes", f"at least {self.min_bytes}")
        if self.method == "HEAD" and (self.body_pattern or self.json or self.min_bytes):
            yield Objection("method", "HEAD, which is answered without a body", "GET, as there are demands on the body")

    @property
    def secure(self) -> bool:
        """By its address."""
        return self.parts().scheme == "https"

    def prepare(self) -> None:
        """Load what speaks HTTP, and make the request that is sent each time."""
        super().prepare()
        with suppress(Failed):
            _ = self._way, self._request

    def look(self, probe: Probe) -> Outcome:
        """Ask, and judge the answer."""
        reply = self._way.go(self._request, self._most, probe)
        found = self._judged(reply)
        return found if reply.seen is None else self.dated(found, reply.seen, probe)

    def _judged(self, reply: Reply) -> Outcome:
        metrics = {"bytes": float(len(reply.body))}
        if reply.status not in self._statuses:
            told = f"answered {reply.status} {reply.words}".rstrip()
            after = f" from {reply.place}" if reply.place else ""
            return Outcome(DOWN, f"{told}{after}, expected {self._statuses}", http_status=reply.status, metrics=metrics)
        wrong = self._wrong(reply)
        return Outcome(self.mismatch if wrong else UP, wrong or "", http_status=reply.status, metrics=metrics)

    def _wrong(self, reply: Reply) -> str | None:
        for name, pattern in self.expected_headers.items():
            value = reply.headers.get(name)
            if value is None:
                return f"header {name} is missing"
            if not re.search(pattern, value):
                shown = "" if name.lower() in _UNSEEN else f' is "{cut(printable(value), SHOWN)}", which'
                return f"header {name}{shown} does not match /{pattern}/"
        size = len(reply.body)
        if self.max_bytes is not None and size > self.max_bytes:
            return f"body is larger than {sizes.in_words(self.max_bytes)}"
        if size < self.min_bytes:
            return f"body of {sizes.in_words(size)} is smaller than {sizes.in_words(self.min_bytes)}"
        seen = "" if reply.whole else f" in its first {sizes.in_words(size)}"
        if self._wanted and not self._wanted.search(reply.text):
            return f"body does not match /{self.body_pattern}/{seen}"
        if self._unwanted and self._unwanted.search(reply.text):
            return f"body matches /{self.body_without}/"
        return self._json_wrong(reply) if self.json else None

    def _json_wrong(self, reply: Reply) -> str | None:
        from json import loads

        if not reply.whole:
            return f"body is larger than {sizes.in_words(len(reply.body))}, too large to be looked at as JSON"
        try:
            document = loads(reply.body)
        except (ValueError, RecursionError):
            return "body is no JSON"
        return next((wrong for one in self._conditions if (wrong := one.fault(document))), None)

    # What is made of the settings once, at the first attempt.

    @cached_property
    def _way(self) -> Way:
        from prober.web import Way

        private = tuple(self.secret_headers)
        return Way(self.terms(), self.redirects, self._statuses, private, self.secret_body is not None)

    @cached_property
    def _request(self) -> PreparedRequest:
        from prober.web import request

        headers = {"User-Agent": f"guardia/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
        headers |= {"Connection": "close"}
        if self.user and self.password:
            pair = f"{self.user}:{self.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        own = {**self.headers, **{name: secret.reveal() for name, secret in self.secret_headers.items()}}
        taken = {name.lower() for name in own}
        headers = {name: value for name, value in headers.items() if name.lower() not in taken} | own
        url, body = self.url, self.secret_body.reveal() if self.secret_body else self.body
        if self.secret_query:
            url = url.partition("#")[0]
            url = f"{url}{'&' if '?' in url else '?'}{self.secret_query.reveal()}"
        return request(self.method, url, headers, body.encode() if body else None)

    @cached_property
    def _most(self) -> int:
        if self.method == "HEAD":
            return 0
        return max(self.read_bytes, self.min_bytes, 0 if self.max_bytes is None else self.max_bytes + 1)

    @cached_property
    def _statuses(self) -> Statuses:
        return statuses(self.expected_status)

    @cached_property
    def _conditions(self) -> tuple[Condition, ...]:
        return tuple(condition(text) for text in self.json)

    @cached_property
    def _wanted(self) -> re.Pattern[str] | None:
        return re.compile(self.body_pattern) if self.body_pattern else None

    @cached_property
    def _unwanted(self) -> re.Pattern[str] | None:
        return re.compile(self.body_without) if self.body_without else None


def _expression(key: str, text: str) -> Iterator[Objection]:
    try:
        re.compile(text)
    except re.error as error:
        yield Objection(key, f'"{text}"', f"a regular expression ({error})")

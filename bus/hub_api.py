"""Requests to a hub's API by HTTP: who we are to it, how long we wait, what its errors are in words. Blocks."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from bus.harmless import safe
from bus.hubs import LOOPBACK, Hub
from bus.patience import patient
from bus.reasons import address
from bus.secret import Secret

CONNECT_SECONDS, READ_SECONDS = 4.0, 20.0
WHOLE_SECONDS = 40.0
"""So much longer than until its first byte an answer may take until its last one."""
UNSIGNED = "wants a token: give --token-file FILE or set GUARDIA_TOKEN"
HINT = "; is this a Guardia hub?"


class Refused(Exception):
    """The hub answered with an error; ``status`` and ``code`` are of it, ``again`` in how many seconds to ask again."""

    def __init__(self, status: int, text: str, again: float | None = None, code: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.again = again
        self.known = not text.endswith(HINT)


class HubApi:
    """One connection to the API of a hub. Not to be shared between threads."""

    def __init__(self, hub: Hub, agent: str) -> None:
        """``agent`` is what we call ourselves there."""
        self.address = address(hub.url)
        self._base = hub.url.rstrip("/") + "/api/v1"
        self._authority = hub.ca or None
        self._session = requests.Session()
        self._patience = patient(self._session)
        self._session.headers.update({"Accept": "application/json", "User-Agent": agent})
        # As a callable, so that an entry in ~/.netrc cannot take the token's place.
        self._session.auth = _bearer(hub.token)
        if urlsplit(hub.url).hostname in LOOPBACK:
            self._session.trust_env = False  # no proxy stands between us and this machine
        if hub.url.startswith("https:"):
            self._session.verify = trusted()

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def request(
        self,
        path: str,
        query: Sequence[tuple[str, str]] = (),
        method: str = "GET",
        body: object = None,
        *,
        fine: tuple[int, ...] = (200, 201),
        patience: float = READ_SECONDS,
    ) -> requests.Response:
        """The answer; raises ``Refused``, and what ``requests`` raises where there is none."""
        with self._patience.lasting(patience + WHOLE_SECONDS):
            answer = self._session.request(
                method,
                self._base + path,
                params=list(query),
                json=body,
                timeout=(CONNECT_SECONDS, patience),
                verify=self._authority,  # said here, or REQUESTS_CA_BUNDLE would go before it
                allow_redirects=False,  # a token is shown to the hub and to nobody that it names
            )
        answer.encoding = "utf-8"
        if answer.status_code in fine:
            return answer
        raise Refused(
            answer.status_code, said(answer, self.address), _again(answer), str(_told(answer).get("code", ""))
        )


def trusted() -> str | bool:
    """What this machine trusts: its own store, as the stream does, not only the one that requests brings along."""
    return ssl.get_default_verify_paths().cafile or True


def said(answer: requests.Response, address: str) -> str:
    """The hub's error in a sentence."""
    if answer.status_code == 401:
        return f"{address} {UNSIGNED}"
    found = _told(answer)
    text = found.get("error")
    told = safe(text[:200]) if isinstance(text, str) else None  # whoever it is that answers, a terminal shows it
    if answer.status_code == 403 and told is not None and found.get("code") in ("scope", "expired_token", "host"):
        return f"{address} refuses this: {told}"
    if answer.status_code == 403:
        return f"{address} refuses this token"
    more = f": {told}" if told is not None else ""
    hint = "" if told is not None else HINT
    return f"{address} answered {answer.status_code}{more or hint}"


def _told(answer: requests.Response) -> dict[str, Any]:
    """The object that an error is; an empty one for what is none of ours."""
    try:
        found: Any = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _again(answer: requests.Response) -> float | None:
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 6 else None


def _bearer(token: Secret | None) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return request

    return sign

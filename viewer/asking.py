"""Questions to the hub by HTTP: a wish in, an event out. Blocks; meant for a thread."""

from __future__ import annotations

import getpass
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from bus.secret import Secret
from viewer import parse, parse_alerts
from viewer.config import LOOPBACK
from viewer.events import (
    ActDone,
    AlertsTold,
    AskChecks,
    AskHost,
    AskHosts,
    AskSeries,
    AskServices,
    BacktestTold,
    BeforeTold,
    Event,
    Failed,
    HostsTold,
    HubTold,
    Wish,
)
from viewer.incidents import Hub, Incident
from viewer.patience import patient
from viewer.reasons import address, reason
from viewer.wishes import (
    Acknowledge,
    Act,
    AddSilence,
    AskAlerts,
    AskBacktest,
    AskBefore,
    AskHub,
    AskIncidents,
    AskLabels,
    AskRules,
    AskWhy,
    EndSilence,
)

CONNECT_SECONDS, READ_SECONDS = 4.0, 20.0
WHOLE_SECONDS = 40.0
"""So much longer than until its first byte an answer may take until its last one."""
BACKTEST_PATIENCE = 90.0
MOST_INCIDENTS = 500
MOST_PAGES = 50
"""Pages that are looked through for one incident."""
UNSIGNED = "wants a token: give --token-file FILE or set GUARDIA_TOKEN"


HINT = "; is this a Guardia hub?"


class Refused(Exception):
    """The hub answered with an error; ``status`` is its number."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.known = not text.endswith(HINT)


class Asker:
    """One connection to the hub's API. Not to be shared between threads."""

    def __init__(
        self,
        url: str,
        token: Secret | None,
        clock: Callable[[], float] = time.time,
        owner: str = "",
        ca: str = "",
        rest: Callable[[], None] = lambda: None,
    ) -> None:
        self._base = url.rstrip("/") + "/api/v1"
        self._address = address(url)
        self._clock = clock
        self._owner = owner or login()
        self._rest = rest
        self._session = requests.Session()
        self._patience = patient(self._session)
        self._session.headers.update({"Accept": "application/json", "User-Agent": "guardia-viewer"})
        # As a callable, so that an entry in ~/.netrc cannot take the token's place.
        self._session.auth = _bearer(token)
        if urlsplit(url).hostname in LOOPBACK:
            self._session.trust_env = False  # no proxy stands between us and this machine
        if url.startswith("https:"):
            self._session.verify = ca or trusted()

    def ask(self, wish: Wish) -> Event:
        """The answer, or why there is none; never raises."""
        try:
            return self._ask(wish)
        except Refused as error:
            return Failed(wish, str(error), error.status, error.known)
        except (requests.RequestException, OSError) as error:
            return Failed(wish, reason(error, self._address))
        except ValueError as error:
            return Failed(wish, f"{self._address} does not answer as a hub does: {error}; is this a Guardia hub?")

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _ask(self, wish: Wish) -> Event:
        match wish:
            case AskHosts():
                return self._hosts()
            case AskHost():
                return parse.host(self._get(f"/servers/{_name(wish.name)}")) or self._odd(wish)
            case AskSeries():
                query = [("metric", metric) for metric in wish.metrics]
                query += [("start", str(wish.start)), ("end", str(wish.end)), ("points", str(wish.points))]
                query.append(("agg", "mean,min,max,count"))
                body = self._get(f"/servers/{_name(wish.name)}/series", query)
                return parse.series(body, wish) or self._odd(wish)
            case AskServices():
                return parse.services(self._get("/services"))
            case AskChecks():
                path = f"/services/{_name(wish.name)}"
                checks = self._get(f"{path}/checks", [("start", str(wish.start)), ("end", str(wish.end))])
                return parse.checks(checks, self._get(f"{path}/uptime", [("since", str(wish.start))]), wish)
            case AskAlerts():
                return AlertsTold(
                    parse_alerts.alarms(self._get("/alerts")), parse_alerts.silences(self._get("/silences"))
                )
            case AskIncidents():
                query = [("since", str(wish.since)), ("until", str(wish.until)), ("limit", str(MOST_INCIDENTS))]
                return parse_alerts.incidents(self._get("/incidents", query), wish)
            case AskBefore():
                return BeforeTold(wish, self._before(wish))
            case AskWhy():
                more = {"rule": wish.rule, "at": "" if wish.at is None else str(wish.at // 1_000_000)}
                query = [("subject", wish.subject), *((name, value) for name, value in more.items() if value)]
                return parse_alerts.why(self._get("/why", query), wish)
            case AskHub():
                return HubTold(self._hub())
            case AskLabels():
                return parse_alerts.labels(self._get("/labels"))
            case AskRules():
                return parse_alerts.rules(self._get("/rules"))
            case AskBacktest():
                tried = {"rule": wish.rule, "subject": wish.subject or "*", "seconds": wish.seconds}
                changed = {key: text for key, text in (("when", wish.when), ("lasts", wish.lasting)) if text}
                answer = self._request("/backtest", [], "POST", {**tried, **changed}, patience=BACKTEST_PATIENCE)
                return BacktestTold(wish, parse_alerts.backtest(answer.text))
            case Acknowledge() | AddSilence() | EndSilence():
                return ActDone(wish, *self._act(wish))

    def _before(self, wish: AskBefore) -> Incident | None:
        """The newest incident up to a time. A hub that looked at many in vain hands back a page without rows."""
        query = [("since", "0"), ("until", str(wish.at)), ("limit", "1")]
        query += [("subject", wish.subject)] if wish.subject else []
        cursor: list[tuple[str, str]] = []
        for _ in range(MOST_PAGES):
            found, following = parse_alerts.page(self._get("/incidents", query + cursor))
            if found or not following:
                return found[0] if found else None
            cursor = [("cursor", following)]
        raise ValueError(f"no incident among the newest {MOST_PAGES} pages")

    def _act(self, act: Act) -> tuple[str, str]:
        """Do it; returns the hub's sentence, and the id of what was changed."""
        match act:
            case Acknowledge():
                path = f"/incidents/{_name(act.id)}/acknowledge"
                answer = self._request(path, [], "POST", {"note": act.note, "owner": self._owner})
            case AddSilence():
                body = {"reason": act.reason, "matches": list(act.matches), "seconds": act.seconds}
                answer = self._request("/silences", [], "POST", {**body, "owner": self._owner})
            case EndSilence():
                answer = self._request(f"/silences/{_name(act.id)}", [], "DELETE")
        return parse_alerts.done(answer.text)

    def _hub(self) -> Hub:
        """How the hub is, as far as this token may know."""
        ill = self._request("/health", [], fine=(200, 503)).text
        told: dict[str, str] = {}
        refused = ""
        for path in ("/gaps", "/rooms"):
            try:
                told[path] = self._get(path)
            except Refused as refusal:
                refused = str(refusal)
        return parse_alerts.hub(ill, self._get("/stats"), told.get("/gaps"), told.get("/rooms"), refused)

    def _hosts(self) -> HostsTold:
        began = self._clock()
        answer = self._request("/servers", [])
        ended = self._clock()
        entries = []
        for place, entry in enumerate(parse.hosts(answer.text)):
            entries.append(entry)
            self._rest()
            if place % 16 == 15:
                time.sleep(0.0005)  # the screen is more urgent than the rest of a long list
        return HostsTold(tuple(entries), ahead(answer.headers.get("Date"), began, ended))

    def _get(self, path: str, query: list[tuple[str, str]] | None = None) -> str:
        return self._request(path, query or []).text

    def _request(
        self,
        path: str,
        query: list[tuple[str, str]],
        method: str = "GET",
        body: object = None,
        *,
        fine: tuple[int, ...] = (200, 201),
        patience: float = READ_SECONDS,
    ) -> requests.Response:
        with self._patience.lasting(patience + WHOLE_SECONDS):
            answer = self._session.request(
                method,
                self._base + path,
                params=query,
                json=body,
                timeout=(CONNECT_SECONDS, patience),
                allow_redirects=False,  # a token is shown to the hub and to nobody that it names
            )
        answer.encoding = "utf-8"
        if answer.status_code in fine:
            return answer
        raise Refused(answer.status_code, said(answer, self._address))

    def _odd(self, wish: Wish) -> Failed:
        return Failed(wish, f"{self._address} answered with something else than expected")


def trusted() -> str | bool:
    """What this machine trusts: its own store, as the stream does, not only the one that requests brings along."""
    return ssl.get_default_verify_paths().cafile or True


def login() -> str:
    """Who sits here, for hubs that know nobody by a token."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "viewer"


def ahead(date: str | None, began: float, ended: float) -> float:
    """How far the hub's clock is before ours, told from its ``Date``, which counts whole seconds.

    0 where the clocks may agree.
    """
    try:
        told = parsedate_to_datetime(date).timestamp() if date else None
    except (TypeError, ValueError):
        told = None
    if told is None or (began <= told + 1 and told <= ended):
        return 0.0
    return told + 0.5 - (began + ended) / 2


def said(answer: requests.Response, address: str) -> str:
    """The hub's error in a sentence."""
    if answer.status_code == 401:
        return f"{address} {UNSIGNED}"
    try:
        found: Any = answer.json()
    except ValueError:
        found = None
    text = found.get("error") if isinstance(found, dict) else None
    if answer.status_code == 403 and isinstance(text, str) and found.get("code") in ("scope", "expired_token"):
        return f"{address} refuses this: {text[:200]}"
    if answer.status_code == 403:
        return f"{address} refuses this token"
    more = f": {text[:200]}" if isinstance(text, str) else ""
    hint = "" if isinstance(text, str) else HINT
    return f"{address} answered {answer.status_code}{more or hint}"


def _name(name: str) -> str:
    return quote(name, safe="")


def _bearer(token: Secret | None) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if token:
            request.headers["Authorization"] = f"Bearer {token.reveal()}"
        return request

    return sign

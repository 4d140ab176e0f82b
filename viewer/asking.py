"""Questions to the hub by HTTP: a wish in, an event out. Blocks; meant for a thread."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import requests

from bus.hub_api import HubApi, Refused
from bus.hubs import Hub
from bus.reasons import reason
from bus.secret import Secret
from viewer import parse, parse_alerts
from viewer.events import ActDone, AlertsTold, BacktestTold, BeforeTold, Event, Failed, HostsTold, HubTold
from viewer.incidents import Hub as HubSeen
from viewer.incidents import Incident
from viewer.wishes import (
    Acknowledge,
    Act,
    AddSilence,
    AskAlerts,
    AskBacktest,
    AskBefore,
    AskChecks,
    AskHost,
    AskHosts,
    AskHub,
    AskIncidents,
    AskLabels,
    AskRules,
    AskSeries,
    AskServices,
    AskWhy,
    EndSilence,
    Wish,
)

BACKTEST_PATIENCE = 90.0
MOST_INCIDENTS = 500
MOST_PAGES = 50
"""Pages that are looked through for one incident."""


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
        self._api = HubApi(Hub(url, token, ca), "guardia-viewer")
        self._address = self._api.address
        self._clock = clock
        self._owner = owner or login()
        self._rest = rest

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
        self._api.close()

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
                silences = self._get("/silences", [("past", "true")] if wish.past else [])
                told = parse_alerts.silences(silences, past=wish.past)
                return AlertsTold(parse_alerts.alarms(self._get("/alerts")), told, parse_alerts.maintenance(silences))
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
                answer = self._api.request("/backtest", [], "POST", {**tried, **changed}, patience=BACKTEST_PATIENCE)
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
                answer = self._api.request(path, [], "POST", {"note": act.note, "owner": self._owner})
            case AddSilence():
                body: dict[str, object] = {"reason": act.reason, "matches": list(act.matches), "seconds": act.seconds}
                if act.starts is not None:
                    body["starts"] = f"{act.starts / 1e9:.3f}"
                answer = self._api.request("/silences", [], "POST", {**body, "owner": self._owner})
            case EndSilence():
                answer = self._api.request(f"/silences/{_name(act.id)}", [], "DELETE")
        return parse_alerts.done(answer.text)

    def _hub(self) -> HubSeen:
        """How the hub is, as far as this token may know and the hub can say: a store that is away leaves the rest."""
        ill = self._api.request("/health", [], fine=(200, 503)).text
        told: dict[str, str] = {}
        refused = ""
        for path in ("/gaps", "/rooms", "/stats"):
            try:
                told[path] = self._get(path)
            except Refused as refusal:
                refused = str(refusal)
        return parse_alerts.hub(ill, told.get("/stats"), told.get("/gaps"), told.get("/rooms"), refused)

    def _hosts(self) -> HostsTold:
        began = self._clock()
        answer = self._api.request("/servers", [])
        ended = self._clock()
        entries = []
        for place, entry in enumerate(parse.hosts(answer.text)):
            entries.append(entry)
            self._rest()
            if place % 16 == 15:
                time.sleep(0.0005)  # the screen is more urgent than the rest of a long list
        return HostsTold(tuple(entries), ahead(answer.headers.get("Date"), began, ended))

    def _get(self, path: str, query: list[tuple[str, str]] | None = None) -> str:
        return self._api.request(path, query or []).text

    def _odd(self, wish: Wish) -> Failed:
        return Failed(wish, f"{self._address} answered with something else than expected")


def login() -> str:
    """Who sits here, for hubs that know nobody by a token."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in some containers
        return f"user {os.getuid()}"


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


def _name(name: str) -> str:
    return quote(name, safe="")

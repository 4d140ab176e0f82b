"""A domain's registration: does it last, by what its registry says over RDAP (RFC 9082, 9083)?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bus import __version__
from bus.addresses import is_url
from bus.config import Objection, setting
from prober.checks.common import Reaching
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Failed, Outcome
from prober.probe import Probe
from prober.words import broken

if TYPE_CHECKING:
    from requests import PreparedRequest

    from prober.web import Reply, Way

ANYWHERE = "https://rdap.org/domain/"
"""It knows the registry of each top level domain that IANA lists, and redirects there."""
MOST_BYTES = 262_144
REDIRECTS = 5
DAY = 86_400.0
_NAME = re.compile(r"domain:((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9])", re.IGNORECASE)
LOST = frozenset(("client hold", "server hold", "redemption period", "pending delete"))
"""States in which no name server is told of it any more (RFC 8056)."""


@dataclass(frozen=True, kw_only=True)
class Domain(Reaching):
    """A domain: it is registered, and for long enough, as its registry says by RDAP."""

    interval: float = setting(6 * 3600.0, unit="s", minimum=600, maximum=DAY, help="Time between its checks.")
    warn: float = setting(
        30 * DAY, unit="s", minimum=0, help="It is degraded when its registration ends within this time; 0: never."
    )
    rdap: str = setting(ANYWHERE, help="Where RDAP is asked; the name is put behind it.")

    def objections(self) -> Iterator[Objection]:
        """A domain is needed, and an address to ask at."""
        yield from super().objections()
        if not _NAME.fullmatch(self.url):
            yield Objection("url", f'"{self.url}"', "a domain as domain:example.com, other letters as xn--")
        if not is_url(self.rdap):
            yield Objection("rdap", f'"{self.rdap}"', f"an address as {ANYWHERE}")

    def prepare(self) -> None:
        """Load what speaks HTTP, and read the authorities."""
        from prober import trust

        trust.prepare(self._way.terms)
        _ = self._request

    def look(self, probe: Probe) -> Outcome:
        """Ask the registry, and judge what it says; a registry that cannot be asked says nothing of the domain."""
        try:
            reply = self._way.go(self._request, MOST_BYTES, probe)
        except Failed as error:
            raise Failed(f"its registry cannot be asked: {error}", UNKNOWN) from None
        except OSError as error:
            why = probe.late() if probe.deadline.passed else broken(error, probe.heard)
            raise Failed(f"its registry cannot be asked: {why}", UNKNOWN) from None
        return self._judged(reply, probe.now / 1e9)

    def _judged(self, reply: Reply, now: float) -> Outcome:
        if reply.status == 404 and (reply.place or self.rdap != ANYWHERE):
            return Outcome(DOWN, "it is not registered", http_status=404)
        if reply.status == 404:
            said = "no registry is known that could be asked by RDAP: set rdap to the one of its top level domain"
            return Outcome(UNKNOWN, said, http_status=404)
        if reply.status != 200:
            return Outcome(UNKNOWN, f"its registry answered {reply.status}, expected 200", http_status=reply.status)
        found = self._read(reply)
        lost = sorted(LOST & {str(one).lower() for one in _listed(found.get("status"))})
        ends = expiration(found)
        if ends is None:
            state = (DOWN, f"it is in {lost[0]}") if lost else (UNKNOWN, "its registry does not say when it ends")
            return Outcome(*state, http_status=200)
        left = ends - now
        metrics = {"domain_days": float(left // DAY)}
        return Outcome(*self._state(left, lost), http_status=200, metrics=metrics)

    def _state(self, left: float, lost: list[str]) -> tuple[str, str]:
        from prober.certificates import span

        if lost:
            return DOWN, f"it is in {lost[0]}"
        if left <= 0:
            return DOWN, f"its registration ended {span(-left)} ago"
        if self.warn and left < self.warn:
            return DEGRADED, f"its registration ends in {span(left)}"
        return UP, ""

    def _read(self, reply: Reply) -> Mapping[str, Any]:
        from json import loads

        try:
            found = loads(reply.body) if reply.whole else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Failed("its registry's answer is no RDAP", UNKNOWN)
        if str(found.get("ldhName", "")).rstrip(".").lower() != self._name:
            raise Failed("its registry answered for another domain", UNKNOWN)
        return found

    @property
    def _name(self) -> str:
        return self.url.partition(":")[2].lower()

    @cached_property
    def _way(self) -> Way:
        from prober.ranges import statuses
        from prober.trust import Terms
        from prober.web import Way

        return Way(Terms(True, "", "", "", "1.2", ""), REDIRECTS, statuses("200,404"))

    @cached_property
    def _request(self) -> PreparedRequest:
        from prober.web import request

        headers = {"User-Agent": f"guardia/{__version__}", "Accept": "application/rdap+json, application/json"}
        return request("GET", f"{self.rdap}{self._name}", headers | {"Connection": "close"}, None)


def expiration(found: Mapping[str, Any]) -> float | None:
    """When a registration ends, seconds since 1970, by the events of the domain; None where that is not told."""
    for event in _listed(found.get("events")):
        if isinstance(event, dict) and event.get("eventAction") == "expiration":
            try:
                at = datetime.fromisoformat(str(event.get("eventDate")))
            except ValueError:
                continue
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

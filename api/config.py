"""The tables ``[api]`` and ``[status_page]``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bus import calendar
from bus.addresses import is_url, network
from bus.config import Objection, setting
from bus.faults import did_you_mean

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/A-Z]+|null")


@dataclass(frozen=True)
class Api:
    """How the REST and WebSocket interface listens, and what it allows."""

    bind: str = setting(
        "127.0.0.1",
        help="Address to listen at. Beyond this machine a token is needed first: guardia token new NAME.",
    )
    port: int = setting(8080, minimum=0, maximum=65_535, help="TCP port for REST and WebSocket.")
    names: tuple[str, ...] = setting(
        (),
        pattern=r"[a-z0-9.-]{1,253}",
        form="a host name in small letters, as hub.example",
        help="Names by which browsers call a hub that has no tokens, beside localhost and addresses.",
    )
    workers: int = setting(2, minimum=1, maximum=64, help="Processes that answer; each takes about 45 MB.")
    static: str = setting(
        "", help="Directory of a dashboard to serve at /; empty: the built-in page. Relative to this file."
    )
    cors: bool = setting(False, help="Whether pages from other origins may call the API.")
    cors_origins: tuple[str, ...] = setting(
        (), help="With cors on: these origins only, as https://status.example; empty: any, without credentials."
    )
    down_seconds: float = setting(
        120.0, minimum=1, unit="s", help="Silence after which a host is down; at least three of its intervals."
    )
    stale_seconds: float = setting(
        300.0, minimum=1, unit="s", help="Age of data after which a host or service is stale; likewise."
    )
    question_seconds: float = setting(
        2.0, minimum=0.1, maximum=60, unit="s", help="Without an answer from the store in this time: 503."
    )
    connections: int = setting(1000, minimum=10, maximum=60_000, help="Connections of one worker at most.")
    stream_clients: int = setting(500, minimum=0, maximum=50_000, help="Clients of the stream of one worker at most.")
    unread_bytes: int = setting(
        1_048_576,
        minimum=65_536,
        unit="bytes",
        help="A client of the stream that leaves more than this unread is dropped.",
    )
    replay_bytes: int = setting(
        8_388_608,
        minimum=0,
        unit="bytes",
        help="What one worker keeps of the stream for clients that return with ?after=.",
    )
    ping_seconds: float = setting(
        20.0, minimum=1, maximum=3600, unit="s", help="Pings to stream clients; unanswered for as long: closed."
    )
    read_seconds: float = setting(
        10.0, minimum=1, maximum=600, unit="s", help="A request must have come in whole within this time."
    )
    body_bytes: int = setting(
        65_536, minimum=0, maximum=1_048_576, unit="bytes", help="A larger request body is refused with 413."
    )
    requests_per_s: float = setting(
        200.0,
        minimum=0,
        maximum=1e6,
        help="Requests a second of one token to one worker at most, then 429; 0: any number.",
    )
    access_log: bool = setting(False, help="One line a request in the log; never with a token in it.")
    proxies: tuple[str, ...] = setting(
        (), help="Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )

    def objections(self) -> Iterator[Objection]:
        """What the server reads by itself is read now, and an origin has to be one as browsers tell it."""
        for text in self.proxies:
            if text != "*" and not _is_network(text):
                near = network(text)
                remedy = f"write {near}" if near else ""
                yield Objection("proxies", f'"{text}"', "an address or a network, as 127.0.0.1 or 10.0.0.0/8", remedy)
        for text in self.cors_origins:
            if not _ORIGIN.fullmatch(text):
                form = "an origin as https://status.example, in small letters and with nothing behind the host and port"
                yield Objection("cors_origins", f'"{text}"', form)


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class StatusPage:
    """The page at /status: what anybody may see of services, without a token."""

    services: tuple[str, ...] = setting(
        (), help="Names or globs of the services that anybody may see, as ['shop', 'mail*']; empty: no such page."
    )
    title: str = setting("Status", help="What stands above it.")
    text: str = setting("", help="A line below that, as what you know of an outage.")
    link: str = setting("", help="Where its title leads, as https://example.com.")
    group: str = setting("", help="A label of services: those that share its value stand together below that.")
    days: int = setting(90, minimum=1, maximum=366, unit="days", help="How far back it shows each day.")
    zone: str = setting("UTC", help="Where its days begin, as Europe/Berlin.")

    def objections(self) -> Iterator[Objection]:
        """What no single setting can tell."""
        if not calendar.is_zone(self.zone):
            near = did_you_mean(self.zone, calendar.zones())
            yield Objection("zone", f'"{self.zone}"', "a time zone such as UTC or Europe/Berlin", near)
        if self.link and not is_url(self.link):
            yield Objection("link", f'"{self.link}"', "an address as https://example.com")

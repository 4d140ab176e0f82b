"""The first Guardia's ``config.json``, read as that program did; what cannot be read is named. Pure.

Sections: ``alerts``, ``defaults``, ``servers``, ``services``, ``storage``, ``api``. Before its version 0.5 an alert
stood inline where it was used. Keys that begin with ``_`` are comments; null is as good as absent.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bus.faults import did_you_mean, listed

PORT = 51243
INTERVAL, SERVICE_INTERVAL, TIMEOUT = 15, 60, 10
LIMITS = ("temperature", "usage")
METHODS = ("GET", "POST", "HEAD")
_OTHER_FORM = ("addr", "interval_sec", "id")


class NotOld(Exception):
    """The file is no such configuration; the text says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know about a place in the old file; ``lost``: it could not be taken over as it was."""

    place: str
    text: str
    lost: bool = True


@dataclass(frozen=True, slots=True)
class Alert:
    """Whom to tell: a Discord webhook, with somebody to mention, or any webhook."""

    kind: str
    url: str
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """``alert`` is a name in ``alerts``; empty: nobody is told."""

    limit: int
    grace: int
    alert: str


@dataclass(frozen=True, slots=True)
class Server:
    """A host as it was polled."""

    place: str
    ip: str
    port: int
    display: str
    interval: int
    limits: dict[str, Limit]

    @property
    def id(self) -> str:
        """How the first Guardia and its clients call it."""
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """A service as it was checked; ``statuses`` None: any from 200 to 299."""

    place: str
    name: str
    url: str
    interval: int
    timeout: int
    method: str
    statuses: tuple[int, ...] | None
    pattern: str
    grace: int
    alert: str


@dataclass(slots=True)
class Old:
    """All of it, with defaults applied, and what there is to say."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    servers: list[Server] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    storage: dict[str, Any] | None = None
    api: dict[str, Any] | None = None
    notes: list[Note] = field(default_factory=list)


def read(text: str) -> Old:
    """The configuration in ``text``; raises ``NotOld``."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise NotOld(f"line {error.lineno}, column {error.colno}: {error.msg.lower()}; JSON has no comments") from None
    except RecursionError:
        raise NotOld("found lists within lists without end, expected an object with servers and services") from None
    except ValueError as error:
        raise NotOld(str(error)[:200]) from None
    if not isinstance(raw, dict):
        raise NotOld(f"found {_told(raw)}, expected an object with servers and services")
    return _Reading().whole(raw)


class _Reading:
    def __init__(self) -> None:
        self.old = Old()

    def whole(self, raw: Mapping[str, Any]) -> Old:
        """Everything."""
        old = self.old
        top = self.entries(raw, "", ("alerts", "defaults", "servers", "services", "storage", "api"))
        for name, one in self.entries(top.get("alerts", {}), "alerts", None).items():
            alert = self.inline(one, f"alerts.{name}")
            if alert:
                old.alerts[name] = alert
        defaults = self.entries(top.get("defaults", {}), "defaults", ("server", "service"))
        server = self.entries(defaults.get("server", {}), "defaults.server", ("interval", "limits"))
        known = ("interval", "timeout", "grace", "alert")
        service = self.entries(defaults.get("service", {}), "defaults.service", known)
        for number, one in enumerate(self.items(top.get("servers", []), "servers")):
            self.server(one, f"servers[{number}]", server)
        for number, one in enumerate(self.items(top.get("services", []), "services")):
            self.service(one, f"services[{number}]", service)
        if "storage" in top:
            known = ("backend", "path", "retention_days", "cleanup_interval_hours")
            old.storage = self.entries(top["storage"], "storage", known)
        if "api" in top:
            old.api = self.entries(top["api"], "api", ("bind", "port", "auth_token", "enable_cors"))
        return old

    def server(self, raw: Any, place: str, defaults: Mapping[str, Any]) -> None:
        """One host."""
        if isinstance(raw, dict) and "ip" not in raw and any(key in raw for key in _OTHER_FORM):
            self.note(place, "has a form that the first Guardia never read (id, addr): write ip and port")
            return
        table = self.entries(raw, place, ("ip", "display", "port", "interval", "token", "limits"))
        ip = self.text(table.get("ip"), f"{place}.ip")
        try:
            ipaddress.ip_address(ip)
        except ValueError:
            if ip:
                self.note(f"{place}.ip", f"found {_told(ip)}, expected an IP address")
            elif "ip" not in table:
                self.note(f"{place}.ip", "is missing: the server is left out")
            return
        port = self.number(table.get("port", PORT), f"{place}.port", 1, 65_535, PORT)
        default = self.number(defaults.get("interval", INTERVAL), "defaults.server.interval", 1, 86_400, INTERVAL)
        if table.get("token") is not None:
            self.note(f"{place}.token", "is not used: agents have keys, which guardia enroll makes", lost=False)
        found = Server(
            place,
            ip,
            port,
            self.text(table.get("display", ""), f"{place}.display"),
            self.number(table.get("interval", default), f"{place}.interval", 1, 86_400, default),
            self.limits(table.get("limits"), defaults.get("limits"), f"{place}.limits"),
        )
        if any(one.id == found.id for one in self.old.servers):
            self.note(place, f"{found.id} stands there a second time: this one is left out")
            return
        self.old.servers.append(found)

    def limits(self, raw: Any, default: Any, place: str) -> dict[str, Limit]:
        """Own limits filled up from the defaults, field by field; a limit that is missing comes whole from there."""
        own = self.entries(raw if raw is not None else {}, place, LIMITS)
        others = self.entries(default if default is not None else {}, "defaults.server.limits", LIMITS)
        found = {}
        for name in LIMITS:
            if name not in own and name not in others:
                continue
            base = self.entries(others.get(name, {}), f"defaults.server.limits.{name}", ("limit", "grace", "alert"))
            table = self.entries(own.get(name, {}), f"{place}.{name}", ("limit", "grace", "alert"))
            where = f"{place}.{name}" if name in own else f"defaults.server.limits.{name}"
            if name in own and "limit" not in table:
                self.note(f"{where}.limit", "is missing: the limit is left out")
                continue
            merged = {**base, **table}
            most = merged.get("limit")
            if type(most) is int and most < 0:
                self.note(f"{where}.limit", f"found {most}, which every reading is over: the limit is left out")
                continue
            limit = self.number(most, f"{where}.limit", 0, 1_000_000, -1)
            if limit < 0:
                continue
            grace = self.number(merged.get("grace", 0), f"{where}.grace", 0, 1000, 0)
            found[name] = Limit(limit, grace, self.alert(merged.get("alert"), f"{where}.alert"))
        return found

    def service(self, raw: Any, place: str, defaults: Mapping[str, Any]) -> None:
        """One service."""
        known = ("name", "url", "interval", "timeout", "method", "expected_status", "body_pattern", "grace", "alert")
        table = self.entries(raw, place, known)
        name, url = self.text(table.get("name"), f"{place}.name"), self.text(table.get("url"), f"{place}.url")
        for key, value in (("name", name), ("url", url)):
            if key not in table:
                self.note(f"{place}.{key}", "is missing: the service is left out")
            if not value:
                return
        interval = self.number(defaults.get("interval", SERVICE_INTERVAL), "defaults.service.interval", 1, 86_400, 60)
        timeout = self.number(defaults.get("timeout", TIMEOUT), "defaults.service.timeout", 1, 300, TIMEOUT)
        method = self.text(table.get("method", "GET"), f"{place}.method")
        if method not in METHODS:
            self.note(f"{place}.method", f"found {_told(method)}, expected {listed(METHODS)}: GET is taken")
            method = "GET"
        statuses = table.get("expected_status")
        codes: tuple[int, ...] | None = None
        if statuses is not None:
            codes = tuple(
                code
                for number, one in enumerate(self.items(statuses, f"{place}.expected_status"))
                if (code := self.number(one, f"{place}.expected_status[{number}]", 100, 599, 0))
            )
            if not codes:
                self.note(f"{place}.expected_status", "is empty, so that it was always down: any 200-299 is taken")
        self.old.services.append(
            Service(
                place,
                name,
                url,
                self.number(table.get("interval", interval), f"{place}.interval", 1, 86_400, interval),
                self.number(table.get("timeout", timeout), f"{place}.timeout", 1, 300, timeout),
                method,
                codes or None,
                self.text(table.get("body_pattern", ""), f"{place}.body_pattern"),
                self.number(table.get("grace", defaults.get("grace", 1)), f"{place}.grace", 0, 1000, 1),
                self.alert(table.get("alert", defaults.get("alert")), f"{place}.alert"),
            )
        )

    def alert(self, raw: Any, place: str) -> str:
        """The name of the alert that is named or stands there; empty: none."""
        if raw is None:
            return ""
        if isinstance(raw, str):
            if raw in self.old.alerts:
                return raw
            near = did_you_mean(raw, self.old.alerts)
            self.note(place, f"no alert {_told(raw)} is known{'; ' + near if near else ''}: nobody is named")
            return ""
        alert = self.inline(raw, place)
        if alert is None:
            return ""
        for name, known in self.old.alerts.items():
            if known == alert:
                return name
        number = 1 + sum(one.kind == alert.kind for one in self.old.alerts.values())
        name = f"{alert.kind}-{number}"
        self.old.alerts[name] = alert
        return name

    def inline(self, raw: Any, place: str) -> Alert | None:
        """What an alert is; None, and a note, when it is nothing known."""
        table = self.entries(raw, place, ("discord", "webhook"))
        kinds = [kind for kind in ("discord", "webhook") if kind in table]
        if len(kinds) != 1:
            self.note(
                place, f"found {listed(table) if table else 'neither'}, expected discord or webhook: it is left out"
            )
            return None
        (kind,) = kinds
        known = ("url", "user_id") if kind == "discord" else ("url",)
        inner = self.entries(table[kind], f"{place}.{kind}", known)
        url = self.text(inner.get("url"), f"{place}.{kind}.url")
        if not url:
            if "url" not in inner:
                self.note(f"{place}.{kind}.url", "is missing: the alert is left out")
            return None
        return Alert(kind, url, self.text(inner.get("user_id", ""), f"{place}.{kind}.user_id"))

    # -- values ---

    def entries(self, raw: Any, place: str, known: Iterable[str] | None) -> dict[str, Any]:
        """The entries of an object that are neither comments nor null; ``known`` None: any name is right."""
        if not isinstance(raw, dict):
            self.note(place, f"found {_told(raw)}, expected an object")
            return {}
        names = None if known is None else tuple(known)
        for key in raw:
            if names is not None and key not in names and not key.startswith("_"):
                near = did_you_mean(key, names)
                where = f"{place}.{key}" if place else key
                self.note(where, f"is unknown{'; ' + near if near else ''}: it is left out")
        return {
            key: value
            for key, value in raw.items()
            if value is not None and not key.startswith("_") and (names is None or key in names)
        }

    def items(self, raw: Any, place: str) -> list[Any]:
        """A list; nothing and a note where it is none."""
        if isinstance(raw, list):
            return raw
        self.note(place, f"found {_told(raw)}, expected a list")
        return []

    def text(self, raw: Any, place: str) -> str:
        """A text; empty and a note where it is none."""
        if raw is None or isinstance(raw, str):
            return raw or ""
        self.note(place, f"found {_told(raw)}, expected a text")
        return ""

    def number(self, raw: Any, place: str, least: int, most: int, otherwise: int) -> int:
        """A whole number; the nearest that may be, or ``otherwise``, and a note where it is none."""
        if type(raw) is not int:
            if raw is not None:
                self.note(place, f"found {_told(raw)}, expected a whole number")
            return otherwise
        if not least <= raw <= most:
            near = min(max(raw, least), most)
            self.note(place, f"found {raw}, expected {least} to {most}: {near} is taken")
            return near
        return raw

    def note(self, place: str, text: str, *, lost: bool = True) -> None:
        """Say something, once."""
        one = Note(place or "the file", text, lost)
        if one not in self.old.notes:
            self.old.notes.append(one)


def _told(raw: Any) -> str:
    """A value in words, without its inside: it may be a secret."""
    if isinstance(raw, str):
        if "://" in raw:
            return "an address"
        return f"the text {json.dumps(raw[:40])}"
    if isinstance(raw, bool | int | float):
        return json.dumps(raw)
    if raw is None:
        return "null"
    return "a list" if isinstance(raw, list) else "an object"

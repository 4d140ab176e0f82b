"""What the old file says, in our tables. Pure."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from bus.migration.names import fit
from bus.migration.old import Alert, Note, Old, Server, Service
from bus.migration.written import table

SECRETS = "secrets"
REDIRECTS = 10
"""So many the first Guardia followed."""
DISCORD = ("discord.com", "discordapp.com")
_OWN = re.compile(r"[^.]+|.+\.(local|lan|home|internal|intranet|corp|private|localdomain|home\.arpa)", re.IGNORECASE)
"""Names that networks of one's own give: without a dot, or under what no registry sells."""
_NO_CHANNEL = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(slots=True)
class New:
    """``text`` is ``guardia.toml``; ``secrets`` are files beside it by their relative paths."""

    text: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


def renewed(old: Old) -> New:
    """The new configuration."""
    return _Renewal(old).whole()


class _Renewal:
    def __init__(self, old: Old) -> None:
        self.old = old
        self.new = New(notes=list(old.notes))
        self.channels = self._named(old.alerts, lambda name: _NO_CHANNEL.sub("-", name).strip("-_"), "alerts", 64)
        self.services = self._named([service.name for service in old.services], fit, "services", 128)

    def whole(self) -> New:
        """All tables."""
        parts = [
            "# Made by guardia migrate from the first Guardia's config.json.\n",
            *self._store(),
            *self._api(),
            *self._private(),
            *(self._channel(name, alert) for name, alert in self.old.alerts.items()),
            *(self._host(server) for server in self.old.servers),
            *(self._service(service) for service in self._once()),
            *self._rules(),
        ]
        self.new.text = "\n".join(parts)
        return self.new

    def _store(self) -> Iterable[str]:
        storage = self.old.storage
        if storage is None:
            self._note(
                "storage", "is absent: history was kept in memory only; it is on disk now, for a week", lost=False
            )
            return
        backend = storage.get("backend")
        entries: dict[str, Any] = {}
        if backend == "none":
            entries["backend"] = "memory"
        elif backend != "sqlite":
            self._note("storage.backend", "is neither sqlite nor none: lmdb is taken")
        days = self._days(storage.get("retention_days", 30), "storage.retention_days", 3650)
        entries["keep_samples_seconds"] = entries["keep_records_seconds"] = f"{days}d"
        hours = self._days(storage.get("cleanup_interval_hours", 24), "storage.cleanup_interval_hours", 720)
        entries["cleanup_seconds"] = f"{hours}h"
        if backend == "sqlite":
            path = storage.get("path", "./metrics.db")
            # The import fits names by itself, but knows nothing of those that were taken already.
            others = [f"{old}={new}" for old, new in self.services.items() if fit(old) != new]
            how = shlex.join(["guardia", "import", str(path), *(f"--rename={one}" for one in others)])
            self._note("storage.path", f"its history comes over by: {how}", lost=False)
        yield table("[store]", entries, "So long the first Guardia kept everything.")

    def _days(self, raw: Any, place: str, most: int) -> int:
        if type(raw) is not int or not 1 <= raw <= most:
            self._note(place, f"is no whole number from 1 to {most}: the first Guardia would not have started")
            return {3650: 30, 720: 24}[most]
        return raw

    def _api(self) -> Iterable[str]:
        api = self.old.api
        if api is None:
            self._note(
                "api", "is absent: there was no interface; ours listens at 127.0.0.1:8080, to this machine", lost=False
            )
            return
        entries: dict[str, Any] = {}
        bind = api.get("bind", "127.0.0.1")
        if isinstance(bind, str) and bind:
            entries["bind"] = bind.strip("[]")
        else:
            self._note("api.bind", "is no text: 127.0.0.1 is taken")
        port = api.get("port", 8080)
        if type(port) is int and 1 <= port <= 65_535:
            entries["port"] = port
        else:
            self._note("api.port", "is no port: 8080 is taken")
        cors = api.get("enable_cors", True)
        if isinstance(cors, bool):
            entries["cors"] = cors
        else:
            self._note("api.enable_cors", "is neither true nor false: false is taken")
        token = api.get("auth_token")
        if isinstance(token, str) and token:
            path = self._secret("api-token", token)
            how = f"guardia token new migrated --existing {path}"
            self._note("api.auth_token", f"stands in {path}; to let it read, as it did, type: {how}", lost=False)
        elif token is None and _is_beyond(bind):
            text = "is absent, which let everybody in; where others reach it nobody comes in without a token now"
            self._note("api.auth_token", f"{text}: type guardia token new NAME")
        elif token is not None:
            self._note("api.auth_token", "is empty or no text, which let nobody in: there is no token now")
        yield table("[api]", entries)

    def _private(self) -> Iterable[str]:
        """Which networks that are not public have to be allowed."""
        urls = [alert.url for alert in self.old.alerts.values()]
        if urls:
            told = "rules that Guardia brings, as of a silent host or a full disk, tell all of them"
            self._note("alerts", f"{told}; [notify] channels can name those that are to hear", lost=False)
        if found := _private_networks(urls):
            yield table("[notify]", {"private_networks": found}, "Receivers of notices that are not public.")
        self._note_names("alerts", urls, "[notify] private_networks", "guardia channel test NAME")
        urls = [service.url for service in self.old.services]
        if found := _private_networks(urls):
            yield table("[prober]", {"private_networks": found}, "Services that are not public.")
        self._note_names("services", urls, "[prober] private_networks", "guardia service test")

    def _note_names(self, place: str, urls: Iterable[str], setting: str, how: str) -> None:
        """Names are not looked up here, which may be another machine: say what to do about those that are not public.

        The first Guardia reached every address; ours leaves a service at one that is not allowed unknown.
        """
        hosts = {host for host in map(_host_of, urls) if host and not _is_address(host)}
        names = sorted(hosts - {"localhost", *DISCORD})
        if names:
            what = f"of {', '.join(names)} only public addresses are reached"
            self._note(
                place,
                f"{what}; {setting} allows others: {how} shows which",
                lost=any(_OWN.fullmatch(name) for name in names),
            )

    def _channel(self, name: str, alert: Alert) -> str:
        channel = self.channels[name]
        path = self._secret(f"channel-{channel}", alert.url)
        if not re.fullmatch(r"https?://[^\s@/]+(/\S*)?", alert.url):
            self._note(f"alerts.{name}", "its url is no address such as https://example.org/hook: look at " + path)
        entries: dict[str, Any] = {
            "type": alert.kind,
            "secret_url" if alert.kind == "webhook" else "url": f"file:{path}",
        }
        if alert.user_id:
            if re.fullmatch(r"&?\d{1,20}", alert.user_id):
                entries["user_id"] = alert.user_id
            else:
                self._note(f"alerts.{name}.discord.user_id", "is no single id: nobody is mentioned")
        return table(f"[channels.{channel}]", entries)

    def _host(self, server: Server) -> str:
        entries: dict[str, Any] = {"name": server.id}
        if server.display:
            entries["display"] = server.display
        entries["interval"] = f"{server.interval}s"
        limits: dict[str, dict[str, Any]] = {}
        for name, limit in server.limits.items():
            limits[name] = {"limit": limit.limit, "grace": limit.grace}
            if limit.alert:
                limits[name]["channels"] = [self.channels[limit.alert]]
            else:
                text = "names no alert, so nobody was told; now the default channels are"
                self._note(f"{server.place}.limits.{name}", text, lost=False)
        if limits:
            entries["limits"] = limits
        comment = f"Its agent pushes now. On the hub type: guardia enroll {server.id}"
        return table("[[hosts]]", entries, comment)

    def _once(self) -> list[Service]:
        found: dict[str, Service] = {}
        for service in self.old.services:
            if service.name in found:
                self._note(service.place, f"{service.name} stands there a second time: this one is left out")
            else:
                found[service.name] = service
        return list(found.values())

    def _service(self, service: Service) -> str:
        name = self.services[service.name]
        entries: dict[str, Any] = {"name": name, "check": "http", "url": service.url}
        parts = _parts(service.url)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            self._note(f"{service.place}.url", "is no address such as https://shop.example: guardia check will say so")
        elif parts.username is not None:
            entries["url"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
            entries["user"] = unquote(parts.username)
            entries["password"] = f"file:{self._secret(f'service-{name}', unquote(parts.password or ''))}"
        entries |= {"interval": f"{service.interval}s", "timeout": f"{service.timeout}s", "method": service.method}
        if service.statuses:
            entries["expected_status"] = ",".join(map(str, service.statuses))
        if service.pattern and service.method == "HEAD":
            self._note(f"{service.place}.body_pattern", "asks for a body, which HEAD has not: it is left out")
        elif service.pattern:
            try:
                re.compile(service.pattern)
                entries |= {"body_pattern": service.pattern, "mismatch": "degraded"}
            except re.error as error:
                self._note(f"{service.place}.body_pattern", f"is no regular expression here ({error}): it is left out")
        if service.grace == 0:
            self._note(f"{service.place}.grace", "0 never told that it is down: 1 is taken")
        entries |= {"grace": max(1, service.grace), "retries": 0, "redirects": REDIRECTS}
        return table("[[services]]", entries)

    def _rules(self) -> Iterable[str]:
        """A service told its own alert when it was down or degraded; the rule that Guardia brings is for the others."""
        told: dict[str, list[str]] = {}
        for service in self._once():
            told.setdefault(service.alert, []).append(self.services[service.name])
        others = told.pop("", [])
        for alert, names in told.items():
            entries: dict[str, Any] = {
                "name": f"services-{self.channels[alert]}"[:64],
                "when": "service.state == down or service.state == degraded",
                "clear": "service.state == up",
                "severity": "critical",
                "services": names,
                "channels": [self.channels[alert]],
            }
            yield table("[[rules]]", entries)
        if told:
            comment = "The others, and services to come, which have to be named here."
            changed: dict[str, Any] = {"services": others} if others else {"enabled": False}
            yield table("[[rules]]", {"name": "service-down", **changed}, comment)
        if others:
            without = ", ".join(others)
            self._note("services", f"no alert is named by {without}: now the default channels are told", lost=False)

    def _named(self, names: Iterable[str], fitted: Callable[[str], str], place: str, most: int) -> dict[str, str]:
        """Names as ours may be, each once."""
        found: dict[str, str] = {}
        for name in names:
            if name in found:
                continue
            base = now = fitted(name)[:most] or place.rstrip("s")
            number = 1
            while now in found.values() or now == "Connection":
                number += 1
                now = f"{base[: most - 4]}-{number}"
            if now != name:
                self._note(f"{place}.{name}", f"is called {now} now", lost=False)
            found[name] = now
        return found

    def _secret(self, name: str, text: str) -> str:
        path = f"{SECRETS}/{name}"
        self.new.secrets[path] = text
        return path

    def _note(self, place: str, text: str, *, lost: bool = True) -> None:
        note = Note(place, text, lost)
        if note not in self.new.notes:
            self.new.notes.append(note)


def _private_networks(urls: Iterable[str]) -> list[str]:
    found = []
    for host in map(_host_of, urls):
        if host == "localhost":
            found += ["127.0.0.1", "::1"]
        elif _is_address(host) and not ipaddress.ip_address(host).is_global:
            found.append(host)
    return sorted(set(found))


def _host_of(url: str) -> str:
    """The host in an address; empty where it is none."""
    return _parts(url).hostname or ""


def _parts(url: str) -> SplitResult:
    """An address in parts; all of them empty where it is none."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_beyond(bind: Any) -> bool:
    """Whether other machines reach what listens there."""
    host = bind.strip("[]") if isinstance(bind, str) else ""
    return not ipaddress.ip_address(host).is_loopback if _is_address(host) else host not in ("", "localhost")

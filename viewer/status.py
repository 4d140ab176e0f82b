"""``guardia status``: what runs, how fresh it is, how many hosts report, in one screen of text.

It asks supervisord over its socket and the API over HTTP. On a host with an agent alone it says how that stands with
its hub. Exit codes, for scripts: 0 all is well, 1 something is amiss, 2 the hub does not answer; 100 asked wrongly.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Error, ServerProxy

import requests
from supervisor.xmlrpc import SupervisorTransport

from bus import home, hubs, rooms, standing
from bus.arguments import Parser
from bus.faults import ConfigError
from bus.hub_api import HINT, HubApi, said
from bus.hub_api import Refused as Objection
from bus.hubs import FILE, Hub
from bus.reasons import address, reason
from bus.refused import Refused
from bus.refused import read as read_refused
from bus.timing import in_words
from viewer import alone
from viewer.cells import cells
from viewer.config import load

PATIENCE = 5.0
"""Seconds until an answer begins."""
RUNNING, STOPPED = 20, 0
"""States of a program as supervisord numbers them; whoever stopped one by hand knows it."""
REFUSED_SECONDS = 3600
"""Who was refused longer ago is not told."""
MOST_REFUSED = 10


@dataclass(frozen=True, slots=True)
class ProgramSeen:
    """A program as supervisord tells it: a state in words, seconds in it, seconds since its last beat."""

    name: str
    state: str
    well: bool
    since: float
    beat: float | None
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """All that is said; ``None`` where nothing could be learned, with the reason in ``faults``."""

    programs: tuple[ProgramSeen, ...] | None
    parts: dict[str, dict[str, Any]] | None
    hosts: dict[str, int] | None
    absent: tuple[str, ...]
    """Hosts that are not up, each with its reason."""
    faults: tuple[str, ...]
    refused: tuple[Refused, ...] = ()
    """Whom the collector of this machine refused lately. On a public port somebody always knocks: no fault."""
    agents: tuple[alone.Seen, ...] | None = None
    """Those that run here, where the hub is elsewhere and was not asked; None: it was."""

    @property
    def code(self) -> int:
        """The exit code."""
        if self.agents is not None:
            fine = all(one.well for one in self.programs or ()) and all(one.standing.well for one in self.agents)
            return hubs.WELL if fine and not self.faults else hubs.AMISS
        if self.parts is None:
            return hubs.SILENT
        well = all(part.get("status") == "ok" for part in self.parts.values())
        well = well and all(one.well for one in self.programs or ()) and not self.absent and not self.faults
        return hubs.WELL if well else hubs.AMISS


def programs_of(infos: Sequence[Mapping[str, Any]], beats: Mapping[str, float], now: float) -> tuple[ProgramSeen, ...]:
    """The programs of supervisord's ``getAllProcessInfo``; ``beats`` are times of the wall clock by name."""
    found = []
    for info in infos:
        running = info["state"] == RUNNING
        since = now - (info["start"] if running else info["stop"] or info["start"] or now)
        beat = now - beats[info["name"]] if running and info["name"] in beats else None
        note = (
            "" if running else str(info["spawnerr"] or (info["exitstatus"] and f"exit code {info['exitstatus']}") or "")
        )
        found.append(
            ProgramSeen(info["name"], info["statename"].lower(), running or info["state"] == STOPPED, since, beat, note)
        )
    return tuple(found)


def report(
    programs: tuple[ProgramSeen, ...] | None,
    health: Mapping[str, Any] | None,
    servers: Sequence[Mapping[str, Any]] | None,
    faults: Sequence[str],
) -> Report:
    """Everything learned, put together."""
    hosts = absent = None
    if servers is not None:
        hosts = dict(Counter(str(server.get("health_status")) for server in servers))
        absent = [
            f"{server.get('server_id')} is {server.get('health_status')}"
            + (f": {server['last_poll_error']}" if server.get("last_poll_error") else "")
            for server in servers
            if server.get("health_status") != "up"
        ]
    return Report(programs, dict(health["checks"]) if health else None, hosts, tuple(absent or ()), tuple(faults))


def text(found: Report, hub: str) -> str:
    """The report for people; what others call themselves acts on no terminal."""
    lines = []
    if found.programs is not None:
        width = max([len(one.name) for one in found.programs] + [7])
        lines.append(f"{'PROGRAM':<{width}}  STATE     FOR     BEAT")
        for one in found.programs:
            beat = "" if one.beat is None else f"{max(one.beat, 0):.0f}s ago"
            line = f"{one.name:<{width}}  {one.state:<8}  {in_words(_rounded(one.since)):<6}  {beat:<8}  {one.note}"
            lines.append(line.rstrip())
        lines.append("")
    if found.agents is not None:
        lines += alone.lines(found.agents, time.time())
    elif found.parts is None:
        lines.append(f"hub at {hub}: no answer")
    else:
        for name, part in found.parts.items():
            lines.append(f"{name}: {part.get('status')}" + (f" ({part['reason']})" if part.get("reason") else ""))
    if found.hosts is not None:
        counts = ", ".join(f"{count} {word}" for word, count in sorted(found.hosts.items(), key=lambda one: -one[1]))
        lines.append(f"hosts: {counts or 'none yet'}")
        lines += [f"  {line}" for line in found.absent[:20]]
        if len(found.absent) > 20:
            lines.append(f"  and {len(found.absent) - 20} more")
    if found.refused:
        lines.append("refused at the door within the last hour:")
        lines += [_refusal(one) for one in found.refused[:MOST_REFUSED]]
        if len(found.refused) > MOST_REFUSED:
            lines.append(f"  and {len(found.refused) - MOST_REFUSED} more senders")
    lines += found.faults
    return "\n".join("".join(cells(line)) for line in lines) + "\n"


def _refusal(one: Refused) -> str:
    at = time.strftime("%H:%M:%S", time.localtime(one.at / 1e9))
    return f"  {one.count} from {one.sender}, {one.reason}, last at {at}: {one.text}"


def refused_lately(run_dir: Path, now: float) -> tuple[Refused, ...]:
    """Whom the collector refused within the last hour, the most refused first."""
    rows = [one for one in read_refused(run_dir) if now - one.at / 1e9 < REFUSED_SECONDS]
    return tuple(sorted(rows, key=lambda one: -one.count))


def _rounded(seconds: float) -> float:
    """``seconds`` to a whole number of the largest unit that fits."""
    for unit in (86_400, 3600, 60):
        if seconds >= unit:
            return seconds // unit * unit
    return float(max(int(seconds), 0))


def main(argv: Sequence[str]) -> int:
    """Ask, print, and return the exit code."""
    parser = Parser(prog="guardia status", description=__doc__)
    parser.add_argument("--config", metavar="FILE", help="the configuration of this machine's hub")
    hubs.add_flags(parser)
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    given = parser.parse_args(argv)
    path = home.config_path(given.config, os.environ)
    faults: list[str] = []
    folder = home.home_path(path, os.environ)
    try:
        afar = hubs.elsewhere(given, os.environ)
        programs = None if afar else programs_at(folder, faults)
        if not afar and _alone(folder, programs):
            running = None if programs is None else {one.name for one in programs if one.state == "running"}
            agents = alone.seen(folder, time.time(), running)
            found = Report(programs, None, None, (), tuple(faults), agents=agents)
            return _said(found, "", as_json=given.json)
        place = afar or _hub(given, path, faults)
    except ConfigError as error:
        return hubs.refused(error)
    api = HubApi(place, "guardia status")
    try:
        health = _asked(api, "health", faults)
        answer = _asked(api, "servers", faults) if health else None
    finally:
        api.close()
    # It beats before it listens, and takes the beat away when it ends: who answers without one is somebody else.
    if health and any(one.name == "api" for one in programs or ()) and not (folder / "run" / "api.beat").exists():
        where = address(place.url)
        faults.append(f"{where}: another program answers there, and not this hub's api; [api] port names another port")
        health = answer = None
    found = report(programs, health, answer["servers"] if answer else None, faults)
    if not afar:
        found = replace(found, refused=refused_lately(folder / "run", time.time()))
    return _said(found, address(place.url), as_json=given.json)


def _said(found: Report, hub: str, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({**asdict(found), "code": found.code}, indent=2))
    else:
        print(text(found, hub), end="")
    return found.code


def _alone(folder: Path, programs: Sequence[ProgramSeen] | None) -> bool:
    """Whether there is an agent here and no hub: by what supervisord runs, or by what lies there where it is silent."""
    names = {one.name for one in programs or ()}
    return "agent" in names and not names & alone.HUBS_OWN if programs else standing.alone(folder)


def _hub(given: argparse.Namespace, path: Path, faults: list[str]) -> Hub:
    """The hub of this machine: where its own configuration says that the API listens.

    Mistakes elsewhere in that are ``faults`` like others: they are what to know of a hub some of whose programs ended.
    """
    settings = load(None, os.environ)
    if path.exists():
        try:
            api = rooms.load(path, needs=())["api"]
            url = f"http://{hubs.reachable(api.bind)}:{api.port}"
        except ConfigError as error:
            url = hubs.here({**os.environ, "GUARDIA_CONFIG": str(path)})
            if not url:
                raise
            faults += map(str, error.faults)
        settings = replace(settings, api_url=url)
    return hubs.named(given, settings, FILE.expanduser(), os.environ)


class _Transport(SupervisorTransport):  # type: ignore[misc]
    """The way to supervisord's socket, which is waited for no longer than ``patience`` seconds."""

    def __init__(self, socket: Path, patience: float) -> None:
        super().__init__(None, None, serverurl=f"unix://{socket}")
        made: Callable[[], HTTPConnection] = self._get_connection

        def limited() -> HTTPConnection:
            found = made()
            found.connect()
            found.sock.settimeout(patience)
            return found

        self._get_connection: Callable[[], HTTPConnection] = limited


def programs_at(folder: Path, faults: list[str], patience: float = PATIENCE) -> tuple[ProgramSeen, ...] | None:
    """What the supervisord of this home tells; ``None`` where it tells nothing, with the reason in ``faults``."""
    socket = home.supervisor_socket(folder)
    transport = _Transport(socket, patience)
    try:
        infos: Any = ServerProxy("http://127.0.0.1", transport=transport).supervisor.getAllProcessInfo()
    except (OSError, Error, ExpatError, HTTPException) as error:
        said = (getattr(error, "strerror", None) or str(error)).lower()
        remedy = home.as_owner(socket) if isinstance(error, PermissionError) else ""
        faults.append(f"supervisord does not answer at {socket}: {said}{f'; {remedy}' if remedy else ''}")
        return None
    finally:
        transport.close()
    beats = {}
    for beat in (folder / "run").glob("*.beat"):
        try:
            beats[beat.stem] = beat.stat().st_mtime
        except OSError:  # it ended this very moment
            continue
    return programs_of(infos, beats, time.time())


def _asked(api: HubApi, what: str, faults: list[str]) -> Any:
    """The hub's answer; ``None`` where it is none, with the reason in ``faults``."""
    told = {"servers": "hosts"}.get(what, what)  # the path is that of the first Guardia
    try:
        # An ill hub tells what it is ill of.
        answer = api.request(f"/{what}", fine=(200, 503) if what == "health" else (200,), patience=PATIENCE)
        found = answer.json()
    except Objection as refusal:
        faults.append(f"{told}: {refusal}")
        return None
    except requests.JSONDecodeError:
        found = None
    except (requests.RequestException, OSError) as error:
        faults.append(f"{told}: {hubs.with_remedy(reason(error, api.address))}")
        return None
    if _fits(found, what):
        return found
    wrong = (
        said(answer, api.address) if answer.status_code != 200 else f"{api.address} does not answer as a hub does{HINT}"
    )
    faults.append(f"{told}: {wrong}")
    return None


def _fits(found: object, what: str) -> bool:
    """Whether an answer has the shape that the report is made of."""
    if not isinstance(found, dict):
        return False
    rows = found.get("checks" if what == "health" else "servers")
    rows = list(rows.values()) if what == "health" and isinstance(rows, dict) else rows
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)

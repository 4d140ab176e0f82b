"""``guardia watchdog``: supervisord's event listener, for what supervisord itself does not see.

supervisord starts again what ended. This one ends what is alive but silent: a program whose beat
(``run/NAME.beat``, touched by its main loop) is too old gets SIGABRT, which writes its stacks to its log, then
SIGKILL. One that waits for a disk is left to it: no signal ends that, it goes on by itself, and a new one would wait
as long for the same. Where no beat can be written, as on a disk that became read-only, silence says nothing, and nobody
is ended for it. It starts again what supervisord gave up (FATAL), and after a mistake in the configuration (exit code
100) as soon as the file, that of a secret in it, or that of the API's tokens, was changed. Of what it ends, of what
waits, of what was given up, of what is started in vain, and of such a disk it tells ``[watchdog] url``, past the
alerter, which may be the one that is down.

Protocol: http://supervisord.org/events.html
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, TextIO
from xmlrpc.client import Error

from supervisor import childutils

from bus import home, logs, rooms
from bus.arguments import CONFIG, Parser
from bus.config import ConfigError
from bus.exits import PAUSE, TRY_AGAIN, WRONG, unwritable
from bus.tables import Bus, Watchdog
from bus.watched import BACKOFF, EXITED, FATAL, RUNNING, STARTING, Homes, Seen, changed, is_wrong
from bus.webhook import Webhook

TICK_SECONDS = 5
GIVEN_UP = "supervisord has given it up, since it ended again and again"
SKIPPED = 3 * TICK_SECONDS
"""Ticks further apart than this mean that the machine slept or its clock was set: old beats prove nothing then."""
FIRST_ROUND = 4
"""Before its first beat a program may be silent this many times as long: on a busy machine, as at its boot, loading
takes long, and who is ended for that loads everything anew, which makes the machine no less busy."""
DISK = "the disk"
"""What is told of in a program's place where no beat can be written."""


@dataclass(frozen=True, slots=True)
class Act:
    """What to do about a program: ``ABRT``, ``KILL``, ``start``, or ``wait``; ``reason`` is a sentence.

    ``mute`` says of the disk that no beat can be written to it.
    """

    what: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class News:
    """That a program is ``down``, or well again, since when, and why in a sentence."""

    name: str
    down: bool
    since: float
    reason: str = ""


@dataclass
class Watch:
    """Decides; knows what it did to whom and when. Pure."""

    settings: Watchdog
    aborted: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By program: the process that got SIGABRT, and when."""
    waiting: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By program: the process that was silent and waited for a disk, and when it was last seen to."""
    given_up: dict[str, float] = field(default_factory=dict)
    """By program: since when it is FATAL."""
    beats: dict[str, float] = field(default_factory=dict)
    """By program: its last beat that was seen."""
    down: dict[str, float] = field(default_factory=dict)
    """By program: since when it is down, as was told."""
    vain: dict[str, float] = field(default_factory=dict)
    """By program: since when it is being started and comes never so far that it beats, in one life or in many."""
    last: float | None = None
    floor: float = 0.0
    """No silence counts from before this."""
    mute: str = ""
    """Why no beat can be written; empty: they can."""

    def judge(self, now: float, programs: Iterable[Seen], changed: float) -> list[Act]:
        """What to do now; ``changed`` is when the configuration was last written, a secret of it, or a token."""
        if self.last is not None and not 0 <= now - self.last <= SKIPPED:
            self.floor = now
        self.last = now
        acts = []
        programs = list(programs)
        if why := next((seen.mute for seen in programs if seen.mute), ""):
            self.floor = now
            acts += [] if self.mute else [Act("mute", DISK, why)]
        self.mute = why
        for seen in programs:
            if seen.state == RUNNING:
                self.given_up.pop(seen.name, None)
                acts += self._silent(now, seen)
            elif seen.state == FATAL:
                since = self.given_up.setdefault(seen.name, now)
                if now - since >= self.settings.revive_seconds:
                    self.given_up[seen.name] = now
                    acts.append(Act("start", seen.name, "supervisord had given it up"))
            elif is_wrong(seen) and max(changed, seen.changed) > seen.stopped:
                acts.append(Act("start", seen.name, "the configuration was changed"))
        return acts

    def news(self, now: float, programs: Sequence[Seen], acts: Iterable[Act]) -> list[News]:
        """What people are to be told, after ``judge`` gave these ``acts``: each thing once.

        Well again is who has run for as long as it may be silent: one that ends again and again is not, nor one that
        waits for a disk again and again.
        """
        ill = {act.name: act.reason for act in acts if act.what in {"ABRT", "wait", "mute"}}
        ill |= {seen.name: GIVEN_UP for seen in programs if seen.state == FATAL}
        ill |= self._in_vain(now, programs)
        found = [News(name, True, now, reason) for name, reason in ill.items() if name not in self.down]
        self.down |= {one.name: now for one in found}
        for seen in programs:
            runs = (
                seen.state == RUNNING and seen.name not in self.aborted.keys() | self.waiting.keys() | self.vain.keys()
            )
            if runs and seen.name in self.down and now - seen.started >= self.settings.silent_seconds:
                found.append(News(seen.name, False, self.down.pop(seen.name)))
        if DISK in self.down and not self.mute:
            found.append(News(DISK, False, self.down.pop(DISK)))
        return found

    def _in_vain(self, now: float, programs: Iterable[Seen]) -> dict[str, str]:
        """Why it is told of those that are tried again and again: who ends some seconds later is never given up."""
        tried = [
            seen.name
            for seen in programs
            if (
                seen.state in {STARTING, RUNNING, BACKOFF}
                or (seen.state == EXITED and seen.exit_code not in {0, WRONG})
            )
            and (seen.beat is None or seen.beat < seen.started)
        ]
        self.vain = {name: max(self.vain.get(name, now), self.floor) for name in tried}
        most = FIRST_ROUND * self.settings.silent_seconds
        return {
            name: f"it is not at work after {most:.0f} s of trying" for name, at in self.vain.items() if now - at > most
        }

    def _silent(self, now: float, seen: Seen) -> list[Act]:
        # One that ends and says why before it goes has taken its beat away: the last that was seen counts.
        beat = seen.beat if seen.beat is not None else self.beats.get(seen.name, 0.0)
        self.beats[seen.name] = beat
        silence = now - max(beat, seen.started, self.floor)
        waited, last = self.waiting.get(seen.name, (0, 0.0))
        lately = waited == seen.pid and 0 <= now - last <= self.settings.silent_seconds
        if not lately:
            self.waiting.pop(seen.name, None)
        if silence <= self.settings.silent_seconds * (FIRST_ROUND if beat < seen.started else 1):
            self.aborted.pop(seen.name, None)
            return []
        pid, at = self.aborted.get(seen.name, (0, 0.0))
        if pid != seen.pid and seen.waits:
            self.waiting[seen.name] = (seen.pid, now)
            return [] if lately else [Act("wait", seen.name, f"it waits for a disk, for {silence:.0f} s by now")]
        if pid != seen.pid and lately:  # between two such calls: what it does is slow, and goes on
            return []
        if pid != seen.pid:
            self.aborted[seen.name] = (seen.pid, now)
            return [Act("ABRT", seen.name, f"it has not been round its loop for {silence:.0f} s")]
        if now - at >= self.settings.abort_seconds:
            return [Act("KILL", seen.name, f"it is still there {now - at:.0f} s after SIGABRT")]
        return []


Tell = Callable[[News, float], None]


def obey(act: Act, supervisor: Any) -> None:
    """Do it; raises ``xmlrpc.client.Error`` or ``OSError`` when supervisord does not."""
    if act.what == "start":
        supervisor.startProcess(act.name, False)
    else:
        supervisor.signalProcess(act.name, act.what)


def message(host: str, news: News, now: float) -> dict[str, object]:
    """What is posted: the old webhook's three fields, and what programs want."""
    is_so = f"is down: {news.reason}" if news.down else "is well again"
    return {
        "message": f"{news.name} on {host} {is_so}",
        "server": host,
        "timestamp": _time(now),
        "rule": "program-down",
        "program": news.name,
        "state": "firing" if news.down else "resolved",
        "severity": "critical",
        "started_at": _time(news.since),
    }


def _time(wall: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(wall))


def listen(
    watch: Watch,
    connect: Callable[[], Any],
    homes: Homes,
    log: Any,
    stdin: TextIO,
    stdout: TextIO,
    tell: Tell = lambda news, now: None,
) -> None:
    """Answer supervisord's events until it closes the pipe; ``tell`` is given what people are to be told, and when.

    ``connect`` makes the way to supervisord: one by which no answer came once is of no use any more.
    """
    told: set[str] = set()
    supervisor = connect()
    while True:
        childutils.listener.ready(stdout)
        line = stdin.readline()
        if not line:
            return
        headers = childutils.get_headers(line)
        stdin.read(int(headers["len"]))
        if headers["eventname"].startswith("TICK"):
            try:
                _tick(watch, supervisor, homes, log, tell)
                told.clear()
            except (Error, OSError, HTTPException) as error:
                supervisor = connect()
                # A supervisord that stops says so, and ends this watchdog in a moment.
                if "SHUTDOWN_STATE" not in str(error) and str(error) not in told:
                    told.add(str(error))
                    log.error("supervisord does not answer: %s", error)
        childutils.listener.ok(stdout)


def _tick(watch: Watch, supervisor: Any, homes: Homes, log: Any, tell: Tell) -> None:
    programs = homes.programs(supervisor)
    now = time.time()
    waits = any(map(is_wrong, programs))
    acts = watch.judge(now, programs, changed(homes.path, homes.folder / home.TOKENS) if waits else 0.0)
    for news in watch.news(now, programs, acts):
        tell(news, now)
    for act in acts:
        if act.what in {"wait", "mute"}:
            whom = act.name if act.what == "wait" else "who is silent"
            log.error("%s is left alone: %s", whom, act.reason)
            continue
        verb = "starting" if act.what == "start" else f"sending SIG{act.what} to"
        log.error("%s %s: %s", verb, act.name, act.reason)
        try:
            obey(act, supervisor)
        except Error as error:
            log.error("%s %s failed: %s", verb, act.name, error)


def _teller(settings: Watchdog, log: logging.Logger) -> Tell:
    if settings.url is None:
        return lambda news, now: None
    host, webhook = socket.gethostname(), Webhook(settings.url, log)
    return lambda news, now: webhook.tell(message(host, news, now))


def main(argv: Sequence[str]) -> int:
    """Listen; returns 0 when supervisord ended, 100 when asked wrongly, 111 when the disk is full."""
    parser = Parser(prog="guardia watchdog", description="Run by supervisord; see etc/guardia.conf.")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    arguments = parser.parse_args(argv)
    if "SUPERVISOR_SERVER_URL" not in os.environ:
        print("guardia watchdog: only supervisord can start this; see etc/guardia.conf", file=sys.stderr)
        return WRONG
    os.umask(0o077)
    path = home.config_path(arguments.config, os.environ)
    try:
        settings = rooms.load(path, needs=("watchdog", "bus"))
        watchdog, bus = settings["watchdog"], settings["bus"]
    except ConfigError:
        # The programs tell what is wrong with the file; they must be watched all the same.
        watchdog, bus = Watchdog(), Bus()
    try:
        folder = home.made(home.home_path(path, os.environ))
        home.supervisor_noted(folder, os.environ["SUPERVISOR_SERVER_URL"])
        log = logs.opened("watchdog", folder / "log", bus, stream=sys.stderr)
    except OSError as error:
        print(f"watchdog: {unwritable(error)}, trying again in {PAUSE:g} s", file=sys.stderr, flush=True)
        time.sleep(PAUSE)
        return TRY_AGAIN

    def connect() -> Any:
        return childutils.getRPCInterface(os.environ).supervisor

    listen(
        Watch(watchdog), connect, Homes(path, folder, os.environ), log, sys.stdin, sys.stdout, _teller(watchdog, log)
    )
    return 0

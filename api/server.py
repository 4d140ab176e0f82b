"""gunicorn around the application: one listening socket, workers that die with their master, no logs of its own.

gunicorn forks; each worker runs uvicorn on uvloop with our connections (``api.connections``). The socket is bound
here and handed over, because gunicorn retries in silence and then exits with a code that means something else.
"""

from __future__ import annotations

import dataclasses
import logging
import math
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from uvicorn_worker import UvicornWorker

from api.config import Api
from api.connections import Http
from api.frames import Frames
from bus import process
from bus.program import TryAgain

MESSAGE_BYTES = 65_536
"""What a stream client may send at once."""
UNBORN = Arbiter.WORKER_BOOT_ERROR
"""How a worker ends that cannot start: the master ends then too."""
SPARE_FILES = 100
"""Files that a worker needs beside its clients' connections."""
STOP_SECONDS = 3
MOST_WARNINGS = 100
STRANGERS = ("Invalid UTF-8 sequence received from client.",)
"""What uvicorn calls errors, with a traceback, though any stranger can cause it at will."""
HANG_SECONDS = 30
"""A worker that does nothing for so long is killed and replaced."""


def listen(config: Api) -> socket.socket:
    """The listening socket; raises ``OSError``."""
    family, *_, address = socket.getaddrinfo(
        config.bind, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def possible(config: Api, log: logging.Logger) -> Api:
    """With as many connections as the system has open files for, of which it is asked for enough.

    Whoever may open no more could neither greet strangers, who then hold all of them, nor ask the store.
    """
    told = "a worker takes only %d connections"
    return dataclasses.replace(config, connections=process.affordable(config.connections, told, log, spare=SPARE_FILES))


def leave(code: object) -> NoReturn:
    """End a worker here and now: above it are the steps by which its master ends."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


class Application(BaseApplication):  # type: ignore[misc]
    """What gunicorn runs. ``config`` reads the table, at the start and at every SIGHUP.

    ``make`` is called in each worker with its place (1, 2 ...) and returns the application.
    """

    def __init__(
        self,
        config: Callable[[], Api],
        listener: socket.socket,
        make: Callable[[int], object],
        *,
        forked: Callable[[], None],
        passed: Callable[[], None],
    ) -> None:
        self._config = config
        self._fd = listener.detach()
        self._make = make
        self._forked = forked
        self._passed = passed
        self._place = 0
        self.failed: OSError | TryAgain | None = None
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn."""
        config = self._config()
        for name, value in {
            "bind": f"fd://{self._fd}",
            "workers": config.workers,
            "worker_class": worker_class(config),
            "logger_class": Log,
            "proc_name": "guardia api",
            "timeout": HANG_SECONDS,
            "graceful_timeout": STOP_SECONDS + 2,
            "keepalive": 30,
            "forwarded_allow_ips": ",".join(config.proxies) or "127.0.0.1",  # unread without proxies
            "control_socket_disable": True,
            "pre_fork": self._before_fork,
            "post_fork": self._after_fork,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        """Called by gunicorn in each worker."""
        return self._make(self._place)

    def run(self) -> None:
        """Serve until told to stop; raises ``SystemExit``, in the master and in each worker.

        ``failed`` is then what ended the master.
        """
        master = Master(self)
        master.passed = self._pass
        master.run()

    def _pass(self) -> None:
        try:
            self._passed()
        except (OSError, TryAgain) as error:
            self.failed = error
            raise HaltServer("cannot show that it lives", UNBORN) from None

    def _before_fork(self, master: Master, worker: Any) -> None:
        # A worker that replaces a dead one takes its place, so that its vitals go on under the same name.
        # One that is being replaced by SIGHUP leaves its place as well, or nobody would be heard under its name again.
        taken = {other.place for pid, other in master.WORKERS.items() if pid not in master.leaving}
        worker.place = next(place for place in range(1, len(taken) + 2) if place not in taken)

    def _after_fork(self, master: Arbiter, worker: Any) -> None:
        self._place = worker.place
        self._forked()


class Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, which says once a second that it lives."""

    passed: Callable[[], None]
    leaving: frozenset[int] = frozenset()
    """The processes of workers that SIGHUP replaces."""

    def reload(self) -> None:
        self.leaving = frozenset(self.WORKERS)
        super().reload()

    def murder_workers(self) -> None:
        super().murder_workers()
        self.passed()

    def handle_usr2(self) -> None:
        """Starting a second master beside this one is not for programs under supervision."""


class Log(Logger):  # type: ignore[misc]
    """gunicorn's messages go where ours go; those about its own ordinary life are dropped."""

    def setup(self, cfg: Any) -> None:
        self.error_log = logging.getLogger("guardia.api.server")
        self.error_log.setLevel(logging.WARNING)
        self.error_log.addFilter(_worth_telling)
        self.access_log = logging.getLogger("guardia.api.server.access")
        self.access_log.setLevel(logging.CRITICAL)
        self._hung: set[object] = set()
        """The processes of workers that the master ends since they hang."""

    def critical(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Called by gunicorn."""
        if str(msg).startswith("WORKER TIMEOUT"):
            self._hung.add(args[0])
            msg, args = "worker %s did nothing for %d s: it is ended, and replaced", (args[0], HANG_SECONDS)
        super().critical(msg, *args, **kwargs)

    def error(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Called by gunicorn, which takes every SIGKILL for a lack of memory, also its own."""
        if str(msg).endswith("Perhaps out of memory?"):
            if args[0] in self._hung:
                self._hung.discard(args[0])
                return
            msg, args = "worker %s was killed, by somebody or for a lack of memory: it is replaced", args[:1]
        super().error(msg, *args, **kwargs)

    def reopen_files(self) -> None:
        """Nothing is a file of ours."""

    def close_on_exec(self) -> None:
        """Likewise."""


def _worth_telling(record: logging.LogRecord) -> bool:
    """Not what only repeats that a worker could not start: the worker said why, and how we end is said by us."""
    repeated = isinstance(record.args, tuple) and record.args[-1:] == (UNBORN,)
    return not repeated and record.msg not in ("Shutting down: %s", "Reason: %s")


def worker_class(config: Api) -> type[UvicornWorker]:
    """uvicorn's worker with these settings."""
    options: dict[str, Any] = {
        "loop": "uvloop",
        "http": Http.limits(most=config.connections, read_seconds=config.read_seconds),
        "ws": Frames,
        "ws_max_size": MESSAGE_BYTES,
        "ws_ping_interval": config.ping_seconds,
        "ws_ping_timeout": config.ping_seconds,
        # A frame that is the same for all clients cannot be compressed for each of them.
        "ws_per_message_deflate": False,
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(config.proxies),
        "timeout_graceful_shutdown": STOP_SECONDS,
        # The master looks whether we live. uvicorn asks the clock on the wall whether it is time to say so, which would
        # keep silent after that was set back: so it is always time, which is once a second.
        "timeout_notify": -math.inf,
    }

    class Worker(UvicornWorker):  # type: ignore[misc]
        CONFIG_KWARGS = options

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            quiet()

    return Worker


def quiet() -> None:
    """Let uvicorn tell of trouble only: its ordinary lines and its debugging show whole URLs, tokens and all."""
    for name in ("uvicorn.error", "uvicorn.access", "websockets", "websockets.server"):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.filters = [Seldom()]
        logger.propagate = True
        logger.setLevel(logging.WARNING)


class Seldom(logging.Filter):
    """Warnings that any stranger can cause as often as he likes are told once in a while, with their number.

    Each kind is told at once when it comes first, and then at most once in ``seconds``.
    """

    def __init__(self, seconds: float = 60.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._told: dict[str, tuple[float, int]] = {}
        """By the text of the warning: when it was told last, and how many came since."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is told."""
        if str(record.msg) in STRANGERS:
            record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        if record.levelno != logging.WARNING:
            return True
        text, now = str(record.msg), self._clock()
        at, more = self._told.get(text, (-math.inf, 0))
        if now - at < self._seconds:
            self._told[text] = at, more + 1
            return False
        if len(self._told) >= MOST_WARNINGS:
            self._told.clear()
        self._told[text] = now, 0
        if more:
            record.msg = f"{text.rstrip('.')}, and {more} more since that was told last"
        return True

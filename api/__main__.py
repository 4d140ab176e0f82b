"""``guardia api``: the wiring."""

from __future__ import annotations

import dataclasses
import errno
import os
from collections.abc import Sequence
from pathlib import Path

from api.app import from_program
from api.config import Api
from api.leaving import App
from api.server import UNBORN, Application, leave, listen, possible
from api.tokens import TokensFault, load, path_of
from bus import logs, process, rooms
from bus.config import ConfigError, Fault, Settings
from bus.exits import TRY_AGAIN, unwritable
from bus.program import Program, TryAgain, run
from bus.reloading import said
from bus.tables import is_own


def build(program: Program[Api]) -> None:
    """Take the port; the workers open the rest, each for itself."""
    beyond = not is_own(program.config.bind)
    tokens = path_of(program.home)
    if beyond:
        _need_token(tokens, program)
    try:
        listener = listen(program.config)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno == errno.EADDRINUSE:
            reason += "; another hub, or another program? [api] port names another port"
        raise TryAgain(f"cannot listen at {program.config.bind} port {program.config.port}: {reason}") from None

    static = _table(program.settings).static
    if static and not (index := Path(static) / "index.html").is_file():
        program.log.warning("[api] static: %s is not there, so / is 404", index)

    started, first = False, program.settings

    def read() -> Api:
        """The table as the file says now; where it is wrong, as it was."""
        nonlocal started
        try:
            again = rooms.load(program.settings.path, needs=rooms.needs("api"))
            if started:
                program.log.info("%s", said(again.path, first, again, ("bus", "api.bind", "api.port")))
            program.settings, started = again, True
        except ConfigError as error:
            for fault in error.faults:
                program.log.error("the new configuration is not used: %s", fault)
        return possible(_table(program.settings), program.log)

    def make(place: int) -> App:
        try:
            logs.opened(f"api-{place}", program.home / "log", program.bus)
            process.stacks_into(program.home / "log" / "api.stacks")
        except OSError as error:
            program.log.error("%s", unwritable(error))
            raise SystemExit(UNBORN) from None
        app = from_program(program, _table(program.settings), place, tokens, token_needed=beyond)
        process.collect_seldom()
        return app

    def passed() -> None:
        program.beat()
        if program.life is not None:
            program.life.is_up()

    def serve() -> int:
        program.beat()  # where its file cannot be made, that is to be said
        master = os.getpid()
        application = Application(read, listener, make, forked=_begin, passed=passed)
        try:
            application.run()
        except SystemExit as end:
            if os.getpid() != master:
                leave(end.code)  # what follows is the master's to tidy up
            if application.failed is not None:
                raise application.failed from None
            if end.code == UNBORN:
                raise TryAgain("a worker could not start") from None
            return TRY_AGAIN if end.code else 0
        finally:
            program.beat_file.unlink(missing_ok=True)
        return 0

    program.serve = serve


def _begin() -> None:
    """What each worker does first."""
    process.harden(supervised=True)
    process.take_short_turns()


def _table(settings: Settings) -> Api:
    table: Api = settings["api"]
    if table.static:
        table = dataclasses.replace(table, static=str((settings.path.parent / table.static).resolve()))
    return table


def _need_token(tokens: Path, program: Program[Api]) -> None:
    """Raise ``ConfigError`` when anybody on the network would get in without a token."""
    try:
        known = load(tokens).tokens
    except TokensFault as error:
        raise ConfigError([Fault(str(tokens), "", None, str(error), "a file of tokens")]) from None
    if not known:
        found = f'"{program.config.bind}", which other machines can reach, and no token'
        remedy = "type: guardia token new NAME"
        raise ConfigError([Fault(str(program.settings.path), "[api] bind", None, found, "a token first", remedy)])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the api to its end; returns its exit code."""
    return run("api", Api, build, argv=argv)


if __name__ == "__main__":
    raise SystemExit(main())

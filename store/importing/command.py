"""``guardia import``: the first Guardia's history into this store, acknowledged, resumable, and compared at the end."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bus import config, home, rooms
from bus.arguments import CONFIG, Parser
from bus.asking import asked
from bus.config import ConfigError
from bus.messages import IMPORT
from bus.migration.names import fit
from bus.program import STOPPED, WRONG, Program, TryAgain, started
from bus.progress import Progress
from bus.questions import Availability, Series, Unanswered
from bus.records import Settings
from store.config import Store
from store.importing.journal import Journal
from store.importing.rows import MILLISECOND
from store.importing.source import Held, NotASource, Source
from store.importing.telling import Telling
from store.keys import DAY

DIFFERENT = 1
TURN_SECONDS, KEEP_SECONDS = 0.02, 1.0
SECONDS = 30.0


def main(argv: Sequence[str]) -> int:
    """Import; 0, or 1 when the store answers less than the file holds, or 100, 111 as every program."""
    given = _arguments().parse_args(argv)
    path = home.config_path(given.config, os.environ)
    os.umask(0o077)
    try:
        settings = config.load(path, rooms.tables(), rooms.LISTS)
        folder = home.made(home.home_path(path, os.environ))
        source = Source(Path(given.file))
        _warn(source, given.since, settings)
    except (ConfigError, NotASource, OSError) as error:
        print(f"guardia import: {error}", file=sys.stderr)
        return WRONG
    journal = Journal(folder / "import", source.path)
    if given.again:
        journal.forget()
    done: list[Telling] = []

    def build(program: Program[Store]) -> None:
        try:
            done.append(_wired(program, source, journal, dict(given.rename), given.since))
        except NotASource as error:
            raise TryAgain(str(error)) from None

    code = started("import", "store", settings, folder, build, level="warning")
    if code != STOPPED or not done:
        return code
    (telling,) = done
    for why, count in telling.why.items():
        print(f"guardia import: {count} rows left out: {why}", file=sys.stderr)
    if not telling.done:
        print(f"{journal.rows} rows are stored; type the same again to go on.")
        return DIFFERENT
    return _compared(folder, source, journal, dict(given.rename), given.since)


def _wired(program: Program[Store], source: Source, journal: Journal, names: dict[str, str], since: int) -> Telling:
    program.tells_vitals = False
    deliverer = program.deliverer(IMPORT)
    telling = Telling(source, journal, deliverer, names, since)
    total = sum(held.rows for table in source.tables for held in source.held(table, since))
    progress = Progress("import", total, sys.stderr)

    def turn() -> None:
        try:
            telling.turn()
        except NotASource as error:
            raise TryAgain(str(error)) from None
        waiting = deliverer.courier.sender.unacknowledged
        progress.at(journal.rows, f"{journal.rows} rows stored, {waiting} messages on their way")
        if telling.done:
            program.loop.stop()

    def stop() -> None:
        journal.keep()
        progress.close()

    program.loop.every(TURN_SECONDS, turn)
    program.loop.every(KEEP_SECONDS, journal.keep)
    program.loop.on_stop(stop)
    return telling


def _warn(source: Source, since: int, settings: Settings) -> None:
    keep = settings["store"].keep_samples_seconds
    oldest = min((held.first for held in source.held("metrics", since)), default=None) if source.tables else None
    if oldest is not None and oldest / 1000 < time.time() - keep:
        print(
            f"guardia import: its oldest sample is of {_day(oldest)}, and samples are kept for {keep / 86_400:g} days: "
            "raise [store] keep_samples_seconds first to keep all",
            file=sys.stderr,
        )


def _compared(folder: Path, source: Source, journal: Journal, names: dict[str, str], since: int) -> int:
    """Say for each host and service how much the file and the store have; 1 when the store has less."""
    short = 0
    try:
        for table in source.tables:
            for held in source.held(table, since):
                name = names.get(held.name) or fit(held.name)
                count = sum(_counts(folder, table, name, held))
                short += count < held.measured
                if count < held.measured:
                    print(f"guardia import: {name}: {held.measured} in the file, {count} in the store", file=sys.stderr)
    except (NotASource, Unanswered) as failure:
        print(f"guardia import: the counts were not compared: {failure}", file=sys.stderr)
        return DIFFERENT
    verdict = f"{short} hosts or services have less in the store" if short else "the counts agree"
    print(f"{journal.rows} rows of {source.path} are stored; {verdict}")
    return DIFFERENT if short else STOPPED


def _counts(folder: Path, table: str, name: str, held: Held) -> Iterator[int]:
    """How many there are in the store, by pieces of a day."""
    at, end = held.first * MILLISECOND, held.last * MILLISECOND
    while at <= end:
        until = min(end, at + DAY - 1)
        if table == "metrics":
            question = Series(name, ("cpu.percent",), at, until, points=1, aggregates=("count",))
            columns = asked(folder, question, seconds=SECONDS).columns
            yield sum(sum(column.count) for column in columns)
        else:
            yield asked(folder, Availability(name, at, until + 1, 1), seconds=SECONDS).checks
        at = until + 1


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")


def _since(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-01-31") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _renamed(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")
    if not equals or not old or fit(new) != new or not new:
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW, with letters, digits and . _ : - in NEW")
    return old, new


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia import", description=__doc__)
    parser.add_argument("file", metavar="SQLITE_FILE", help="the first Guardia's metrics.db")
    parser.add_argument("--since", type=_since, default=0, metavar="2026-01-31", help="only rows from then on")
    parser.add_argument(
        "--rename", type=_renamed, action="append", default=[], metavar="OLD=NEW", help="of a host or service"
    )
    parser.add_argument("--again", action="store_true", help="from the beginning, whatever was imported already")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    return parser

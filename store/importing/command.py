"""``guardia import``: the first Guardia's history into this store, acknowledged, resumable, and compared at the end."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from bus import availability, home, rooms, timing
from bus.arguments import CONFIG, Parser
from bus.asking import Asking, asked
from bus.config import ConfigError
from bus.exits import STOPPED, WRONG, unwritable
from bus.faults import in_words
from bus.messages import IMPORT
from bus.migration.names import fit
from bus.process import Lock
from bus.program import Program, started
from bus.progress import Progress
from bus.questions import Availability, Series, Statistics, Unanswered
from bus.records import Settings
from bus.voice import deliverer
from store.config import Store
from store.importing.journal import Journal
from store.importing.rows import MILLISECOND
from store.importing.source import Held, NotASource, Source
from store.importing.telling import Telling

DIFFERENT, NOT_NOW = 1, 2
TURN_SECONDS, KEEP_SECONDS = 0.02, 1.0
NICE = 10
"""It takes what the hub's own programs leave of the machine."""
SECONDS = 30.0
LARGE = 500_000_000
"""Bytes of a file that takes its time to be read once."""
AT_HOME = "it hands the past over at the hub's own door; call it on the hub's machine"
EXIT = "Exit codes: 0 the counts agree, 1 the store has less, or it was ended, 2 nobody takes it, 100 asked wrongly."


def main(argv: Sequence[str]) -> int:
    """Import; 0, 1 when the store answers less than the file holds, 2 when nobody takes it, else as every program."""
    given = _arguments().parse_args(argv)
    path = home.config_path(given.config, os.environ)
    os.umask(0o077)
    try:
        settings = rooms.load(path, needs=rooms.needs("store"))
        folder = home.made(home.home_path(path, os.environ))
        source = Source(Path(given.file))
        if source.path.stat().st_size > LARGE:
            print(f"guardia import: counts what {source.path} holds", file=sys.stderr)
        there = {table: source.held(table, given.since) for table in source.tables}
        unfit = {f"{why} ({table})": count for table in source.tables for why, count in source.unfit(table).items()}
    except (ConfigError, NotASource, OSError) as error:
        print(f"guardia import: {in_words(error)}", file=sys.stderr)
        return WRONG
    _warn(there, settings)
    if (why_not := _not_now(folder)) is not None:
        print(f"guardia import: {why_not}", file=sys.stderr)
        return NOT_NOW
    journal = Journal(folder / "import", source.path, given.since)
    if given.again:
        journal.forget()
    total = sum(held.rows for table in there.values() for held in table)
    done: list[Telling] = []

    def build(program: Program[Store]) -> None:
        done.append(_wired(program, source, journal, dict(given.rename), given.since, total))

    code = started("import", "store", settings, folder, build, level="warning")
    if code != STOPPED or not done:
        return code
    (telling,) = done
    for why, count in [*unfit.items(), *telling.why.items()]:
        print(f"guardia import: {count} rows left out: {why}", file=sys.stderr)
    if not telling.done:
        print(f"{journal.rows} rows are stored; type the same again to go on.")
        return DIFFERENT
    return _compared(folder, source, there, journal, dict(given.rename))


def _not_now(folder: Path) -> str | None:
    """Why nothing can be imported now: nobody would take it, or another one is at work."""
    try:
        asked(folder, Statistics(), seconds=SECONDS)
        lock = Lock(folder / "run" / "import.lock")
        other = lock.take()
    except Unanswered as failure:
        return str(failure)
    except OSError as error:
        return unwritable(error)
    lock.release()
    return (
        None if other is None else f"another import is running (process {other}); wait for its end, then type it again"
    )


def _wired(
    program: Program[Store], source: Source, journal: Journal, names: dict[str, str], since: int, total: int
) -> Telling:
    program.tells_vitals = False
    os.nice(NICE)
    voice = deliverer(program, IMPORT)
    telling = Telling(source, journal, voice, names, since)
    progress = Progress("import", total, sys.stderr, began=journal.rows)

    def turn() -> None:
        try:
            program.loop.after(0.0 if telling.turn() else TURN_SECONDS, turn)
        except NotASource as error:
            print(f"guardia import: {error}", file=sys.stderr)
            program.loop.stop()
        waiting = voice.courier.sender.unacknowledged
        progress.at(journal.rows + telling.left_out, f"{journal.rows} rows, {waiting} messages wait")
        if telling.done:
            program.loop.stop()

    def stop() -> None:
        journal.keep()
        progress.close()

    program.loop.after(0.0, turn)
    program.loop.every(KEEP_SECONDS, journal.keep)
    program.loop.on_stop(stop)
    return telling


def _warn(there: Mapping[str, Sequence[Held]], settings: Settings) -> None:
    keep = settings["store"].keep_samples_seconds
    oldest = min((held.first for held in there.get("metrics", ())), default=None)
    if oldest is not None and oldest / 1000 < time.time() - keep:
        print(
            f"guardia import: its oldest sample is of {_day(oldest)}, and samples are kept for {keep / 86_400:g} days: "
            "raise [store] keep_samples_seconds first to keep all",
            file=sys.stderr,
        )


def _compared(
    folder: Path, source: Source, there: Mapping[str, Sequence[Held]], journal: Journal, names: Mapping[str, str]
) -> int:
    """Say for each host and service how much the file and the store have; 1 when the store has less."""
    short = asked_for = 0
    progress = Progress("compare", sum(map(len, there.values())), sys.stderr)
    try:
        with Asking(folder, seconds=SECONDS) as store:
            for table, days in there.items():
                for old, held in itertools.groupby(days, lambda day: day.name):
                    name, measured, count = names.get(old) or fit(old), 0, 0
                    for day in held:
                        measured += day.measured
                        count += min(day.measured, _count(store, table, name, day))
                        asked_for += 1
                        progress.at(asked_for, name)
                    short += count < measured
                    if count < measured:
                        progress.close()
                        print(
                            f"guardia import: {name or repr(old)}: {measured} in the file, {count} in the store",
                            file=sys.stderr,
                        )
    except (NotASource, Unanswered) as failure:
        print(f"guardia import: the counts were not compared: {failure}", file=sys.stderr)
        return DIFFERENT
    finally:
        progress.close()
    verdict = f"{short} hosts or services have less in the store" if short else "the counts agree"
    print(f"{journal.rows} rows of {source.path} are stored; {verdict}")
    if short:
        print(
            "guardia import: what is older than it is kept for is dropped, and what lies in the future or was left out "
            "is not stored; if it is none of these, as after a restore, --again tells all of the file once more",
            file=sys.stderr,
        )
    return DIFFERENT if short else STOPPED


def _count(store: Asking, table: str, name: str, day: Held) -> int:
    """How many of that day's there are in the store."""
    start, end = day.first * MILLISECOND, day.last * MILLISECOND
    if table == "metrics":
        series = store.ask(Series(name, ("cpu.percent",), start, end, points=1, aggregates=("count",)))
        return sum(sum(column.count) for column in series.columns)
    found, pieces = 0, deque([Availability(name, start, end + 1, 1)])
    while pieces:
        piece = pieces.popleft()
        try:
            found += store.ask(piece).checks
        except Unanswered as failure:  # a day of checks each second is more than one answer counts
            pieces.extend(availability.halves(piece, failure))
    return found


def _day(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d")


def _since(text: str) -> int:
    with suppress(ValueError):
        return max(0, int((time.time() - timing.back(text)) * 1000))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-01-31, or 90d back from now") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _renamed(text: str) -> tuple[str, str]:
    old, equals, new = text.rpartition("=")
    if not equals or not old or fit(new) != new or not new:
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW, with letters, digits and . _ : - in NEW")
    return old, new


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia import", description=__doc__, epilog=EXIT, at_home=AT_HOME)
    parser.add_argument("file", metavar="SQLITE_FILE", help="the first Guardia's metrics.db")
    parser.add_argument(
        "--since", type=_since, default=0, metavar="2026-01-31", help="only rows from then on, or 90d back from now"
    )
    parser.add_argument(
        "--rename", type=_renamed, action="append", default=[], metavar="OLD=NEW", help="of a host or service"
    )
    parser.add_argument("--again", action="store_true", help="from the beginning, whatever was imported already")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    return parser

"""``guardia export``: what is stored, as CSV, JSON lines or Parquet.

It asks the store of this machine's hub, or with ``--hub`` that of any hub through its API.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from bus import home, hubs, timing
from bus.arguments import CONFIG, Parser, duration
from bus.asking import asker
from bus.exits import STOPPED, TRY_AGAIN, WRONG
from bus.faults import ConfigError, did_you_mean, listed
from bus.harmless import safe_lines
from bus.judging import Objected
from bus.messages import KINDS
from bus.progress import Progress
from bus.questions import Unanswered
from bus.timing import SECOND
from store.exporting.beside import beside
from store.exporting.past import Extent, Past, Wanted
from store.exporting.text import FORMS, Csv, JsonLines, heads, records_of, samples_of
from store.keys import FAR

UNKNOWN = 2
EXIT = "Exit codes: 0 exported, or nothing is of that time, 2 no answer to the end, 100 asked wrongly, 111 a full disk."
SECONDS = 60.0
"""How long one answer may take: the hub may be busy, and an export is in no hurry."""


def main(argv: Sequence[str]) -> int:
    """Export; 0, 2 when the store did not answer to the end, 100 when it was asked wrongly, 111 when a disk failed."""
    given = _arguments().parse_args(argv)
    if given.kind not in KINDS:
        near = did_you_mean(given.kind, KINDS)
        return _wrong(f"no records are called {given.kind}; {near or 'there are ' + listed(KINDS)}")
    if given.step is not None and (given.kind != "sample" or given.parquet):
        return _wrong("--step is for samples, as csv or jsonl")
    if given.metric and given.kind != "sample":
        return _wrong("--metric is for samples")
    if given.parquet and (given.output or given.format):
        return _wrong("--parquet makes a folder of its own; -o and --format are for text")
    if given.output and Path(given.output).is_dir():
        return _wrong(f"{given.output}: is a directory; -o names a file")
    folder = home.home_path(home.config_path(given.config, os.environ), os.environ)
    try:
        with asker(hubs.elsewhere(given, os.environ), folder, seconds=SECONDS) as asking:
            wanted = _wanted(given, asking.now())
            if isinstance(wanted, str):
                return _wrong(wanted)
            past = Past(asking.ask, wanted)
            if wrong := past.misnamed():
                return _wrong(wrong)
            lines = _parquet(past, wanted, given) if given.parquet else _text(past, wanted, given)
            unread = past.unread()
    except ConfigError as error:
        return hubs.refused(error)
    except Unanswered as failure:
        print(safe_lines(f"guardia export: {failure}"), file=sys.stderr)
        return WRONG if isinstance(failure, Objected) else UNKNOWN
    except ModuleNotFoundError as error:
        return _wrong(f"Parquet needs {error.name}: pip install 'guardia[parquet]'")
    except (BrokenPipeError, PermissionError):
        raise
    except OSError as error:
        # The error names the file beside it that is being written, if any.
        place = given.parquet or given.output or error.filename or "standard output"
        code = TRY_AGAIN if error.errno in home.PASSING else WRONG
        return _wrong(f"{place}: {(os.strerror(error.errno) if error.errno else str(error)).lower()}", code)
    if not given.quiet:
        print(f"{lines} {'rows' if given.parquet else 'lines'} exported", file=sys.stderr)
    if unread:
        print(f"guardia export: {unread}", file=sys.stderr)
    return STOPPED


def _wanted(given: argparse.Namespace, now: int) -> Wanted | str:
    """What is to be exported when it is ``now`` on the hub, or what is wrong with its times."""
    start, end = moment(given.since, now, 0), moment(given.until, now, now)
    if start is None or end is None:
        return "--since and --until take a time such as 2026-01-31T12:00 or a length back from now, as 7d"
    if start > end:
        return "--since is later than --until, which is now where it is not given"
    return Wanted(given.kind, start, end, tuple(given.host), tuple(given.metric) or ("*",))


def _text(past: Past, wanted: Wanted, given: argparse.Namespace) -> int:
    step = None if given.step is None else max(1, int(given.step * SECOND))
    extents = past.extents(stepped=step is not None)
    with _output(given.output) as stream:
        form = FORMS[given.format or "csv"](stream)
        form.begin(heads(wanted.kind, stepped=step is not None))
        progress = _progress(extents, given, to_file=given.output is not None)
        done = 0
        for extent in extents:
            for until in _pieces(form, past, wanted, extent, step):
                progress.at(done + until - extent.start, f"{form.lines} lines, {extent.subject}")
            done += _length(extent)
        progress.close()
        stream.flush()
    return int(form.lines)


def _pieces(form: Csv | JsonLines, past: Past, wanted: Wanted, extent: Extent, step: int | None) -> Iterator[int]:
    """Write all of a subject; yields until when that was done."""
    if step is not None:
        for until, answer in past.steps(extent, step):
            form.steps(extent.subject, answer)
            yield until
        return
    for until, rows in past.pieces(extent):
        if wanted.kind == "sample":
            form.samples(samples_of(past, rows, wanted.metrics))
        else:
            form.records(records_of(rows))
        yield until


def _parquet(past: Past, wanted: Wanted, given: argparse.Namespace) -> int:
    from store.exporting import parquet

    extents = past.extents()
    progress = _progress(extents, given, to_file=True)
    rows = 0
    for day, here in past.days(extents):
        done = sum(max(0, min(one.end, day) - one.start) for one in extents)
        written = 0
        for written in parquet.write_day(Path(given.parquet), wanted.kind, day, past, here, wanted.metrics):
            progress.at(done, f"{rows + written} rows")
        rows += written
    progress.close()
    return rows


def _progress(extents: Sequence[Extent], given: argparse.Namespace, *, to_file: bool) -> Progress:
    # A bar would stand among the lines when both go to one terminal.
    quiet = given.quiet or not (to_file or not sys.stdout.isatty())
    return Progress("export", sum(map(_length, extents)), sys.stderr, quiet=quiet)


def _length(extent: Extent) -> int:
    return extent.end - extent.start + 1


class Shown:
    """What is written goes to the terminal ``stream``, where no text of others' must act."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Show ``text``."""
        self._stream.write(safe_lines(text))

    def flush(self) -> None:
        """Have it shown now."""
        self._stream.flush()


@contextlib.contextmanager
def _output(name: str | None) -> Iterator[TextIO | Shown]:
    """The file, whole or not at all; or standard output. A device or a pipe takes its lines as they come."""
    if name is None:
        yield Shown(sys.stdout) if sys.stdout.isatty() else sys.stdout
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    with beside(path.resolve()) as fresh, fresh.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def moment(text: str | None, now: int, default: int) -> int | None:
    """ns since the epoch: a time in UTC, or a length back from now; None where it is neither."""
    if text is None:
        return default
    with contextlib.suppress(ValueError):
        return max(0, now - int(timing.back(text) * SECOND))
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return min(max(0, since // timedelta(microseconds=1) * 1000), FAR)


def _wrong(text: str, code: int = WRONG) -> int:
    print(f"guardia export: {text}", file=sys.stderr)
    return code


def _arguments() -> argparse.ArgumentParser:
    parser = Parser(prog="guardia export", description=__doc__, epilog=EXIT)
    parser.add_argument("--format", choices=tuple(FORMS), help="csv (default) or JSON lines")
    parser.add_argument("--parquet", metavar="DIR", help="Parquet files by kind and day in this folder instead")
    parser.add_argument("--kind", default="sample", metavar="KIND", help="sample (default), check, alert, facts, ...")
    parser.add_argument(
        "--host", action="append", default=[], metavar="GLOB", help="a host or service, may be repeated (default: all)"
    )
    parser.add_argument("--metric", action="append", default=[], metavar="GLOB", help="may be repeated (default: all)")
    parser.add_argument("--since", metavar="TIME", help="2026-01-31T12:00 (UTC), or 7d back from now (default: all)")
    parser.add_argument("--until", metavar="TIME", help="until then, included (default: now)")
    parser.add_argument("--step", type=duration, metavar="1h", help="mean, min, max, last and count of such steps")
    parser.add_argument("-o", "--output", metavar="FILE", help="instead of standard output; whole or not at all")
    parser.add_argument("--quiet", action="store_true", help="no progress, no count")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    hubs.add_flags(parser)
    return parser

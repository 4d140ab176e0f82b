"""The table ``[store]`` and the list ``[[retention]]``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bus import sizes
from bus.config import Objection, Secret, setting
from bus.timing import in_words
from store.retention import Retention, Rule

DAYS = 86_400.0
FOREVER = 100_000 * DAYS
"""Longer than a store lives, in seconds; as ns it is still a number of 64 bits."""
LEAST_CEILING = 16 * 1024 * 1024
"""Bytes: less is a slip of the pen, as 50 for 50 GB, which would cost the whole past at once."""
AT_START = ("store.backend", "store.url", "store.path", "store.archive")
"""What the writer and the sealer go on with as it was at their start, whatever is read again."""


def _ns(seconds: float) -> int:
    return int(min(seconds, FOREVER) * 1e9)


@dataclass(frozen=True)
class Store:
    """What is remembered, where, and for how long."""

    backend: str = setting(
        "lmdb",
        choices=("lmdb", "memory", "postgres", "victoriametrics"),
        help="lmdb keeps on disk, memory forgets at its end; postgres and victoriametrics are servers that url names.",
    )
    url: Secret | None = setting(
        None,
        help="Where the backend's server is, as ${NAME} or file:PATH: postgresql://USER:PASSWORD@HOST/DATABASE, or"
        " http://HOST:8428.",
    )
    path: str = setting("store", help="The folder of the data, relative to GUARDIA_HOME.")
    commit_seconds: float = setting(
        0.01,
        minimum=0.0,
        maximum=0.25,
        unit="s",
        help="What comes within this time is written with one fsync; the shortest delay until it is durable.",
    )
    receipt_seconds: float = setting(
        0.1,
        minimum=0.0,
        maximum=2.0,
        unit="s",
        help="What is committed within this time is acknowledged with one receipt a producer.",
    )
    batch_bytes: int = setting(
        16_777_216, minimum=65_536, unit="bytes", help="A batch that takes this much memory is written without waiting."
    )
    pending_bytes: int = setting(
        268_435_456,
        minimum=1_048_576,
        unit="bytes",
        help="What waits in memory while the disk is full; more than this is left to the producers.",
    )
    keep_samples_seconds: float = setting(
        7 * DAYS, minimum=3600, unit="s", help="Samples and process lists older than this are dropped."
    )
    keep_records_seconds: float = setting(
        400 * DAYS, minimum=3600, unit="s", help="Checks, alerts and all else older than this is dropped."
    )
    keep_1m_seconds: float = setting(
        30 * DAYS, minimum=0, unit="s", help="Rollups of a minute older than this are dropped; 0: none are made."
    )
    keep_5m_seconds: float = setting(
        180 * DAYS, minimum=0, unit="s", help="Rollups of five minutes older than this are dropped; 0: none are made."
    )
    keep_1h_seconds: float = setting(
        1826 * DAYS, minimum=0, unit="s", help="Rollups of an hour older than this are dropped; 0: none are made."
    )
    layouts_bytes: int = setting(
        67_108_864,
        minimum=1_048_576,
        unit="bytes",
        help="Names of metrics that are kept of one source: new ones are refused while it has more. Those that nothing"
        " refers to any more are forgotten after three days.",
    )
    seal_after_seconds: float = setting(
        600.0, minimum=0, unit="s", help="So long after an hour's end its rows become blocks; what is late joins them."
    )
    max_bytes: int = setting(
        0,
        minimum=0,
        unit="bytes",
        help="The store takes no more than this: what is nearest to its end goes early. 0: no ceiling.",
    )
    room_bytes: int = setting(
        1_073_741_824,
        minimum=0,
        unit="bytes",
        help="While the disk has less free than this, what is nearest to its end goes early.",
    )
    archive: str = setting(
        "",
        help="A folder, also on another disk, to which old days of raw blocks move as Parquet files, which answer on;"
        " needs guardia[parquet]. Relative to GUARDIA_HOME; read at the start.",
    )
    archive_after_seconds: float = setting(
        5 * DAYS, minimum=DAYS, unit="s", help="Days older than this are moved to the archive, if there is one."
    )
    keep_archive_seconds: float = setting(
        0.0, minimum=0, unit="s", help="What is older than this is dropped from the archive. 0: kept for ever."
    )
    cleanup_seconds: float = setting(
        3600.0,
        minimum=60,
        unit="s",
        help="How often rows that are too old are dropped; blocks are looked at each minute.",
    )
    free_bytes: int = setting(
        536_870_912,
        minimum=0,
        unit="bytes",
        help="Writing stops while the disk has less free than this, before it is really full.",
    )
    retry_seconds: float = setting(5.0, minimum=1, unit="s", help="How often a commit that failed is tried again.")

    def retention(self, rules: Iterable[Keep] = ()) -> Retention:
        """How long what is kept."""
        usual = {
            "raw": self.keep_samples_seconds,
            "1m": self.keep_1m_seconds,
            "5m": self.keep_5m_seconds,
            "1h": self.keep_1h_seconds,
            "records": self.keep_records_seconds,
            "archive": self.keep_archive_seconds or FOREVER,
        }
        return Retention({name: _ns(seconds) for name, seconds in usual.items()}, tuple(one.rule for one in rules))

    def archive_in(self, home: Path) -> Path | None:
        """The folder of the archive, if there is one."""
        return (home / self.archive).absolute() if self.archive else None

    def objections(self) -> Iterator[Objection]:
        """A server has to be named, and an archive takes what is there still."""
        if self.backend in ("postgres", "victoriametrics") and self.url is None:
            yield Objection("url", "nothing", "the server's URL, as ${NAME} or file:PATH")
        if os.path.basename(os.path.normpath(self.path)) in ("", ".", ".."):
            yield Objection("path", f'"{self.path}", where other things are as well', "a folder of its own, as store")
        if 0 < self.max_bytes < LEAST_CEILING:
            expected = f"0, or at least {sizes.in_words(LEAST_CEILING)}"
            remedy = 'with its unit, as "50GB"' if self.max_bytes < 10_000 else ""
            yield Objection(
                "max_bytes", f"{sizes.in_words(self.max_bytes)}, for which all would be dropped", expected, remedy
            )
        if not self.archive:
            return
        if self.backend != "lmdb":
            yield Objection("archive", f"an archive beside the backend {self.backend}", "the backend lmdb")
        if find_spec("pyarrow") is None:
            yield Objection(
                "archive", "no pyarrow, which writes Parquet files", "it installed", "pip install 'guardia[parquet]'"
            )
        for name in ("keep_samples_seconds", "keep_records_seconds"):
            if self.archive_after_seconds >= getattr(self, name):
                yield Objection("archive_after_seconds", in_words(self.archive_after_seconds), f"less than {name}")
        if 0 < self.keep_archive_seconds <= self.archive_after_seconds:
            yield Objection(
                "keep_archive_seconds", in_words(self.keep_archive_seconds), "0, or more than archive_after_seconds"
            )


@dataclass(frozen=True)
class Keep:
    """An entry of ``[[retention]]``: how long is kept what these subjects told. The first one that matches decides."""

    subjects: tuple[str, ...] = setting(help="Hosts and services, with * and ?.")
    keep_samples_seconds: float | None = setting(None, minimum=3600, unit="s", help="As in [store], for these.")
    keep_1m_seconds: float | None = setting(None, minimum=0, unit="s", help="As in [store], for these.")
    keep_5m_seconds: float | None = setting(None, minimum=0, unit="s", help="As in [store], for these.")
    keep_1h_seconds: float | None = setting(None, minimum=0, unit="s", help="As in [store], for these.")
    keep_records_seconds: float | None = setting(None, minimum=3600, unit="s", help="As in [store], for these.")

    def objections(self) -> Iterator[Objection]:
        """Somebody has to be meant."""
        if not self.subjects:
            yield Objection("subjects", "nobody", 'names or globs, as ["test-*"]')

    @property
    def rule(self) -> Rule:
        """The same for ``store.retention``."""
        given = {
            "raw": self.keep_samples_seconds,
            "1m": self.keep_1m_seconds,
            "5m": self.keep_5m_seconds,
            "1h": self.keep_1h_seconds,
            "records": self.keep_records_seconds,
        }
        return Rule(self.subjects, {name: _ns(s) for name, s in given.items() if s is not None})

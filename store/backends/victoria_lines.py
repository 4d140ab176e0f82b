"""What VictoriaMetrics is told and answers: lines of JSON, a series each. Pure.

``disk[/].percent`` of web-1 is the series ``disk_percent{host="web-1", instance="/", metric="disk[/].percent"}``:
the name and ``instance`` are for PromQL, ``metric`` is the metric's own name, by which it comes back. Times are ms.
Form of the lines: https://docs.victoriametrics.com/#json-line-format
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from bus.messages import Sample, layout_id
from bus.wire import pack, record
from store.columns import Columns
from store.rows import Row

MS = 1_000_000
_NAME = re.compile(r"(?P<group>[^.\[]+)(?:\[(?P<instance>.*)\])?(?P<rest>.*)", re.DOTALL)
_UNFIT = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(frozen=True)
class Places:
    """Base URLs: where samples are put, where they are asked for, and each node that keeps them."""

    insert: str
    select: str
    storages: tuple[str, ...]


def places(url: str) -> Places:
    """Of one server its URL; of a cluster those of vminsert, vmselect and every vmstorage, with spaces between.

    Raises ValueError for two: which of the others would be missing cannot be known.
    """
    words = [word.rstrip("/") for word in url.split()]
    if not words or len(words) == 2 or not all(word.startswith(("http://", "https://")) for word in words):
        raise ValueError("one URL of a server, or those of vminsert, vmselect and each vmstorage")
    return Places(words[0], words[0], (words[0],)) if len(words) == 1 else Places(words[0], words[1], tuple(words[2:]))


def labels(host: str, metric: str) -> dict[str, str]:
    """The series of a metric of a host."""
    found = _NAME.fullmatch(metric)
    group, instance, rest = found.group("group", "instance", "rest") if found else (metric, None, "")
    name = _UNFIT.sub("_", group + rest)
    here = {"instance": instance} if instance else {}
    return {"__name__": name if not name[:1].isdigit() else f"_{name}", "host": host, **here, "metric": metric}


def lines(host: str, found: Columns) -> Iterator[bytes]:
    """A line for each metric that has a reading."""
    stamps = found.times // MS
    for metric, values in found.values.items():
        present = ~np.isnan(values)
        if present.any():
            told = values[present].tolist()
            series = {"metric": labels(host, metric), "values": told, "timestamps": stamps[present].tolist()}
            yield json.dumps(series, separators=(",", ":")).encode() + b"\n"


def selector(host: str) -> str:
    """What names all series of a host."""
    return f'{{host={json.dumps(host, ensure_ascii=False)},metric!=""}}'


def remade(host: str, answer: Iterable[bytes]) -> tuple[list[Row], tuple[str, ...]]:
    """(samples of the host by time, the names of their layout) from the lines of an export.

    A sample is what was measured within one ms; what has no reading is None. They are told once and have no number.
    """
    series: dict[str, tuple[list[float], list[int]]] = {}
    for line in answer:
        if line.strip():
            told = json.loads(line)
            values, stamps = series.setdefault(told["metric"]["metric"], ([], []))
            values.extend(told["values"])
            stamps.extend(told["timestamps"])
    if not series:
        return [], ()
    names = tuple(sorted(series))
    times = np.unique(np.concatenate([np.array(stamps, dtype=np.int64) for _, stamps in series.values()]))
    matrix = np.full((len(times), len(names)), np.nan)
    for place, name in enumerate(names):
        values, stamps = series[name]
        matrix[np.searchsorted(times, np.array(stamps, dtype=np.int64)), place] = values
    layout = layout_id(names)
    rows = []
    for stamp, readings in zip(times.tolist(), matrix.tolist(), strict=True):
        at = stamp * MS
        sample = Sample(layout, tuple(None if value != value else value for value in readings))
        rows.append((at, at, pack(record(sample, source=host, at=at, epoch=0, number=0, sent=at))))
    return rows, names


def merged(remote: list[Row], local: list[Row]) -> list[Row]:
    """Both by time; what is here as it came takes the place of what was remade of it."""
    here = {row[0] // MS for row in local}
    return sorted([*(row for row in remote if row[0] // MS not in here), *local], key=lambda row: row[:2])

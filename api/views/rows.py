"""Stored samples, turned into the rows of a host's history. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.encoding import to_json, to_time
from api.received import Told
from api.views.metrics import plan
from bus.messages import Facts, Sample

Names = Mapping[int, tuple[str, ...]]


def row_texts(
    server_id: str,
    display: str,
    facts: Facts | None,
    found: Sequence[tuple[Told, Sample]],
    layouts: Names,
) -> list[str]:
    """One JSON object per sample that has a CPU reading; the others have no place in this contract.

    ``facts`` are those of today: they are not kept beside each sample.
    """
    rows = []
    for told, sample in found:
        names = layouts.get(sample.layout)
        if names is None or len(names) != len(sample.values):
            continue
        row = plan(names).row(server_id, display, to_time(told.at), sample.values, facts)
        if row is not None:
            rows.append(to_json(row))
    return rows

"""Late rows take a damaged day back from the archive, with all that can be read of it."""

from __future__ import annotations

import pyarrow.parquet as pq

from bus.messages import Layout, Sample
from store.archive.parquet import Archived
from tests.store.archive.archiving import Archiving, told_everything
from tests.store.given import DAY, HOUR, LAYOUT, MINUTE, NOON, sample, told
from tests.store.test_sealer import START

OTHER = Layout(("load.1m", "cpu.percent"))


def test_a_layout_that_is_damaged_costs_the_host_no_other(store: Archiving) -> None:
    other, late = START + 2 * HOUR, START + 3 * HOUR + MINUTE
    told_everything(store)
    store.told([told(OTHER, 1), told(Sample(OTHER.id, (0.5, 7.0)), 1000, at=other)])
    store.archived()
    path = store.archive / "kind=sample/day=2026-01-31/part.parquet"
    (group,) = (one.pieces[0].group for one in Archived(path).places("web-1") if one.layout == LAYOUT.id)
    values = pq.ParquetFile(path).metadata.row_group(group).column(3)
    data = bytearray(path.read_bytes())
    data[values.data_page_offset + values.total_compressed_size - 1] ^= 16
    path.with_name("fresh").write_bytes(data)
    path.with_name("fresh").rename(path)

    def times() -> list[int]:
        return [row[0] for row in store.backend.rows("sample", "web-1", START, START + DAY - 1)]

    assert times() == [other]
    store.told([sample(999, at=late)], NOON + 1)
    store.archived()
    assert times() == [other, late]

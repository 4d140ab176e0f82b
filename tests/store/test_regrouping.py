"""What many hosts told at once is fresh at first: read, sealed, verified and counted as what has rows of its own."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.wire import MILLISECOND, pack
from store.backends import regrouping
from store.backends.lmdb import LmdbBackend
from store.care.verifying import verified
from store.columns import Steps
from store.keys import FRESH, ROW, is_fresh, row_key
from store.rows import group
from store.sealer import Pace, Sealer
from tests.store.care.caring import change, contents, flip
from tests.store.given import DAY, HOUR, MINUTE, NOON, SECOND, batch, layout, numbers, sample

HOSTS = [f"web-{place}" for place in range(100)]
LATE = NOON + 2 * HOUR


def received(second: int) -> int:
    """When it came, ns."""
    return LATE + second * MILLISECOND


def told(backend: LmdbBackend, second: int, hosts: list[str] | None = None) -> None:
    """Each host tells one sample, all in one commit."""
    backend.commit(batch([sample(second, host=host) for host in hosts or HOSTS], received=received(second)), LATE)


def keys(path: Path, hour: str = "20260131T12") -> tuple[int, int]:
    """(fresh values, rows) of a partition."""
    found = Counter(len(key) for key, _ in contents(path / "rows" / "sample" / hour))
    return found[FRESH.size], found[ROW.size]


def idle(backend: LmdbBackend) -> None:
    """The writer has nothing else to do."""
    backend.refresh()
    backend.refresh()


def test_a_commit_of_many_hosts_is_a_few_values_and_is_read_at_once(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout()]), LATE)
    for second in (1, 2, 3):
        told(backend, second)
    assert numbers(backend.rows("sample", "web-7", 0, LATE)) == [1, 2, 3]
    backend.close()

    reader = LmdbBackend(tmp_path, write=False)
    for place in (0, 63, 64, 99):
        assert numbers(reader.rows("sample", f"web-{place}", NOON + 2 * SECOND, LATE)) == [2, 3]
        assert numbers(reader.newest_rows("sample", f"web-{place}", 0, LATE, 1)) == [3]
    (piece,) = reader.pieces("web-99", ["*"], Steps(NOON, SECOND, 10), NOON, LATE)
    assert piece.tier == "rows"
    assert piece.rolled.rows.sum() == 3
    assert reader.rows("sample", "web-7", NOON + 4 * SECOND, LATE) == []
    reader.close()
    assert keys(tmp_path) == (3 * 4, 0)
    report = verified(tmp_path)
    assert (report.faults, report.missing, report.records) == ([], {}, {"sample": 300})


def test_what_few_hosts_told_or_much_at_once_has_rows_at_once(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1, HOSTS[:15])
    for host in HOSTS[15:]:
        told(backend, 1, [host])
    told(backend, 2, HOSTS[:96:8])  # two of each stripe
    backend.commit(batch(sample(second, host=host) for host in HOSTS for second in range(3, 30)), LATE)
    backend.close()
    assert keys(tmp_path)[0] == 0


def test_later_commits_regroup_and_an_idle_writer_the_rest(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    most = 0
    for second in range(1, 41):
        told(backend, second)
        most = max(most, sum(sum(held.values()) for held in backend.partitions._regrouping._held.values()))
    assert regrouping.TOGETHER < most <= 2 * (regrouping.TOGETHER + 2)
    idle(backend)
    backend.close()

    assert keys(tmp_path)[0] == 0
    assert 100 <= keys(tmp_path)[1] <= 600
    again = LmdbBackend(tmp_path, write=True)
    for host in HOSTS[::9]:
        rows = again.rows("sample", host, 0, LATE)
        assert [(row[1], row[2]) for row in rows] == [
            (received(second), pack(sample(second, host=host))) for second in range(1, 41)
        ]
    again.close()
    assert verified(tmp_path).records == {"sample": 4000}
    assert verified(tmp_path).faults == []


def test_a_writer_that_comes_after_another_regroups_what_that_left(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    for second in range(1, 6):
        told(backend, second)
    backend.close()
    assert keys(tmp_path) == (5 * 4, 0)

    again = LmdbBackend(tmp_path, write=True)
    for second in range(6, 9):
        told(again, second, ["web-1"])
    again.close()

    assert keys(tmp_path) == (0, 100 + 3)
    assert verified(tmp_path).faults == []


@pytest.mark.parametrize(("left", "then"), [(100, 70), (70, 100), (100, 3), (3, 100)])
def test_what_a_failed_commit_left_stays_beside_what_came_under_its_number(
    tmp_path: Path, left: int, then: int
) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1)
    # The next commit's rows are there, its state is not: nothing of it was acknowledged.
    path = backend.partitions.path("sample", "20260131T12")
    rows = [(n, NOON // MINUTE, group(LATE, [pack(sample(9, host=host))])) for n, host in enumerate(HOSTS[:left])]
    backend.partitions.put(path, backend._meta["commits"] + 1, rows, left, again=False)
    backend.close()

    again = LmdbBackend(tmp_path, write=True)
    told(again, 2, HOSTS[-then:])
    for second in range(3, 30):
        told(again, second)
    idle(again)

    for place, host in enumerate(HOSTS):
        wanted = {1, *([2] if place >= 100 - then else []), *range(3, 30)}
        assert wanted <= set(numbers(again.rows("sample", host, 0, LATE))) <= wanted | {9}
    again.close()
    report = verified(tmp_path)
    assert (report.faults, report.missing) == ([], {})


@pytest.mark.parametrize(("first", "then"), [(100, 100), (100, 3), (3, 100)])
def test_a_commit_that_is_tried_again_with_more_in_it_is_counted_once(tmp_path: Path, first: int, then: int) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1)
    path, commit = backend.partitions.path("sample", "20260131T12"), backend._meta["commits"] + 1

    def rows(seconds: list[int], count: int) -> list[tuple[int, int, bytes]]:
        packed = [[pack(sample(second, host=host)) for second in seconds] for host in HOSTS[:count]]
        return [(place, NOON // MINUTE, group(LATE, records)) for place, records in enumerate(packed)]

    backend.partitions.put(path, commit, rows([2], first), first, again=False)
    backend.partitions.put(path, commit, rows([2, 3], then), 2 * then, again=True)

    assert backend.partitions.count(path) == 100 + 2 * then + max(0, first - then)
    for place, host in enumerate(HOSTS):
        wanted = [1, *([2] if place < max(first, then) else []), *([3] if place < then else [])]
        assert numbers(backend.rows("sample", host, 0, LATE)) == wanted
    backend.close()
    assert verified(tmp_path).faults == []


def test_a_row_that_stands_where_fresh_groups_go_is_joined_with_them(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1)
    backend.close()
    hour = tmp_path / "rows" / "sample" / "20260131T12"
    _, _, minute, commit, _ = FRESH.unpack(min(key for key, _ in contents(hour) if is_fresh(key)))
    change(hour, row_key(5, minute, commit), group(LATE, [pack(sample(2, host="web-5"))]))

    again = LmdbBackend(tmp_path, write=True)
    told(again, 3, ["web-5"])
    assert numbers(again.rows("sample", "web-5", 0, LATE)) == [1, 2, 3]
    again.close()
    assert keys(tmp_path)[1] >= 64


@pytest.mark.usefixtures("eager")
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.lists(st.tuples(st.integers(0, 8), st.integers(0, 150)), min_size=1, max_size=8),
            st.sampled_from(["idle", "anew", "rows"]),
        ),
        max_size=12,
    )
)
def test_whatever_is_committed_is_there_once_however_it_is_grouped(deeds: list[list[tuple[int, int]] | str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store"  # it keeps its generation beside it
        backend, expected = LmdbBackend(path, write=True), {host: set[int]() for host in HOSTS[:9]}
        total, as_rows = 0, False
        for deed in deeds:
            if isinstance(deed, list):
                records = [(HOSTS[host], second) for host, second in deed]
                backend.commit(batch([sample(second, host=host) for host, second in records]), LATE)
                total += len(records)
                for name, second in records:
                    expected[name].add(second)
            elif deed == "idle":
                idle(backend)
            elif deed == "anew":
                backend.close()
                backend = LmdbBackend(path, write=True)
            else:
                as_rows = not as_rows
                regrouping.MANY = 1000 if as_rows else 1
            for host, seconds in expected.items():
                assert numbers(backend.rows("sample", host, 0, LATE)) == sorted(seconds)
        regrouping.MANY = 1
        backend.close()
        report = verified(path)
        assert (report.faults, report.missing, report.records.total()) == ([], {}, total)


@pytest.mark.usefixtures("eager")
def test_a_partition_that_is_sealed_with_fresh_rows_in_it_lacks_none(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    backend.commit(batch([layout()]), LATE)
    told(backend, 1, HOSTS[:70:2])
    told(backend, 2, HOSTS[:70:2])
    told(backend, 3, HOSTS[:70:2])
    told(backend, 4, HOSTS[:70])
    before = {host: numbers(backend.rows("sample", host, 0, LATE)) for host in HOSTS[:70]}
    backend.close()
    assert all(keys(tmp_path))

    reader = LmdbBackend(tmp_path, write=False)
    sealer = Sealer(tmp_path, reader.partitions, reader.layouts, Pace(quiet=-(2**62)), logging.getLogger("test"))
    while sealer.turn(NOON + DAY):
        pass
    reader.close()
    writer = LmdbBackend(tmp_path, write=True)
    assert writer._past.sealed.unlink(2**62) == 1
    for host, seconds in before.items():
        assert numbers(writer.rows("sample", host, 0, LATE)) == seconds
    writer.close()


def test_a_damaged_table_is_told_and_spares_all_others(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1)
    told(backend, 2)
    backend.close()
    hour = tmp_path / "rows" / "sample" / "20260131T12"
    damaged = next(value for key, value in contents(hour) if is_fresh(key))
    flip(hour / "data.mdb", damaged[:600], 20)

    again = LmdbBackend(tmp_path, write=True)
    assert numbers(again.rows("sample", "web-3", 0, LATE)) == [2]
    assert numbers(again.rows("sample", "web-99", 0, LATE)) == [1, 2]
    told(again, 3, ["web-3"])
    idle(again)
    assert numbers(again.rows("sample", "web-3", 0, LATE)) == [2, 3]
    assert len(again.damaged) == 1
    again.close()
    report = verified(tmp_path)
    assert [fault.file for fault in report.faults] == ["rows/sample/20260131T12/data.mdb"]


def test_a_damaged_group_leaves_what_is_whole_of_it_and_of_its_neighbours(tmp_path: Path) -> None:
    backend = LmdbBackend(tmp_path, write=True)
    told(backend, 1)
    told(backend, 2)
    backend.close()
    hour = tmp_path / "rows" / "sample" / "20260131T12"
    flip(hour / "data.mdb", pack(sample(1, host="web-3"))[:70], 2)

    again = LmdbBackend(tmp_path, write=True)
    told(again, 3, ["web-3"])
    idle(again)
    assert numbers(again.rows("sample", "web-3", 0, LATE)) == [2, 3]
    assert numbers(again.rows("sample", "web-4", 0, LATE)) == [1, 2]
    again.close()

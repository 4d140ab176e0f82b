"""What is joined by a process beside the sealer is what the sealer joins, whenever that process dies."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from store import joining_apart
from store.backends.lmdb import LmdbBackend
from store.blocks.segments import Segment, Writing
from store.joining_apart import AHEAD, COMMAND, Beside, Task, begun
from store.sealer import Pace, Sealer
from store.spans import RAW, TIERS
from tests.store.given import DAY, HOUR, MINUTE, NOON, batch, layout, sample

HOSTS = tuple(f"web-{place}" for place in range(9))
START = NOON - 12 * HOUR
LATER = NOON + 20 * DAY
AFTER_ONE = (
    sys.executable,
    "-c",
    "from multiprocessing.connection import Connection as C; from store.joining_apart import Task, joined;"
    "C(1, readable=False).send(joined(Task(*C(0, writable=False).recv()), {}))",
)
"""It dies when it has joined one."""
Parts = dict[str, list[tuple[str, int, bytes]]]


def day_of(folder: Path, monkeypatch: pytest.MonkeyPatch, command: Sequence[str] | None) -> tuple[Parts, list[Beside]]:
    """The parts of a day's files, by tier, and who worked beside the sealer."""
    made: list[Beside] = []

    def beside(_: Sequence[Segment], raw: Writing, rollups: Mapping[str, Writing]) -> Beside | None:
        made.extend([Beside(raw, rollups, command)] if command is not None else [])
        return made[-1] if made else None

    monkeypatch.setattr("store.days.begun", beside)
    backend = LmdbBackend(folder / "store", write=True)
    pace = Pace(quiet=-(2**62), keep={"1m": 400 * DAY, "5m": 400 * DAY})
    sealer = Sealer(folder / "store", backend.partitions, backend.layouts, pace, logging.getLogger("sealer"))
    for hour in range(24):
        told = [
            sample(hour * 20 + n, host=host, at=START + hour * HOUR + n * MINUTE, cpu=(hour + n + place) % 97 / 10)
            for place, host in enumerate(HOSTS)
            for n in range(1, 16)
        ]
        backend.commit(batch([*map(layout, HOSTS), *told], NOON), NOON)
    while sealer.turn(START + DAY):
        pass
    damage(folder / "store" / "blocks" / "sample" / RAW / "20260131T05.1h", "web-2")
    while sealer.turn(LATER):
        pass
    assert sealer.done.days == 1
    parts: Parts = {}
    for tier in (RAW, *TIERS):
        for path in (folder / "store" / "blocks" / "sample" / tier).iterdir():
            one = Segment(path)
            parts[tier] = [(place.subject, place.rows, one.raw(place)) for place in one.index.parts]
            assert one.index.layouts
            one.close()
    sealer.close()
    backend.close()
    return parts, made


def damage(file: Path, subject: str) -> None:
    segment = Segment(file)
    (place,) = segment.places(subject)
    segment.close()
    data = bytearray(file.read_bytes())
    data[place.offset + place.length - 1] ^= 1
    file.write_bytes(data)


def test_a_day_is_the_same_by_whomever_its_hosts_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = day_of(tmp_path / "alone", monkeypatch, None)
    assert {subject for subject, *_ in expected[RAW]} == set(HOSTS)

    found, (beside,) = day_of(tmp_path / "beside", monkeypatch, COMMAND)

    assert found == expected
    assert 1 <= beside.hosts < len(HOSTS)


@pytest.mark.parametrize(("command", "hosts"), [(("false",), 0), (AFTER_ONE, 1)], ids=["at once", "after one"])
def test_whoever_dies_leaves_its_hosts_to_the_sealer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Sequence[str], hosts: int
) -> None:
    expected, _ = day_of(tmp_path / "alone", monkeypatch, None)

    found, (beside,) = day_of(tmp_path / "beside", monkeypatch, command)

    assert found == expected
    assert beside.hosts == hosts


def test_nobody_waits_for_one_that_reads_nothing(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "20260131T00.1d")
    beside = Beside(writing, {}, ("sleep", "600"))
    names = tuple(f"metric[{number}].of a long name" for number in range(100_000))
    large = [
        Task(f"web-{most}", names[:most], (), []) for most in (100_000, 20_000, 10_000, 5_000, 2_000, 1_000, 1_000)
    ]

    taken = [beside.takes(one) for one in large]

    assert not taken[0]
    assert taken.count(True) == AHEAD
    beside.close()
    writing.close()


def test_it_ends_when_the_sealer_does(tmp_path: Path) -> None:
    writing = Writing(tmp_path / "20260131T00.1d")
    beside = Beside(writing, {})
    beside._tasks.close()

    assert beside._child.wait(60) == 0

    beside.close()
    writing.close()


def test_whoever_is_asked_to_end_in_the_middle_leaves_neither_process_nor_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Beside] = []

    class Asked(Exception):
        pass

    def alive() -> None:
        if made and made[-1]._waiting:
            raise Asked

    def beside(_: Sequence[Segment], raw: Writing, rollups: Mapping[str, Writing]) -> Beside:
        made.append(Beside(raw, rollups))
        return made[-1]

    monkeypatch.setattr("store.days.begun", beside)
    backend = LmdbBackend(tmp_path / "store", write=True)
    pace = Pace(quiet=-(2**62))
    log = logging.getLogger("sealer")
    sealer = Sealer(tmp_path / "store", backend.partitions, backend.layouts, pace, log, alive)
    told = [sample(n, host=host, at=START + n * MINUTE) for host in HOSTS for n in range(1, 16)]
    backend.commit(batch([*map(layout, HOSTS), *told], NOON), NOON)
    assert sealer.turn(LATER), "the hour"
    with pytest.raises(Asked):
        sealer.turn(LATER)

    assert made[-1]._child.returncode is not None
    assert [path.name for path in tmp_path.glob("store/blocks/*/*/*")] == ["20260131T00.1h"]
    made.clear()
    monkeypatch.setattr("store.days.begun", lambda *_: None)
    while sealer.turn(LATER):
        pass
    assert sealer.done.days == 1
    sealer.close()
    backend.close()


def test_there_is_none_for_little_or_with_one_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writing = Writing(tmp_path / "20260131T00.1d")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert begun([], writing, {}) is None

    monkeypatch.setattr(joining_apart, "LEAST", 0)
    beside = begun([], writing, {})
    assert beside is not None
    beside.close()

    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert begun([], writing, {}) is None
    writing.close()

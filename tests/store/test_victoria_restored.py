"""A store that was put back, or whose note of how far the server is was lost, answers with what that alone has."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bus.secret import Secret
from store.backends.victoriametrics import VictoriaMetricsBackend
from store.care.restoring import prepare
from store.care.snapshots import snapshot
from tests.store.given import DAY, HOUR, NOON, batch, layout, numbers, sample
from tests.store.servers import Victoria
from tests.store.shipped import partitions, shipped

LATER = NOON + 3 * HOUR


@pytest.fixture
def host() -> str:
    return f"web-{uuid4().hex[:12]}"


@pytest.fixture
def moved(victoriametrics: Victoria, host: str, tmp_path: Path) -> Iterator[list[VictoriaMetricsBackend]]:
    """A store of which the server alone has two hours."""
    made = [opened(tmp_path, victoriametrics.database())]
    made[0].commit(batch([layout(host), *(sample(number * 200, host=host) for number in range(1, 40))]), LATER)
    shipped(made[0])
    made[0].retain({"sample": 7 * DAY}, LATER)
    assert partitions(tmp_path) == ["20260131T14"]
    yield made
    made[-1].close()


def opened(folder: Path, url: Secret) -> VictoriaMetricsBackend:
    return VictoriaMetricsBackend(folder / "store", write=True, url=url, local=HOUR, flush_seconds=1.2)


def test_a_snapshot_that_is_put_back_answers_with_what_the_server_has(
    moved: list[VictoriaMetricsBackend], victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    manifest, _ = snapshot(tmp_path / "store", tmp_path / "copy")
    moved[-1].commit(batch([sample(7999, host=host)]), LATER)
    shipped(moved[-1])
    moved[-1].close()
    prepare(tmp_path / "copy", tmp_path / "store", manifest)
    moved.append(opened(tmp_path, victoriametrics.database()))

    wanted = [*(number * 200 for number in range(1, 40)), 7999]
    assert numbers(moved[-1].rows("sample", host, 0, LATER)) == wanted, "the last one came after the snapshot"
    assert numbers(moved[-1].newest_rows("sample", host, 0, LATER, 3)) == wanted[-3:]
    moved[-1].refresh()
    moved[-1].close()
    reader = VictoriaMetricsBackend(tmp_path / "store", write=False, url=victoriametrics.database())
    assert len(reader.rows("sample", host, 0, LATER)) == 40
    reader.close()


def test_an_older_copy_by_hand_answers_with_what_came_to_the_server_since(
    moved: list[VictoriaMetricsBackend], victoriametrics: Victoria, host: str, tmp_path: Path
) -> None:
    moved[-1].close()
    shutil.copytree(tmp_path / "store", tmp_path / "older")
    moved.append(opened(tmp_path, victoriametrics.database()))
    moved[-1].commit(batch([sample(7999, host=host)]), LATER)
    shipped(moved[-1])
    moved[-1].close()
    shutil.rmtree(tmp_path / "store")
    (tmp_path / "older").rename(tmp_path / "store")
    moved.append(opened(tmp_path, victoriametrics.database()))
    assert numbers(moved[-1].rows("sample", host, 0, LATER))[-1] == 7999


def test_a_damaged_note_has_the_server_asked_for_no_more_than_it_may_have_alone(
    moved: list[VictoriaMetricsBackend],
    victoriametrics: Victoria,
    host: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved[-1].close()
    (tmp_path / "store" / "shipped.json").write_text("{half")
    monkeypatch.setattr(time, "time_ns", lambda: LATER)
    moved.append(opened(tmp_path, victoriametrics.database()))
    assert len(moved[-1].rows("sample", host, 0, LATER)) == 39
    moved[-1].commit(batch([sample(3 * 3600 + 1, host=host)]), LATER)
    asked = moved[-1]._asked
    monkeypatch.setattr(moved[-1], "_asked", lambda *of: pytest.fail(f"asked for {of}"))
    assert numbers(moved[-1].rows("sample", host, LATER, LATER + HOUR)) == [3 * 3600 + 1]
    monkeypatch.setattr(moved[-1], "_asked", asked)

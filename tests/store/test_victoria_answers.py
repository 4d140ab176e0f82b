"""What VictoriaMetrics, or whoever answers at its address, may say to a question."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bus.messages import MAX_METRICS
from bus.secret import Secret
from store.backends import StoreBroken, victoriametrics
from store.backends.victoria_lines import places
from store.backends.victoriametrics import VictoriaMetricsBackend
from store.columns import columns
from tests.ports import free_port
from tests.store.given import HOUR, NOON, SECOND, batch, layout, sample
from tests.viewer.strange import answer, strange


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[VictoriaMetricsBackend]:
    """A store that has nothing of its own, and nobody to bring it to."""
    url = Secret(f"http://127.0.0.1:{free_port()}")
    made = VictoriaMetricsBackend(tmp_path / "store", write=True, url=url)
    made._told["local_from"] = NOON + HOUR
    yield made
    made.close()


class Session:
    """Answers with the lines of a time, or with a page."""

    def __init__(self, lines: list[dict[str, Any]], page: bytes = b"") -> None:
        self.timeouts: list[float] = []
        self._lines = lines
        self._page = page
        self.asked = 0

    def post(self, url: str, data: dict[str, Any], timeout: float) -> Any:
        self.asked += 1
        self.timeouts.append(timeout)
        start, end = data["start"] * 1000, data["end"] * 1000
        some = [line for line in self._lines if start <= line["timestamps"][0] <= end]
        content = self._page or b"\n".join(json.dumps(line).encode() for line in some)
        return SimpleNamespace(status_code=200, text=content.decode(), content=content)

    def close(self) -> None:
        """As one of requests."""


@pytest.mark.parametrize("page", [b"<html>log in</html>", b"{}", b"[1]", b'{"metric": "a.b"}', b'"a"'])
def test_a_page_in_its_place_is_said_to_be_none_of_its_answers(backend: VictoriaMetricsBackend, page: bytes) -> None:
    backend._session = Session([], page)  # type: ignore[assignment]
    with pytest.raises(StoreBroken, match="VictoriaMetrics answered what is no export"):
        backend.rows("sample", "web-1", NOON, NOON + HOUR)


def test_a_host_with_more_metrics_in_a_time_than_a_sample_may_have_is_asked_for_less_of_it(
    backend: VictoriaMetricsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victoriametrics, "ANSWER_SECONDS", 600.0)
    names = [f"disk[{place}].percent" for place in range(MAX_METRICS + 1000)]
    stamps = {name: NOON // 10**6 + place % 3000 * 1000 for place, name in enumerate(names)}
    told = [{"metric": {"metric": name}, "values": [1.5], "timestamps": [stamps[name]]} for name in names]
    backend._session = session = Session(told)  # type: ignore[assignment]
    rows = backend.rows("sample", "web-1", NOON, NOON + HOUR)
    assert [at for at, _, _ in rows] == [NOON + n * SECOND for n in range(3000)]
    assert session.asked < 10
    assert set(columns(rows, ("*",), backend.layouts).values) == set(names)


@pytest.mark.parametrize("asked", ["rows", "newest_rows"])
def test_all_that_the_server_is_asked_for_one_question_takes_so_long_at_most(
    asked: str, backend: VictoriaMetricsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for longer does not beat, and is ended."""
    lines = [
        {"metric": {"metric": "cpu.percent"}, "values": [1], "timestamps": [(NOON - n * HOUR) // 10**6]}
        for n in range(2000)
    ]
    session = backend._session = Session(lines)  # type: ignore[assignment]
    clock = SimpleNamespace(monotonic=lambda: 8.0 * len(session.timeouts))
    monkeypatch.setattr(victoriametrics, "time", clock)
    limit = {"rows": (), "newest_rows": (1000,)}[asked]
    with pytest.raises(StoreBroken, match="VictoriaMetrics took more than 20 s: ask for less time"):
        getattr(backend, asked)("sample", "web-1", NOON - 2000 * HOUR, NOON, *limit)
    assert session.timeouts == [20.0, 12.0, 4.0]


def test_a_server_that_does_not_answer_is_waited_for_as_long(
    backend: VictoriaMetricsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victoriametrics, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        backend._places = places(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StoreBroken, match=r"VictoriaMetrics took more than 0\.5 s"):
            backend.rows("sample", "web-1", NOON, NOON + HOUR)


def test_nor_is_one_whose_answer_drips_in_waited_for_longer(
    backend: VictoriaMetricsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(victoriametrics, "ANSWER_SECONDS", 0.5)
    with strange(answer(b"\n" * 1000), drips=True) as url:
        backend._places = places(url)
        began = time.monotonic()
        with pytest.raises(StoreBroken, match=r"VictoriaMetrics took more than 0\.5 s"):
            backend.rows("sample", "web-1", NOON, NOON + HOUR)
        assert time.monotonic() - began < 18


def test_nothing_is_passed_over_while_a_folder_cannot_be_listed(
    backend: VictoriaMetricsBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.commit(batch([layout(), sample(1)]), NOON)
    backend._behind, backend._pass = True, None

    def refusing(path: str) -> list[str]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", refusing)
        backend._look_back()
    assert backend._behind
    assert backend.damage()["unshipped_commits"] == 1

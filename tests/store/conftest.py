"""Backends for the contract tests: each over a fresh place, PostgreSQL and VictoriaMetrics over servers of our own.

What is not installed is not tried: its tests are not collected, and the end of the run says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.secret import Secret
from store.backends import BACKENDS, ELSEWHERE, Backend, opened, regrouping
from tests.store.servers import Postgres, Victoria, missing, programs, victoria

Fresh = Callable[[Path], Backend]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is committed is fresh at first, and two commits of a stripe are regrouped."""
    with monkeypatch.context() as patch:
        patch.setattr(regrouping, "MANY", 1)
        patch.setattr(regrouping, "EACH", 1)
        patch.setattr(regrouping, "TOGETHER", 2)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL."""
    found = programs()
    assert found is not None, "PostgreSQL is not installed: apt-get install postgresql"
    server = Postgres(found)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def victoriametrics() -> Iterator[Victoria]:
    """A running VictoriaMetrics."""
    found = victoria()
    assert found is not None, "VictoriaMetrics is not installed: apt-get install victoria-metrics"
    server = Victoria(found)
    yield server
    server.stop()


@pytest.fixture(params=sorted(BACKENDS.keys() - set(missing())))
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """Makes an empty store of each kind that can be tried here."""
    name: str = request.param
    url: Secret | None = request.getfixturevalue(name).database() if name in ELSEWHERE else None
    return lambda path: opened(name, path, write=True, url=url)


@pytest.fixture
def backend(fresh: Fresh, tmp_path: Path) -> Iterator[Backend]:
    """An empty store of each kind."""
    made = fresh(tmp_path / "store")
    yield made
    made.close()


collect_ignore = [f"test_{name}.py" for name in missing()]

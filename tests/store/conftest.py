"""Backends for the contract tests: each over a fresh place, PostgreSQL over a server that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bus.secret import Secret
from store.backends import BACKENDS, ELSEWHERE, Backend, opened
from tests.store.servers import Server, programs

Fresh = Callable[[Path], Backend]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL."""
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL is not installed")
    server = Server(found)
    yield server
    server.stop()


@pytest.fixture(params=sorted(BACKENDS))
def fresh(request: pytest.FixtureRequest) -> Fresh:
    """Makes an empty store of each kind."""
    name: str = request.param
    url: Secret | None = request.getfixturevalue("postgres").database() if name in ELSEWHERE else None
    return lambda path: opened(name, path, write=True, url=url)


@pytest.fixture
def backend(fresh: Fresh, tmp_path: Path) -> Iterator[Backend]:
    """An empty store of each kind."""
    made = fresh(tmp_path / "store")
    yield made
    made.close()

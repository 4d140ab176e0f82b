"""Stores that archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.archive.archiving import Archiving


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Archiving]:
    made = Archiving(tmp_path / "store")
    yield made
    made.close()

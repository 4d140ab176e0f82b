"""A site that answers as a test wants it to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.prober.site import Site
from tests.prober.targets import listening


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def at(site: Site) -> Iterator[str]:
    with listening(site) as port:
        yield f"http://127.0.0.1:{port}"

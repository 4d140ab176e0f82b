"""A backend whose server is not installed is not tried; the end of the run says so."""

from __future__ import annotations

from tests.store.servers import missing

collect_ignore = [f"test_{name}.py" for name in missing()]

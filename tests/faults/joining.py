"""As ``tests.faults.sealing``, where each day is joined by two processes."""

from __future__ import annotations

from store import joining_apart
from tests.faults.sealing import main
from tests.powercut.sealing import checked

__all__ = ["checked", "main"]
joining_apart.LEAST = 0

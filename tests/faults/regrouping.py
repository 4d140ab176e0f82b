"""As ``tests.faults.storing``, where all that is stored is fresh at first, and is regrouped by later commits."""

from __future__ import annotations

from tests.faults.storing import main
from tests.powercut.regrouping import checked

__all__ = ["checked", "main"]

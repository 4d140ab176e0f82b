"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: how long an example takes proves nothing.
settings.register_profile("guardia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("guardia")

LONG = "GUARDIA_LONG"
"""Set to 1, tests that come in two sizes run in the long one."""

for name in [name for name in os.environ if name.startswith(("GUARDIA_", "SUPERVISOR_")) and name != LONG]:
    del os.environ[name]

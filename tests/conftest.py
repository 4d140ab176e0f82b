"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: how long an example takes proves nothing.
settings.register_profile("guardia", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("guardia")

for name in [name for name in os.environ if name.startswith(("GUARDIA_", "SUPERVISOR_"))]:
    del os.environ[name]

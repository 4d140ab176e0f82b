"""What measuring costs, and what cannot be read."""

from __future__ import annotations

import time

from agent.metrics.own import Own
from agent.readings import Costs, Ground


def test_what_fails_is_named_with_its_time_and_has_none_once_it_is_read() -> None:
    costs = Costs({"load": 0.001})
    own = Own(Ground(costs=costs))
    assert not any(name.startswith("failing") for name in own.read())
    costs.failing = {"the plugin mail[1]": time.monotonic() - 7200, "disk": None}
    read = own.read()
    waited = read["failing[the plugin mail_1_].seconds"]
    assert isinstance(waited, float)
    assert 7200 <= waited < 7300
    assert read["failing[disk].seconds"] == 0.0

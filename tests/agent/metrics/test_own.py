"""What measuring costs, and what does not answer."""

from __future__ import annotations

import time

from agent.metrics.own import Own
from agent.readings import Costs, Ground


def test_what_hangs_is_named_with_its_time_and_has_none_once_it_answers() -> None:
    costs = Costs({"load": 0.001})
    own = Own(Ground(costs=costs))
    assert not any(name.startswith("hanging") for name in own.read())
    costs.hanging = {"the plugin mail[1]": time.monotonic() - 7200, "disk": None}
    read = own.read()
    waited = read["hanging[the plugin mail_1_].seconds"]
    assert isinstance(waited, float)
    assert 7200 <= waited < 7300
    assert read["hanging[disk].seconds"] == 0.0

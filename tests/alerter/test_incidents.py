"""An incident is known by the same id for ever, and its end says what was read last."""

from __future__ import annotations

import pytest

from alerter.incidents import incident_id, resolved
from tests.alerter.shapes import NOON, SECOND, burning


def test_an_incident_of_an_earlier_version_bears_the_same_id() -> None:
    # Receivers know it by that, and a back-test finds it so.
    assert incident_id("cpu-busy", "host/web-1", "/var", 1_700_000_000 * SECOND) == "5161c5e64eac31d1"


@pytest.mark.parametrize(("value", "told"), [(42.0, 42.0), (0.0, 0.0), (None, 93.1)])
def test_an_end_tells_the_last_reading_where_there_is_one(value: float | None, told: float) -> None:
    one = resolved(burning(), NOON + 5, "it is well", value)
    assert (one.value, one.state, one.transition) == (told, "resolved", 2)
    assert (one.changed_at, one.ended_at, one.reason) == (NOON + 5, NOON + 5, "it is well")

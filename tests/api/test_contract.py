"""The contract's checks are sharp: each refuses what a typed client would refuse."""

from __future__ import annotations

from typing import Any

import pytest

from api.views.metrics import plan
from tests.api import contract, forms
from tests.api.given import FACTS, READINGS


def good() -> dict[str, Any]:
    """A ``ServerMetrics`` that passes."""
    metrics = plan(tuple(READINGS)).server_metrics(tuple(READINGS.values()), FACTS)
    assert metrics is not None
    return dict(metrics)


def test_a_float_for_an_integer_is_refused() -> None:
    metrics = good()
    metrics["memory"]["used"] = 2400.0
    with pytest.raises(forms.Broken, match="JSON integer"):
        contract.server_metrics(metrics)


def test_a_null_usage_is_refused() -> None:
    metrics = good()
    metrics["cpus"]["average_usage"] = None
    with pytest.raises(forms.Broken, match="average_usage"):
        contract.server_metrics(metrics)


def test_a_missing_key_and_an_unknown_key_are_refused() -> None:
    metrics = good()
    del metrics["components"]
    with pytest.raises(forms.Broken, match="components is missing"):
        contract.server_metrics(metrics)
    with pytest.raises(forms.Broken, match="surprise"):
        contract.server_metrics(good() | {"surprise": 1})


def test_an_unknown_word_and_a_time_without_offset_are_refused() -> None:
    info = {"server_id": "web-1", "display_name": "Web", "monitoring_status": "active", "health_status": "pending"}
    with pytest.raises(forms.Broken, match="pending"):
        contract.server_info(info)
    with pytest.raises(forms.Broken, match="milliseconds"):
        contract.server_info(info | {"health_status": "up", "last_seen": "2026-01-31T12:00:00"})


def test_true_is_no_integer_and_nan_no_number() -> None:
    with pytest.raises(forms.Broken):
        forms.integer(True)
    with pytest.raises(forms.Broken):
        forms.number(float("nan"))


def test_an_array_is_no_event() -> None:
    with pytest.raises(forms.Broken):
        contract.event([])

"""What VictoriaMetrics is told, and samples remade of what it answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.wire import read
from store.backends.victoria_lines import MS, Places, labels, lines, merged, places, remade, selector
from store.columns import Columns
from tests.store.given import NOON

READINGS = st.one_of(st.just(float("nan")), st.floats(-1e15, 1e15))


@pytest.mark.parametrize(
    ("metric", "name", "instance"),
    [
        ("cpu.percent", "cpu_percent", None),
        ("cpu[0].percent", "cpu_percent", "0"),
        ("disk[/var/lib].percent", "disk_percent", "/var/lib"),
        ("temperature[coretemp/Package id 0].celsius", "temperature_celsius", "coretemp/Package id 0"),
        ('odd["quoted"].x', "odd_x", '"quoted"'),
        ("5min", "_5min", None),
    ],
)
def test_a_metric_has_a_name_that_promql_takes_and_keeps_its_own(metric: str, name: str, instance: str | None) -> None:
    found = labels("web-1", metric)
    assert (found["__name__"], found.get("instance"), found["metric"], found["host"]) == (
        name,
        instance,
        metric,
        "web-1",
    )


def test_one_server_or_a_cluster() -> None:
    assert places("http://vm:8428/") == Places("http://vm:8428", "http://vm:8428", ("http://vm:8428",))
    cluster = "http://i:8480/insert/0/prometheus http://s:8481/select/0/prometheus http://a:8482 http://b:8482"
    assert places(cluster) == Places(
        "http://i:8480/insert/0/prometheus", "http://s:8481/select/0/prometheus", ("http://a:8482", "http://b:8482")
    )
    for wrong in ("", "vm:8428", "http://one http://two"):
        with pytest.raises(ValueError, match="vmselect"):
            places(wrong)


def test_the_selector_quotes_what_it_is_given() -> None:
    assert selector('a"b') == '{host="a\\"b",metric!=""}'


@given(st.lists(st.tuples(READINGS, READINGS), min_size=1, max_size=20), st.randoms())
def test_what_is_told_comes_back_by_time_and_name(readings: list[tuple[float, float]], chance: object) -> None:
    times = np.array([NOON + place * 1000 * MS + 17 for place in range(len(readings))], dtype=np.int64)
    values = {f"m[{place}].x": np.array([row[place] for row in readings]) for place in range(2)}
    told = list(lines("web-1", Columns(times, values)))
    chance.shuffle(told)  # type: ignore[attr-defined]

    rows, names = remade("web-1", told)

    found = {
        (row[0], name): value
        for row in rows
        for name, value in zip(names, read(row[2])[0].message().values, strict=True)
        if value is not None
    }
    assert found == {
        (at - 17, name): value
        for name, column in values.items()
        for at, value in zip(times.tolist(), column.tolist(), strict=True)
        if value == value
    }


def test_what_is_here_as_it_came_takes_the_place_of_what_was_remade() -> None:
    line = json.dumps(
        {"metric": labels("web-1", "a.b"), "values": [1.0, 2.0], "timestamps": [NOON // MS, NOON // MS + 1]}
    )
    rows, _ = remade("web-1", [line.encode(), b""])
    here = (NOON + 5, NOON, b"as it came")
    assert merged(rows, [here]) == [here, rows[1]]
    assert remade("web-1", []) == ([], ())

"""Where rules draw their line in a chart, and when it was crossed."""

from __future__ import annotations

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import NOON, HubInMemory, session
from viewer.events import IncidentsTold, RulesTold, RuleTold
from viewer.incidents import Incident
from viewer.limits import Limit, compared, limits, spans
from viewer.model import Model
from viewer.wishes import AskIncidents

BUSY = RuleTold("busy", "cpu.percent > 80", "warning", 60.0)
HOT = RuleTold("hot", "temperature[*].celsius >= 90 or cpu.percent > 95%", "critical", 0.0)
SILENT = RuleTold("silent", "age > 2m and age > 3 * interval", "critical", 0.0)


@pytest.mark.parametrize(
    ("when", "found"),
    [
        ("cpu.percent > 90", (("cpu.percent", 90.0),)),
        ("mean(cpu.percent, 5m) > 90%", (("cpu.percent", 90.0),)),
        ("disk[*].percent > 90 and disk[*].free < 10GB", (("disk[*].percent", 90.0), ("disk[*].free", 1e10))),
        ("net[eth0].rx_bytes_per_s > 2MiB", (("net[eth0].rx_bytes_per_s", 2.0 * 2**20),)),
        (
            "clock.skew_seconds > 30 or clock.skew_seconds < -30",
            (("clock.skew_seconds", 30.0), ("clock.skew_seconds", -30.0)),
        ),
        ("load.5m / cpu.count > 2", ()),
        ("cpu.percent > 2 * cpu.count", ()),
        ("forecast(disk[*].percent, 4h) > 100", ()),
        ("service.state == down", ()),
    ],
)
def test_a_metric_against_a_number_is_a_line_and_nothing_else_is(when: str, found: object) -> None:
    assert compared(when) == found


def test_limits_are_those_of_the_rules_for_this_host() -> None:
    of_db = RuleTold("db", "cpu.percent > 50", "info", 0.0, ("db-*",))
    assert limits([BUSY, HOT, of_db], "web-1", "cpu.percent") == (Limit(80.0, "warning"), Limit(95.0, "critical"))
    assert limits([of_db], "db-1", "cpu.percent") == (Limit(50.0, "info"),)
    assert limits([HOT], "web-1", "temperature[nvme/Composite].celsius") == (Limit(90.0, "critical"),)


def test_spans_are_of_alarms_about_this_metric_or_about_silence() -> None:
    def burned(rule: str, subject: str = "web-1") -> Incident:
        return Incident(rule, rule, subject, "warning", "resolved", NOON - 60, NOON - 120, NOON - 60)

    told = [burned("busy"), burned("hot"), burned("silent"), burned("busy", "db-1"), burned("unknown")]
    rules = [BUSY, HOT, SILENT]
    assert len(spans(told, rules, "web-1", ["cpu.percent"])) == 3
    assert spans(told[:1] + told[2:3], rules, "web-1", ["memory.percent"]) == [(NOON - 120, NOON - 60)]


def with_rules(model: Model) -> None:
    model.take(RulesTold((BUSY,)), NOON)
    one = Incident("1", "busy", "web-1", "warning", "resolved", NOON - 60, NOON - 120, NOON - 60)
    now = Incident("2", "busy", "web-1", "warning", "firing", NOON - 20, NOON - 20, reason="cpu.percent is 97")
    model.take(IncidentsTold(AskIncidents("now", 0, int(NOON)), (now, one)), NOON)


def test_a_chart_shows_the_limit_and_when_it_was_crossed() -> None:
    hub = HubInMemory(fleet(1))
    hub.hosts["web-1"].gaps.append((0, NOON + 1))
    found = session(hub, screen="host")
    with_rules(found.model)
    lines = found.draw(120, 40).text().splitlines()
    chart = next(place for place, line in enumerate(lines) if line.startswith("│100%"))
    row = next(line for line in lines[chart : chart + 12] if "╌" in line)
    assert row.startswith("│ 80% ╌╌╌")
    shaded = lines[chart].removeprefix("│100% ").removesuffix("│")
    assert shaded.rstrip("░").endswith(" "), "it fires still"
    assert 22 <= shaded.rstrip("░").count("░") <= 25, "a minute of five over 113 columns"


def test_charts_go_to_their_own_highest_value_when_asked_to() -> None:
    found = session(HubInMemory(fleet(1)), screen="host")
    assert "│100% " in found.draw(120, 40).text()
    found.press("y")
    assert "│ 90% " in found.draw(120, 40).text() or "│ 80% " in found.draw(120, 40).text()

"""How busy the cores are."""

from __future__ import annotations

from pathlib import Path

from agent.metrics.cpu import Cpu
from agent.rates import Rates
from agent.readings import Ground

AT_NOON = """cpu  1000 100 500 8000 400 50 50 100 30 0
cpu0 500 50 250 4000 200 25 25 50 15 0
cpu1 500 50 250 4000 200 25 25 50 15 0
intr 1113427 0 0
ctxt 1828721
"""
A_SECOND_LATER = """cpu  1040 110 530 8080 410 55 55 120 40 0
cpu0 540 60 280 4000 200 30 30 60 25 0
cpu1 500 50 250 4080 210 25 25 60 15 0
intr 1113500 0 0
ctxt 1828900
"""


def test_shares_of_all_cores_and_of_each(tmp_path: Path) -> None:
    # given
    stat = tmp_path / "stat"
    stat.write_text(AT_NOON)
    cpu, rates = Cpu(Ground(proc=str(tmp_path))), Rates()
    first = rates.values(cpu.read(), 0.0)
    # when
    stat.write_text(A_SECOND_LATER)
    second = rates.values(cpu.read(), 1.0)
    # then: 200 ticks passed, 110 of them in work (guests' are in user's), 90 idle, 10 of those for a disk
    assert first["cpu.percent"] is None
    assert second == {
        "cpu.percent": 100 * 110 / 200,
        "cpu.user_percent": 100 * 50 / 200,
        "cpu.system_percent": 100 * 40 / 200,
        "cpu.iowait_percent": 100 * 10 / 200,
        "cpu.steal_percent": 100 * 20 / 200,
        "cpu.count": 2.0,
        "cpu[0].percent": 100.0,
        "cpu[1].percent": 100 * 10 / 100,
    }


def test_a_core_that_is_switched_off_is_absent(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(AT_NOON.replace("cpu1 500 50 250 4000 200 25 25 50 15 0\n", ""))
    readings = Cpu(Ground(proc=str(tmp_path))).read()
    assert "cpu[1].percent" not in readings
    assert readings["cpu.count"] == 1.0

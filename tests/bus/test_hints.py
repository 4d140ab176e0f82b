"""What ``guardia check`` says beside faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from bus import check, config, rooms
from bus.hints import hints, measured, slip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cpu.percent", ""),
        ("cpu[3].percent", ""),
        ("disk[*].percent", ""),
        ("disk[/srv].used", ""),
        ("cpu.percnt", "did you mean cpu.percent?"),
        ("disk[/].precent", "did you mean disk[*].percent?"),
        ("cpu.something_else", "docs/metrics.md lists its names"),
        ("memroy.percent", "did you mean memory.percent?"),
        ("queue.waiting", ""),
    ],
)
def test_a_slip_is_told_and_a_plugins_name_is_not(name: str, told: str) -> None:
    assert slip(name, measured()) == told


def test_what_guardia_brings_and_documents_has_no_slip() -> None:
    settings = config.load(Path(__file__).parents[2] / "etc" / "minimal.toml", rooms.tables(), rooms.LISTS)
    assert hints(settings) == []


def test_check_tells_it_and_the_configuration_is_right_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "guardia.toml"
    path.write_text(
        '[[rules]]\nname = "busy"\nwhen = "avg(cpu.percnt, 5m) > 80 or age > 1h"\n'
        '[[rules]]\nname = "slow"\nwhen = "response.ms > 900"\nservices = ["*"]\n'
        '[[rules]]\nname = "late"\nwhen = "queue.age > 900"\n'
    )
    assert check.main(["--config", str(path)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{path} is right\n"
    assert told.err == "note: [[rules]] busy: the agent measures no cpu.percnt; did you mean cpu.percent?\n"

"""What a drill is asked for."""

from __future__ import annotations

import pytest

from bus.drill.delivery import main


@pytest.mark.parametrize(
    "wrong", [["--every", "0"], ["--hosts", "0"], ["--hosts", "-1"], ["--rate", "nan"], ["--seconds", "soon"]]
)
def test_a_drill_that_cannot_be_held_is_refused_before_anything_is_started(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)
    assert end.value.code == 100
    assert f"argument {wrong[0]}: {wrong[1]!r} is no number" in capsys.readouterr().err

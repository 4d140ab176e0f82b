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


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--stops", "5"], "argument --stops: '5' is no share from 0 to 1; see"),
        (["--stops", "nan"], "argument --stops: 'nan' is no share from 0 to 1; see"),
        (["--kill", "api,xyzzy"], "argument --kill: there is no 'xyzzy' to kill; there are: collector, "),
        (["--seed", "x"], "argument --seed: found 'x', expected a whole number; see"),
    ],
)
def test_what_it_cannot_do_is_told_with_what_it_can(
    wrong: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(wrong)
    assert told in capsys.readouterr().err

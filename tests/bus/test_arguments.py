"""What a mistake in the arguments of a command is answered with."""

from __future__ import annotations

import pytest

from bus.arguments import Parser


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--jsn"], "guardia thing: --jsn is not understood; did you mean --json?; see guardia thing --help\n"),
        (["--xyzzy=1"], "guardia thing: --xyzzy=1 is not understood; see guardia thing --help\n"),
        (
            ["--sort", "nam"],
            "guardia thing: argument --sort: found 'nam', expected state or name; did you mean name?; "
            "see guardia thing --help\n",
        ),
    ],
)
def test_it_is_one_line_with_the_word_that_was_meant(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog="guardia thing", description="``guardia thing``: a thing.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sort", choices=("state", "name"))
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 100
    assert capsys.readouterr().err == told
    assert "``" not in parser.format_help()

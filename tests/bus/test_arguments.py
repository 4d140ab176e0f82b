"""What a mistake in the arguments of a command is answered with."""

from __future__ import annotations

import pytest

from bus.arguments import Parser
from bus.command import main


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


@pytest.mark.parametrize(
    "words",
    [
        *("store verify", "store snapshot copy", "store restore copy", "store compact", "import metrics.db", "check"),
        *("token new wall", "token list", "agents", "revoke web-1", "keys show", "channel list", "channel test ops"),
        "backtest",
    ],
)
def test_what_works_on_the_hubs_machine_alone_says_why_it_asks_no_other(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for flag in (["--hub", "http://hub:8080"], ["--url=http://hub:8080"], ["-u", "http://hub:8080"]):
        assert main([*words.split(), *flag]) == 100
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert f"{flag[0].partition('=')[0]} is not for this command: " in err
        assert "call it " in err

"""What a mistake in the arguments of a command is answered with."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pytest

from bus.arguments import Parser, back, coming, instant
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


@pytest.mark.parametrize("words", [["--since", "-7d"], ["--since=-7d"], ["--since", "7d"], ["--since", "7d ago"]])
def test_a_length_back_from_now_may_be_written_with_a_minus(words: list[str]) -> None:
    parser = Parser(prog="guardia thing")
    parser.add_argument("--since", type=back)
    parser.add_argument("-s", action="store_true")
    assert vars(parser.parse_args(words)) == {"since": 7 * 86_400.0, "s": False}
    assert parser.parse_args(["-s"]).s


def test_a_time_may_be_a_length_back_from_now() -> None:
    hour_ago = time.time_ns() - 3600 * 10**9
    for text in ("1h", "-1h", "now-1h", "1h ago"):
        assert abs(instant(text) - hour_ago) < 60 * 10**9
    assert instant("2024-05-01T12:00Z") == 1_714_564_800 * 10**9
    with pytest.raises(argparse.ArgumentTypeError, match="is no time such as 2024-05-01T12:00Z, 12:00 or 2h back"):
        instant("soon")


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "9999-12-31T23:59-14:00", "1969-12-31T23:59Z"])
def test_a_time_that_no_number_of_64_bits_can_tell_is_refused(text: str) -> None:
    for read in (instant, coming):
        with pytest.raises(argparse.ArgumentTypeError, match="is outside 1970 to 2262"):
            read(text)


def test_a_clock_alone_is_the_last_one_that_was_or_the_next_one_that_comes() -> None:
    day, now = 86_400 * 10**9, time.time_ns()
    for text in ("00:00", "12:00Z", "23:59:59"):
        before, after = instant(text), coming(text)
        assert now - day - 60 * 10**9 <= before <= time.time_ns()
        assert now <= after <= time.time_ns() + day
        assert (after - before) % day == 0
    for text in ("24:00", "12:60", "1:2:3:4", "soon", "yesterday 11:50"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"is no time such as .* or 2h from now"):
            coming(text)


def test_a_time_to_come_may_be_a_length_from_now() -> None:
    assert abs(coming("3h") - time.time_ns() - 3 * 3600 * 10**9) < 60 * 10**9
    assert coming("2100-01-01T02:00+02:00") == 4_102_444_800 * 10**9


@pytest.mark.parametrize(
    "words",
    [
        *("store verify", "store snapshot copy", "store restore copy", "store compact", "import metrics.db", "check"),
        *("token new wall", "token list", "agents", "revoke web-1", "keys show", "channel list", "channel test ops"),
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


@pytest.mark.parametrize(
    "words",
    [
        *(
            "export",
            "audit gaps",
            "store stats",
            "store verify",
            "sla",
            "rules",
            "backtest --rule host-silent",
            "status",
        ),
        *(
            "alerts",
            "why host/web-1",
            "silence list",
            "ack 1",
            "agents",
            "keys show",
            "token list",
            "channel list",
            "check",
        ),
        *("service test", "heartbeat shop", "drill alert --channel ops", "import metrics.db"),
    ],
)
def test_a_configuration_that_is_not_there_is_what_is_told_and_nothing_is_made(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GUARDIA_CONFIG", "GUARDIA_HOME"):
        monkeypatch.delenv(name, raising=False)
    missing = tmp_path / "etc" / "guardia.toml"
    assert main([*words.split(), "--config", str(missing)]) == 100
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{missing}: found no such file or directory, expected a configuration file; name another with" in err
    if words in ("export", "rules", "token list", "status"):
        monkeypatch.setenv("GUARDIA_CONFIG", str(missing))
        assert main(words.split()) == 100
        assert capsys.readouterr() == (out, err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", ["backtest", "rules test", "view --dump --script"])
def test_a_file_that_is_not_there_is_told_in_a_sentence_that_fits_it(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guardia.toml").write_text("")
    monkeypatch.setenv("GUARDIA_CONFIG", str(tmp_path / "guardia.toml"))
    monkeypatch.setenv("HOME", str(tmp_path))
    missing = tmp_path / "missing"
    assert main([*words.split(), str(missing)]) == 100
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{missing}: " in err
    assert "no such file or directory" in err
    assert not any(word in err for word in ("Errno", "--config", "a configuration"))

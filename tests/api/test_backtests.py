"""A back-test for a client."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from api.backtests import MOST_TEXT, command_of, run, tried, turn_at
from api.bodies import Trial
from api.errors import Problem
from tests.bus.together import together

TRIAL = Trial("cpu-busy", "--help", "", "web-*", 3600.0)


def test_what_a_client_wrote_is_never_an_option() -> None:
    command = command_of(TRIAL)
    assert command[2:4] == ["bus.command", "backtest"]
    assert {"--rule=cpu-busy", "--when=--help"} < set(command)
    assert all(word.startswith("--") for word in command[4:])


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "backtest.lock"


def test_it_judges_by_the_configuration_of_this_hub(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[Sequence[str]] = []

    async def runs(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        commands.append(command)
        return 0, "", ""

    asyncio.run(tried(TRIAL, runs, file=Path("/srv/hub.toml"), lock=lock))
    monkeypatch.setenv("GUARDIA_CONFIG", "/srv/usual.toml")
    asyncio.run(tried(TRIAL, runs, lock=lock))
    assert "--config=/srv/hub.toml" in commands[0]
    assert "--config=/srv/usual.toml" in commands[1], "whatever a viewer.toml names"


@pytest.mark.parametrize(
    ("answer", "status"), [((0, "a\nb\n", ""), 0), ((100, "", "guardia backtest: no"), 400), ((2, "", "away"), 503)]
)
def test_its_end_becomes_an_answer(lock: Path, answer: tuple[int, str, str], status: int) -> None:
    async def runs(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        return answer

    if not status:
        assert asyncio.run(tried(TRIAL, runs, lock=lock)) == ["a", "b"]
        return
    with pytest.raises(Problem) as caught:
        asyncio.run(tried(TRIAL, runs, lock=lock))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("complaint", "parameter", "text"),
    [
        (
            "guardia backtest: --rule: found no rule cpu, expected another",
            "rule",
            "rule: found no rule cpu, expected another",
        ),
        ("guardia backtest: --for: found 'x', expected 5m", "lasts", "lasts: found 'x', expected 5m"),
        (
            "guardia backtest: argument --for: '5x' is no duration; see guardia backtest --help",
            "lasts",
            "lasts: '5x' is no duration",
        ),
        ("guardia backtest: no", "when", "no"),
    ],
)
def test_who_asked_wrongly_is_told_in_the_words_of_the_request(
    lock: Path, complaint: str, parameter: str, text: str
) -> None:
    async def runs(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        return 100, "", complaint

    with pytest.raises(Problem) as caught:
        asyncio.run(tried(TRIAL, runs, lock=lock))
    assert (caught.value.shape.get("parameter"), caught.value.shape["error"]) == (parameter, text)


def test_one_that_takes_too_long_is_ended_and_told(lock: Path) -> None:
    with turn_at(lock) as turn, pytest.raises(TimeoutError):
        asyncio.run(run([sys.executable, "-c", "import time; time.sleep(600)"], 0.3, turn))

    async def never(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        raise TimeoutError

    with pytest.raises(Problem, match="not judged within 80 s"):
        asyncio.run(tried(TRIAL, never, lock=lock))


def test_what_it_prints_is_read_to_its_end_and_kept_as_it_begins(lock: Path) -> None:
    floods = f"import sys; print('x' * {2 * MOST_TEXT}); sys.stderr.write('y' * {2 * MOST_TEXT}); sys.exit(3)"
    with turn_at(lock) as turn:
        found = asyncio.run(run([sys.executable, "-c", floods], 60.0, turn))
    assert found == (3, "x" * MOST_TEXT, "y" * MOST_TEXT)


WORKER = """
import time
from pathlib import Path
from api.errors import Problem
from api.backtests import turn_at
folder = Path(sys.argv[1])
try:
    with turn_at(folder / "backtest.lock"):
        print("had it", flush=True)
        while len(list(folder.glob("*.refused"))) < int(sys.argv[2]) - 1:
            time.sleep(0.01)
except Problem as problem:
    print(problem)
    (folder / f"{sys.argv[3]}.refused").touch()
"""


def test_only_one_is_under_way_whoever_was_asked_for_it(tmp_path: Path) -> None:
    found = together(WORKER, [[str(tmp_path), "4", str(number)] for number in range(4)])
    assert sorted(out.strip() for _, out, _ in found) == ["another back-test is under way"] * 3 + ["had it"], found
    with turn_at(tmp_path / "backtest.lock"):
        pass


def test_one_whose_worker_died_has_the_turn_until_it_ends(lock: Path) -> None:
    with turn_at(lock) as turn:
        child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, pass_fds=(turn,))
    assert child.stdin is not None
    try:
        with pytest.raises(Problem, match="another back-test"), turn_at(lock):
            pass
    finally:
        child.stdin.close()
        child.wait(10)
    with turn_at(lock):
        pass


def test_without_a_place_for_its_lock_nothing_is_tried(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no back-test now: no such file or directory"):
        asyncio.run(tried(TRIAL, lock=tmp_path / "gone" / "backtest.lock"))


def test_too_long_a_past_is_refused(lock: Path) -> None:
    with pytest.raises(Problem, match="31 days"):
        asyncio.run(tried(Trial("cpu-busy", seconds=1e9), lock=lock))


RULES = '[[rules]]\nname = "cpu-busy"\nwhen = "cpu.percent > 50"\n'


def test_the_rules_of_a_client_are_in_a_file_for_as_long_as_they_are_tried(lock: Path) -> None:
    async def runs(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        (file,) = [Path(word) for word in command if word.endswith("backtest.toml")]
        assert (file.read_text(), file.stat().st_mode & 0o777) == (RULES, 0o600)
        assert "--json" in command
        assert not [word for word in command if word.startswith("--rule=")]
        return 100, "", f"guardia backtest: {file}:3: [[rules]] when found nothing, expected a condition"

    with pytest.raises(Problem, match=r"rules:3: \[\[rules\]\] when found nothing, expected a condition") as caught:
        asyncio.run(tried(Trial(rules=RULES, json=True), runs, lock=lock))
    assert caught.value.shape.get("parameter") == "rules"
    assert [path.name for path in lock.parent.iterdir()] == [lock.name]


@pytest.mark.parametrize(
    ("trial", "parameter", "said"),
    [
        (Trial(), "rule", "it or rules"),
        (Trial("cpu-busy", rules=RULES), "rule", "not both"),
        (Trial(rules="[[rules]"), "rules", "no TOML"),
        (Trial("cpu-busy\0x"), "rule", "zero character"),
        (Trial("cpu-busy", when="> 1\0"), "when", "zero character"),
        (Trial(rules=RULES + '[[services]]\ntoken = "file:/etc/shadow"\n'), "rules", "are those of the hub"),
    ],
)
def test_what_cannot_be_tried_starts_no_process(trial: Trial, parameter: str, said: str, lock: Path) -> None:
    async def never(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        raise AssertionError(command)

    with pytest.raises(Problem, match=said) as caught:
        asyncio.run(tried(trial, never, lock=lock))
    assert (caught.value.status, caught.value.shape.get("parameter")) == (400, parameter)


def test_json_that_is_cut_off_is_no_answer(lock: Path) -> None:
    async def runs(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
        return 0, "[" * MOST_TEXT, ""

    with pytest.raises(Problem, match="more than 2 MB of JSON"):
        asyncio.run(tried(Trial("cpu-busy", json=True), runs, lock=lock))
    assert asyncio.run(tried(Trial("cpu-busy"), runs, lock=lock)) == ["[" * MOST_TEXT]

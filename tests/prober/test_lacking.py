"""Services that lack a secret: each stands apart, says why nobody can look, and is checked as soon as it is there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus.config import Secret, setting
from bus.secret import Unavailable
from prober.checking import MOST_LACKING
from prober.checks.common import Check
from prober.outcome import Outcome
from prober.probe import Probe
from prober.service_command import main
from tests.prober.targets import listening, silent
from tests.prober.test_checking import Room, Scripted

WHY = Unavailable("${KEY}, which is not set in the environment", "a value there", "type: export KEY=...")
SAID = f"a secret is lacking: {WHY}"


@dataclass(frozen=True, kw_only=True)
class Locked(Check):
    """A check that is up for whoever has the key."""

    url: str = "tcp://desk.example:1"
    key: Secret = setting(help="What opens it.")  # noqa: RUF009

    def look(self, probe: Probe) -> Outcome:
        """With the key."""
        return Outcome("up" if self.key.reveal() else "down", reached=True)


def locked(key: Secret, name: str = "desk", interval: float = 10.0) -> Locked:
    return Locked(name=name, interval=interval, key=key)


def test_only_the_check_that_lacks_a_secret_is_unknown_and_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    room = Room(tmp_path, Scripted(name="shop", interval=10.0), locked(Secret("", WHY)))
    assert f"nobody can check desk: {WHY}" in caplog.text
    caplog.clear()
    room.run(20.0)
    found = {name: (one.status, one.error) for name, one in room.told}
    assert found == {"shop": ("up", None), "desk": ("unknown", SAID)}
    assert "fault of Guardia" not in caplog.text


def test_a_service_that_was_down_is_not_up_for_want_of_a_secret(tmp_path: Path) -> None:
    room = Room(tmp_path, locked(Secret("")))
    room.run(10.0)
    assert room.told[-1][1].state == "down"
    room.use(locked(Secret("", WHY)))
    room.run(30.0)
    assert {one.status for _, one in room.told[-2:]} == {"unknown"}
    assert room.told[-1][1].attempt == 1


def test_once_the_secret_is_there_it_is_checked_at_once(tmp_path: Path) -> None:
    room = Room(tmp_path, locked(Secret("", WHY), interval=86_400.0))
    room.run(60.0)
    assert room.statuses == ["unknown"]
    assert room.checking.readings()["services[desk].lacking"] == 1.0
    room.use(locked(Secret("s3same-open"), interval=86_400.0))
    room.run(1.0)
    assert room.statuses == ["unknown", "up"]


def test_the_readings_name_who_lacks_a_secret_and_who_did(tmp_path: Path) -> None:
    room = Room(tmp_path, Scripted(name="shop"), locked(Secret("s3same-open")))

    def told() -> dict[str, float | None]:
        return {name: value for name, value in room.checking.readings().items() if "lacking" in name}

    assert told() == {"prober.lacking": 0.0}
    room.use(Scripted(name="shop"), locked(Secret("", WHY)))
    assert told() == {"prober.lacking": 1.0, "services[desk].lacking": 1.0}
    room.use(Scripted(name="shop"), locked(Secret("s3same-open")))
    assert told() == {"prober.lacking": 0.0, "services[desk].lacking": 0.0}, "the alarm has to end"
    room.use(Scripted(name="shop"))
    assert told() == {"prober.lacking": 0.0}


def test_of_very_many_as_many_are_named_as_fit_first_those_that_lack_one_still(tmp_path: Path) -> None:
    names = [f"desk-{number:03d}" for number in range(MOST_LACKING + 20)]
    room = Room(tmp_path, *(locked(Secret("", WHY), name) for name in names))
    room.use(*(locked(Secret("open"), name) for name in names[:50]), *(locked(Secret("", WHY), n) for n in names[50:]))
    found = {name: value for name, value in room.checking.readings().items() if name.startswith("services[")}
    assert len(found) == MOST_LACKING
    assert sum(value or 0.0 for value in found.values()) == 70.0


def test_a_trial_of_one_that_lacks_a_secret_says_so_and_tries_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_TOKEN", raising=False)
    file = tmp_path / "guardia.toml"
    with listening(silent) as port:
        file.write_text(
            '[prober]\nprivate_networks = ["127.0.0.1"]\n'
            f'[[services]]\nname = "shop"\nurl = "tcp://127.0.0.1:{port}"\n'
            f'[[services]]\nname = "desk"\nurl = "http://127.0.0.1:{port}"\ntoken = "${{DESK_TOKEN}}"\n'
        )
        assert main(["--json", "--config", str(file)]) == 1
    shop, desk = json.loads(capsys.readouterr().out)
    assert (shop["service"], shop["status"]) == ("shop", "up")
    assert (desk["service"], desk["status"]) == ("desk", "unknown")
    assert desk["reason"].startswith("a secret is lacking: found ${DESK_TOKEN}, which is not set in the environment")

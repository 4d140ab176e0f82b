"""``guardia service test`` says how services are, in lines and as JSON, and by its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prober.service_command import main
from tests.ports import free_port
from tests.prober.site import Site, answer
from tests.prober.targets import listening, silent


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "guardia.toml"


def written(file: Path, port: int, dead: int) -> list[str]:
    file.write_text(
        '[prober]\nprivate_networks = ["127.0.0.1"]\n'
        f'[[services]]\nname = "shop"\nurl = "tcp://127.0.0.1:{port}"\n'
        f'[[services]]\nname = "dead"\nurl = "tcp://127.0.0.1:{dead}"\nretries = 0\n'
        '[[services]]\nname = "backup"\ncheck = "heartbeat"\n'
    )
    return ["--config", str(file)]


def test_each_service_has_a_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dead = free_port()
    with listening(silent) as port:
        options = written(file, port, dead)
        assert main(options) == 1
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("shop  up in ")
        assert "connect " in first
        assert second.startswith("dead  down in ")
        assert second.endswith(f"connection refused by 127.0.0.1:{dead}")

        assert main(["shop", *options]) == 0
        assert capsys.readouterr().out.count("\n") == 1


def test_everything_stands_in_the_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(silent) as port:
        assert main(["shop", "--json", *written(file, port, 1)]) == 0
    (shop,) = json.loads(capsys.readouterr().out)
    assert (shop["service"], shop["check"], shop["status"], shop["attempts"]) == ("shop", "tcp", "up", 1)
    assert shop["phases"]["total_ms"] > 0


def test_a_secret_is_hidden_whole_and_what_is_too_short_for_one_is_not(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SHORT", "1"), ("FIRST", "open"), ("SECOND", "open-sesame")):
        monkeypatch.setenv(name, value)
    with listening(Site({"": answer("401 not by open-sesame")})) as port:
        options = written(file, port, 1)
        web = f'[[services]]\nname = "web"\nurl = "http://127.0.0.1:{port}"\nretries = 0\ntoken = "${{SECOND}}"\n'
        more = 'secret_headers = { X-A = "${FIRST}", X-B = "${SHORT}" }\n'
        file.write_text(file.read_text() + web + more)
        assert main(["web", *options]) == 1
    assert capsys.readouterr().out.endswith(": answered 401 not by ***, expected 200-299\n")


def test_a_service_that_there_is_not_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shp", *written(file, 1, 2)]) == 2
    assert "did you mean shop?" in capsys.readouterr().err
    assert main(["mail", *written(file, 1, 2)]) == 2
    assert "there is no service 'mail'; there are: shop, dead" in capsys.readouterr().err
    assert main(["backup", *written(file, 1, 2)]) == 2
    assert "backup is a job that reports" in capsys.readouterr().err
    file.write_text("[[services]]\nname = 'shop'\n")
    assert main(["--config", str(file)]) == 100
    assert "add url = ..." in capsys.readouterr().err

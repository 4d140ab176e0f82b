"""Where the configuration and a program's files are found and made."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bus import check, home
from bus.config import ConfigError
from tests.descriptors import no_more_files


def test_the_configuration_is_what_was_given_else_what_the_environment_says(tmp_path: Path) -> None:
    environment = {"GUARDIA_CONFIG": str(tmp_path / "environment.toml")}
    assert home.config_path(str(tmp_path / "given.toml"), environment) == tmp_path / "given.toml"
    assert home.config_path(None, environment) == tmp_path / "environment.toml"


def test_under_supervisord_the_file_beside_its_own_holds_where_nobody_names_one(tmp_path: Path) -> None:
    beside = {"GUARDIA_DEFAULT_CONFIG": str(tmp_path / "beside.toml")}
    assert home.config_path(None, beside) == tmp_path / "beside.toml"
    assert home.config_path(None, {**beside, "GUARDIA_CONFIG": str(tmp_path / "own.toml")}) == tmp_path / "own.toml"


def test_where_supervisord_listens_is_what_it_says_else_beside_the_files(tmp_path: Path) -> None:
    made = home.made(tmp_path / "var")
    assert home.supervisor_socket(made) == made / "supervisor.sock"
    home.supervisor_noted(made, f"unix://{tmp_path}/etc/var/supervisor.sock")
    assert home.supervisor_socket(made) == tmp_path / "etc" / "var" / "supervisor.sock"
    home.supervisor_noted(made, "http://127.0.0.1:9001")
    assert home.supervisor_socket(made) == made / "supervisor.sock"


def test_the_configuration_is_else_that_of_the_folder_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "guardia.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert home.config_path(None, {}) == tmp_path / "etc" / "guardia.toml"


def test_a_relative_path_is_of_the_folder_we_are_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert home.config_path("hub.toml", {}) == tmp_path / "hub.toml"
    assert home.home_path(tmp_path / "hub.toml", {"GUARDIA_HOME": "elsewhere"}) == tmp_path / "elsewhere"


def test_the_home_is_beside_the_configuration_unless_it_is_moved(tmp_path: Path) -> None:
    assert home.home_path(tmp_path / "guardia.toml", {}) == tmp_path / "var"
    assert home.home_path(tmp_path / "guardia.toml", {"GUARDIA_HOME": "/srv/g"}) == Path("/srv/g")


def test_a_home_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = home.made(tmp_path / "var")
    (made / "run").chmod(0o755)
    home.made(made)

    assert {path.name for path in made.iterdir()} == {"run", "log"}
    assert stat.S_IMODE((made / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "log").stat().st_mode) == 0o700


def test_a_home_too_deep_for_its_sockets_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    # A letter of two bytes counts twice: the kernel counts bytes.
    deep = tmp_path / ("é" * 60)
    with pytest.raises(ConfigError, match="set GUARDIA_HOME to a shorter folder"):
        home.made(deep)
    assert not deep.exists()


def test_check_notes_a_home_too_deep_for_its_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "guardia.toml").touch()
    monkeypatch.setenv("GUARDIA_HOME", str(tmp_path / ("d" * 90)))
    assert check.main(["--config", str(tmp_path / "guardia.toml")]) == 0
    noted = capsys.readouterr().err
    assert noted.startswith("note: GUARDIA_HOME: found ")
    assert noted.endswith("set GUARDIA_HOME to a shorter folder\n")


def test_a_home_just_short_enough_is_made() -> None:
    longest = home.MAX_IPC - len(f"/run/{home.LONGEST_SOCKET}")
    path = Path("/proc/" + "x" * (longest - len("/proc/")))
    with pytest.raises(ConfigError, match="a folder to write to"):
        home.made(path)
    with pytest.raises(ConfigError, match="a shorter folder"):
        home.made(path.with_name(path.name + "x"))


def test_a_home_that_cannot_be_made_says_which_folder_and_why(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(ConfigError) as error:
        home.made(tmp_path / "var")
    assert str(tmp_path / "var") in str(error.value)
    assert "set GUARDIA_HOME" in str(error.value)


def test_that_there_is_no_file_to_open_now_is_no_mistake_in_the_configuration(tmp_path: Path) -> None:
    """Who ends for a mistake is not started again."""
    with no_more_files(), pytest.raises(OSError, match="open files"):
        home.made(tmp_path / "var")
    assert home.made(tmp_path / "var").is_dir()

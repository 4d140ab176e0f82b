"""What the viewer is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bus.faults import ConfigError
from bus.hubs import Hub, hub, read
from viewer.config import Viewer, load


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as told:
        read(Viewer, text, Path("viewer.toml"), {})
    return [str(fault) for fault in told.value.faults]


def asked(settings: Viewer | None = None, folder: Path = Path(), **more: str) -> Hub:
    environment = {key: value for key, value in more.items() if key.isupper()}
    flags = {key: more.get(key) for key in ("url", "token", "file")}
    return hub(settings or Viewer(), folder / "viewer.toml", environment, **flags)


def test_without_a_file_everything_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(None, {}) == Viewer()
    assert Viewer().window.name == "5m"


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "viewer.toml", {})


def test_an_older_file_is_understood() -> None:
    text = """
        api_url = "http://hub:8080"
        api_token = "secret"
        refresh_interval = 10
        max_metrics = 100
        time_window_seconds = 3000
        debug = false
    """
    found = read(Viewer, text, Path("viewer.toml"), {})
    assert (found.api_url, found.refresh_interval, found.window.name) == ("http://hub:8080", 10.0, "1h")


def test_all_faults_are_told_at_once_with_the_nearest_right_word() -> None:
    found = faults('api_ulr = "http://hub"\nrefresh_interval = "often"\nsymbols = "emoji"\n')
    assert len(found) == 3
    text = "\n".join(found)
    assert "api_url" in text
    assert "viewer.toml:2" in text
    assert "braille" in text


def test_a_file_that_is_no_toml_says_where() -> None:
    (told,) = faults("screen = 'pulse'\napi_url = http://hub\n")
    assert told == "viewer.toml:2: found 'api_url = ...', expected TOML; invalid value"


def test_a_mistake_is_told_with_the_file_or_the_flag_that_it_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "viewer.toml"
    for settings, told in (
        (Viewer(api_url="hub"), f"{path}: api_url: found 'hub'"),
        (Viewer(token_file="none"), f"{path}: token_file: found {tmp_path}/none: no such file or directory"),
        (Viewer(ca_file="none"), f"{path}: ca_file: found {tmp_path}/none: no such file or directory"),
        (Viewer(api_token="${NONE}"), f"{path}: api_token: found ${{NONE}}, which is not set in the environment"),
    ):
        with pytest.raises(ConfigError, match=re.escape(told)):
            asked(settings, tmp_path)
    with pytest.raises(ConfigError, match=r"^--hub: found 'hub', expected http://HOST:PORT"):
        asked(url="hub")
    with pytest.raises(ConfigError, match=r"^GUARDIA_TOKEN: found something else, expected one line"):
        asked(GUARDIA_TOKEN="two\nlines")


@pytest.mark.parametrize(
    "url", ["hub:8080", "ftp://hub", "http://", "http://hub:99999", "http://a b", "http://\x1b[2J"]
)
def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(ConfigError):
        asked(url=url)


def test_the_token_of_a_flag_wins_then_the_environments_then_the_files(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    settings = Viewer(api_token="from-settings")
    tokens = [
        asked(settings, token="from-flag", GUARDIA_TOKEN="from-environment"),
        asked(settings, file=str(tmp_path / "token"), GUARDIA_TOKEN="from-environment"),
        asked(settings, GUARDIA_TOKEN="from-environment"),
        asked(Viewer(api_token="from-settings", token_file="token"), tmp_path),
        asked(settings),
    ]
    told = [found.token.reveal() if found.token else None for found in tokens]
    assert told == ["from-flag", "from-file", "from-environment", "from-file", "from-settings"]


def test_a_token_is_never_printed() -> None:
    assert "from-flag" not in repr(asked(token="from-flag"))


def test_a_file_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        asked(file=str(tmp_path / "none"))
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="one line with the token"):
        asked(file=str(tmp_path / "empty"))


@pytest.mark.parametrize(("mode", "told"), [(0o644, "0644"), (0o602, "0602"), (0o640, ""), (0o600, "")])
def test_a_token_in_a_file_that_everybody_may_read_is_taken_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, told: str
) -> None:
    file, settings = tmp_path / "wall.token", tmp_path / "viewer.toml"
    file.write_text("gd_reader\n")
    settings.write_text('api_token = "gd_reader"\n')
    for one in (file, settings):
        one.chmod(mode)
    for found in (
        asked(file=str(file)),
        asked(Viewer(token_file="wall.token"), tmp_path),
        asked(load(settings, {}), tmp_path),
    ):
        assert found.token is not None
        assert found.token.reveal() == "gd_reader"
    said = capsys.readouterr()
    assert said.out == ""
    assert "gd_reader" not in said.err
    reason = f"holds a token, and everybody on this machine may read it (mode {told})"
    lines = [f"guardia: {one} {reason}; type: chmod o= {one}\n" for one in (file, file, settings)]
    assert said.err == ("".join(lines) if told else "")


def test_the_hubs_configuration_is_not_taken_for_the_viewers(tmp_path: Path) -> None:
    path = tmp_path / "guardia.toml"
    path.write_text("[bus]\n[api]\nport = 8090\n")
    with pytest.raises(ConfigError, match=r"found settings of the hub.*guardia --config FILE COMMAND"):
        load(path, {})


def test_a_mark_that_an_editor_put_before_the_settings_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "viewer.toml"
    file.write_text('api_url = "https://hub.example"\n', encoding="utf-8-sig")
    assert load(file, {}).api_url == "https://hub.example"

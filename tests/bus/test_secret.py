"""Secrets in the configuration: where they come from, and that nothing tells them."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import pytest

from bus import config
from bus.config import ConfigError, Secret, setting
from bus.records import lacking
from bus.secret import Unavailable


@dataclass(frozen=True)
class Channel:
    """A table with a secret."""

    key: Secret = setting(help="What opens it.")  # noqa: RUF009


def secret(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> config.Settings:
    path = tmp_path / "channel.toml"
    path.write_text(f"[channel]\nkey = '{text}'\n")
    return config.load(path, {"channel": Channel}, environment=environment or {})


def test_a_secret_comes_from_the_environment_or_a_private_file_and_never_prints(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3same\n")
    (tmp_path / "key").chmod(0o600)
    for found in (secret(tmp_path, "${KEY}", {"KEY": "s3same"}), secret(tmp_path, "file:key")):
        key = found["channel"].key
        assert key.reveal() == "s3same"
        assert found.secrets() == ("s3same",)
        assert "s3same" not in f"{found['channel']!r} {key} {key!r} {key:>20} {[key]}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3same", ["the secret itself", "${NAME} or file:PATH"]),
        ("${MISSING}", ["not set in the environment", "export MISSING="]),
        ("file:nowhere", ["no such file", "mode 0600"]),
        ("file:open", ["others may read", "chmod 600"]),
        ("file:empty", ["which is empty"]),
    ],
)
def test_a_secret_that_cannot_be_had_says_why_without_telling_it(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "open").write_text("s3same")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "empty").touch(0o600)
    with pytest.raises(ConfigError) as error:
        secret(tmp_path, text)
    told = str(error.value)

    assert "[channel] key" in told
    assert not [word for word in words if word not in told], told
    assert text == "s3same" or "s3same" not in told


def test_where_no_secret_is_needed_one_that_cannot_be_had_is_lacking_and_says_so_when_it_is_asked_for(
    tmp_path: Path,
) -> None:
    path = tmp_path / "channel.toml"
    path.write_text("[channel]\nkey = '${KEY}'\n")
    found = config.load(path, {"channel": Channel}, needs=("another",), environment={})
    key = found["channel"].key
    assert key, "whoever uses it if there is one is not to go on without"
    assert key != config.load(path, {"channel": Channel}, environment={"KEY": "s3same"})["channel"].key
    assert found.secrets() == ()
    assert lacking(found["channel"]) == (
        "found ${KEY}, which is not set in the environment, expected a value there; type: export KEY=..."
    )
    with pytest.raises(Unavailable, match="not set in the environment"):
        key.reveal()
    with pytest.raises(ConfigError):
        config.load(path, {"channel": Channel}, needs=("channel",), environment={})


def test_a_secret_in_the_configuration_itself_is_a_mistake_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "channel.toml"
    path.write_text("[channel]\nkey = 's3same'\n")
    with pytest.raises(ConfigError, match="the secret itself"):
        config.load(path, {"channel": Channel}, needs=())


@pytest.mark.parametrize(
    "text", ["key = s3same", "key = 12345678", "key = ['s3same']", "key = 1234-5678", "key = s3same'"]
)
def test_a_secret_that_lost_its_quotes_is_not_told_with_the_fault(tmp_path: Path, text: str) -> None:
    path = tmp_path / "channel.toml"
    path.write_text(f"[channel]\n{text}\n")
    with pytest.raises(ConfigError) as error:
        config.load(path, {"channel": Channel})
    told = str(error.value)

    assert "key" in told
    assert ":2:" in told
    assert not [part for part in ("s3same", "1234", "5678") if part in told]


def test_a_secret_is_not_written_away() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("s3same"))
    with pytest.raises(TypeError):
        json.dumps(Secret("s3same"))

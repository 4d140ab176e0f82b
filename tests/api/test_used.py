"""When each token was last let in."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from api import command
from api.auth import Token, digest_of
from api.used import EACH_NS, Used, folder_of, last_used
from tests.api.given import NOON, SECOND
from tests.api.house import KEYRING, READ, House
from tests.api.served import serving
from tests.api.shortly import both, house, request

MADE = Token("viewer", digest_of("gd_reader"), "read", "gd_reader", created_at=NOON)


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    return tmp_path / "tokens.json"


def test_a_token_that_was_never_let_in_says_so_and_one_that_was_says_when(tokens: Path) -> None:
    assert last_used(tokens, MADE) is None
    Used(tokens).mark("viewer", NOON + SECOND)
    assert last_used(tokens, MADE) == NOON + SECOND
    assert folder_of(tokens).stat().st_mode & 0o777 == 0o700


def test_it_is_written_once_a_minute_and_when_the_clock_was_set_back(tokens: Path) -> None:
    used = Used(tokens)
    for at in (NOON, NOON + SECOND, NOON + EACH_NS - 1):
        used.mark("viewer", at)
        assert last_used(tokens, MADE) == NOON
    used.mark("viewer", NOON + EACH_NS)
    assert last_used(tokens, MADE) == NOON + EACH_NS
    used.mark("viewer", NOON)
    assert last_used(tokens, MADE) == NOON


def test_several_workers_write_of_the_same_token(tokens: Path) -> None:
    one, other = Used(tokens), Used(tokens)
    one.mark("viewer", NOON)
    other.mark("viewer", NOON + SECOND)
    assert last_used(tokens, MADE) == NOON + SECOND


def test_an_earlier_token_of_the_name_does_not_count(tokens: Path) -> None:
    Used(tokens).mark("viewer", NOON - SECOND)
    assert last_used(tokens, MADE) is None


@pytest.mark.parametrize("name", ["..", "../../viewer", ".", "a/b"])
def test_no_name_leads_out_of_the_folder(tokens: Path, name: str) -> None:
    Used(tokens).mark(name, NOON)
    [file] = folder_of(tokens).iterdir()
    assert file.name.endswith(".used")
    assert [path.name for path in tokens.parent.iterdir()] == ["used"]


def test_where_nothing_can_be_written_nobody_is_kept_out(tokens: Path) -> None:
    folder_of(tokens).write_text("in the way")
    Used(tokens).mark("viewer", NOON)
    assert last_used(tokens, MADE) is None


def test_a_link_or_a_pipe_in_its_place_is_left_alone(tokens: Path, tmp_path: Path) -> None:
    folder_of(tokens).mkdir()
    (folder_of(tokens) / "viewer.used").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder_of(tokens) / "boss.used")
    used = Used(tokens)
    used.mark("viewer", NOON)
    used.mark("boss", NOON)
    assert not (tmp_path / "elsewhere").exists()


def test_both_ways_of_a_question_are_kept_and_a_refusal_is_not(tokens: Path) -> None:
    found = House(keyring=KEYRING).prime()
    found.hub.used = Used(tokens)
    found.ask("GET", "/api/v1/servers", {"Authorization": "Bearer gd_wrong"})
    assert not folder_of(tokens).exists()
    found.ask("GET", "/api/v1/servers", READ)
    assert last_used(tokens, KEYRING.tokens[0] if KEYRING.tokens else MADE) == NOON


def test_a_series_by_the_short_way_is_kept(tokens: Path) -> None:
    found = house(keyring=KEYRING)
    marked: list[str] = []
    found.hub.mark = marked.append  # type: ignore[assignment, method-assign]
    with serving(found) as served:
        _, _, taken = both(served, request(lines=b"Host: localhost\r\nAuthorization: Bearer gd_reader\r\n"))
    assert taken
    assert marked == ["viewer", "viewer"]


def test_the_list_of_tokens_has_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "guardia.toml").write_text("")
    config = ("--config", str(tmp_path / "guardia.toml"))
    assert command.main(["new", "viewer", *config]) == 0
    [path] = tmp_path.rglob("tokens.json")
    capsys.readouterr()
    assert command.main(["list", *config]) == 0
    assert capsys.readouterr().out.split()[-1] == "never"
    at = path.stat().st_mtime_ns + SECOND
    Used(path).mark("viewer", at)
    assert command.main(["list", *config, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tokens"][0]["last_used_at"] == pytest.approx(at / 1e9)
    assert command.main(["list", *config]) == 0
    assert capsys.readouterr().out.split()[-1].endswith("Z")

"""A folder changed by one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bus.folder import alone, hand_over_all, make_private
from bus.home import made
from bus.keys import write_private
from bus.process import Lock

USER, GROUP = 1234, 1235

HOLDER = """
import sys
from pathlib import Path
from bus.folder import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_made_with_those_above_it_and_for_its_owner_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "keys" / "agents")
    make_private(tmp_path / "keys" / "agents")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "agents").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes things for others")
def test_what_root_makes_for_a_hub_of_another_user_is_that_users(tmp_path: Path) -> None:
    home = tmp_path / "var"
    home.mkdir()
    os.chown(home, USER, GROUP)

    made(home)
    make_private(home / "keys" / "agents")
    write_private(home / "api" / "tokens.json", "{}")
    write_private(home / "api" / "tokens.json", '{"tokens": []}')
    write_private(home / "keys" / "hub.key", "secret", replace=False)

    there = list(home.rglob("*"))
    assert {path.relative_to(home).as_posix() for path in there if path.is_file()} == {
        "api/tokens.json",
        "keys/hub.key",
    }
    assert {(path.stat().st_uid, path.stat().st_gid) for path in there} == {(USER, GROUP)}
    write_private(tmp_path / "mine", "x")
    assert (tmp_path / "mine").stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes things for others")
def test_what_a_link_leads_to_is_given_to_nobody(tmp_path: Path) -> None:
    store, own = tmp_path / "store", tmp_path / "own"
    for folder in (store / "rows" / "sample", own):
        folder.mkdir(parents=True)
        (folder / "data").touch()
    (store / "rows" / "check").symlink_to(own)
    (store / "rows" / "link").symlink_to(own / "data")
    owner = tmp_path / "owner"
    owner.touch()
    os.chown(owner, USER, GROUP)

    hand_over_all(store, owner.stat())
    hand_over_all(tmp_path / "gone", owner.stat())

    assert {path.stat().st_uid for path in (store, store / "rows", *(store / "rows" / "sample").rglob("*"))} == {USER}
    assert {path.stat().st_uid for path in (own, own / "data")} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes things for others")
def test_to_what_a_link_of_another_users_hub_leads_root_does_nothing(tmp_path: Path) -> None:
    home, own = tmp_path / "var", tmp_path / "own"
    for folder in (home, own):
        folder.mkdir()
    own.chmod(0o755)
    (own / "file").write_text("root's")
    (home / "run").symlink_to(own)
    (home / "lock").symlink_to(own / "file")
    os.chown(home, USER, GROUP)

    made(home)
    with pytest.raises(OSError, match="lock"):
        Lock(home / "lock").take()

    assert stat.S_IMODE(own.stat().st_mode) == 0o755
    assert (own / "file").read_text() == "root's"


def test_who_comes_second_waits_is_told_what_for_and_gets_it_when_the_first_one_died(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(TimeoutError, match=f"another command has been changing {folder} for 0.1 s"),
            alone(folder, 0.1),
        ):
            raise AssertionError("two have it")
        holder.kill()
        with alone(folder, 60.0):
            pass
        assert not list(folder.iterdir()), "no file is left"
    finally:
        holder.kill()
        holder.wait(10)
        holder.stdin.close()
        holder.stdout.close()

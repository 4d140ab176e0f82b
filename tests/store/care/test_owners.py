"""What root types to care for the store of another user leaves nothing behind that this user cannot write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from store.care import command
from store.care.restoring import checked, prepare
from store.care.snapshots import snapshot
from tests.store.care.caring import filled
from tests.store.care.test_compacting import scattered

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes things for others")
USER, GROUP = 1234, 1235


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a hub of another user, with a store of many small commits."""
    (tmp_path / "guardia.toml").touch()
    scattered(tmp_path / "var" / "store").close()
    given(tmp_path / "var")
    return tmp_path / "var"


def given(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, USER, GROUP)


def not_theirs(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if path.stat().st_uid != USER]


def typed(act: Callable[[Sequence[str]], int], home: Path, *words: str) -> int:
    return act([*words, "--config", str(home.parent / "guardia.toml")])


def test_a_store_that_is_compacted(home: Path) -> None:
    inode = next((home / "store" / "rows" / "sample").rglob("data.mdb")).stat().st_ino
    assert typed(command.compact, home) == 0
    assert next((home / "store" / "rows" / "sample").rglob("data.mdb")).stat().st_ino != inode
    assert not_theirs(home) == []


@pytest.mark.parametrize("gone", [False, True])
def test_a_snapshot_that_is_restored(gone: bool, home: Path, tmp_path: Path) -> None:
    snapshot(home / "store", tmp_path / "copy")
    if gone:
        shutil.rmtree(home / "store")
    assert typed(command.restore, home, str(tmp_path / "copy")) == 0
    assert (home / "store" / "state" / "data.mdb").exists()
    assert not_theirs(home) == []


def test_what_waits_for_the_writer_is_its_own(home: Path, tmp_path: Path) -> None:
    snapshot(home / "store", tmp_path / "copy")
    ready = prepare(tmp_path / "copy", home / "store", checked(tmp_path / "copy")[0])
    assert not_theirs(ready) == []


def test_a_store_of_root_stays_roots(tmp_path: Path) -> None:
    (tmp_path / "guardia.toml").touch()
    (tmp_path / "var").mkdir()
    os.chown(tmp_path / "var", USER, GROUP)  # the clone of somebody who starts it as root
    filled(tmp_path / "var" / "store", commits=1).close()
    assert typed(command.verify, tmp_path / "var") == 0
    assert {path.stat().st_uid for path in (tmp_path / "var" / "store").rglob("*")} == {0}

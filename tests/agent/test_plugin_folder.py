"""Which files may be run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.plugin_folder import MOST, distrust, looked

ME = os.geteuid()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "agent.d"
    made.mkdir(mode=0o755)
    return made


def plugin(folder: Path, name: str, mode: int = 0o755) -> Path:
    path = folder / name
    path.write_text("#!/bin/sh\necho queued 1\n")
    path.chmod(mode)
    return path


def test_executables_are_found_and_nothing_else(folder: Path) -> None:
    mail = plugin(folder, "mail")
    plugin(folder, "README", 0o644)
    plugin(folder, ".hidden")
    plugin(folder, "mail~")
    (folder / "sub").mkdir()
    (folder / "gone").symlink_to(folder / "nowhere")
    assert looked(folder, ME) == ({"mail": mail}, [])


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert looked(tmp_path / "agent.d", ME) == ({}, [])


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_a_file_that_others_can_write_is_refused_with_its_remedy(folder: Path, mode: int) -> None:
    path = plugin(folder, "mail", mode)
    files, refusals = looked(folder, ME)
    assert files == {}
    assert refusals == [f"the plugin {path} is not run: it can be written by others than its owner; chmod go-w it"]


def test_a_folder_that_others_can_write_is_refused_as_a_whole(folder: Path) -> None:
    plugin(folder, "mail")
    folder.chmod(0o777)
    files, refusals = looked(folder, ME)
    assert files == {}
    assert "no plugin is run" in refusals[0]


def test_what_belongs_to_somebody_else_is_refused(folder: Path) -> None:
    about = os.stat(plugin(folder, "mail"))
    assert distrust(about, about.st_uid) == ""
    owned = os.stat_result((0o100755, 0, 0, 1, 4711, 0, 0, 0, 0, 0))
    assert "belongs to user 4711" in distrust(owned, 1000)
    assert distrust(owned, 4711) == ""


def test_a_link_is_judged_by_what_it_leads_to(folder: Path, tmp_path: Path) -> None:
    target = plugin(tmp_path, "target")
    (folder / "mail").symlink_to(target)
    assert looked(folder, ME).files.keys() == {"mail"}
    target.chmod(0o777)
    assert looked(folder, ME).files == {}


def test_too_many_are_a_mistake(folder: Path) -> None:
    for n in range(MOST + 1):
        plugin(folder, f"p{n:03}")
    files, refusals = looked(folder, ME)
    assert len(files) == MOST
    assert len(refusals) == 1

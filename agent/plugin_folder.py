"""Which files of the plugins' folder may be run."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

MOST = 100
"""Plugins; a folder with more is a mistake."""


class Folder(NamedTuple):
    """The files to run by name, and why others are not."""

    files: dict[str, Path]
    refusals: list[str]


def looked(folder: Path, user: int) -> Folder:
    """The executables in ``folder``, which the agent's ``user`` runs; a folder that is not there is empty.

    A file is refused when anybody but the user or root could have written it, and so is a whole folder: whoever
    can write there could run what they like as the user. Hidden files and those that cannot be executed are passed
    over.
    """
    try:
        about = os.stat(folder)
    except FileNotFoundError:
        return Folder({}, [])
    if reason := distrust(about, user):
        return Folder({}, [f"no plugin is run: the folder {folder} {reason}"])
    files: dict[str, Path] = {}
    refusals: list[str] = []
    for name in sorted(os.listdir(folder)):
        if name.startswith(".") or name.endswith("~"):
            continue
        path = folder / name
        try:
            about = os.stat(path)
        except OSError:  # a link to nowhere
            continue
        if not stat.S_ISREG(about.st_mode) or not os.access(path, os.X_OK):
            continue
        if reason := distrust(about, user):
            refusals.append(f"the plugin {path} is not run: it {reason}")
        elif len(files) >= MOST:
            refusals.append(f"the plugin {path} is not run: {MOST} are enough")
        else:
            files[name] = path
    return Folder(files, refusals)


def distrust(about: os.stat_result, user: int) -> str:
    """Why a file or folder is not to be trusted, in words that follow its name; empty when it is."""
    if about.st_uid not in (0, user):
        return f"belongs to user {about.st_uid}, who is neither the agent's nor root"
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written by others than its owner; chmod go-w it"
    return ""

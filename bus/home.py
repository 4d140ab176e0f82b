"""Where the configuration and a program's files are."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from bus.faults import ConfigError, Fault
from bus.folder import hand_over, shut

MAX_IPC = 107
"""Bytes that a socket's path may have (``sockaddr_un``)."""
LONGEST_SOCKET = "side-receipts.ipc"
DEFAULT_CONFIG = Path("etc/guardia.toml")
SUPERVISOR = Path("run/supervisord")
TOKENS = Path("api/tokens.json")
"""The digests of the tokens of the API, below the home."""
PROJECT = Path(__file__).resolve().parent.parent
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What a disk says that may be written another time: it is full, or the kernel made it read-only since it failed."""
SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What the system says that has no file or no memory more now."""


def config_path(given: str | None, environment: Mapping[str, str]) -> Path:
    """``--config``, else ``GUARDIA_CONFIG``, else ``etc/guardia.toml`` here or beside the program.

    Under supervisord it is, where neither is said, the file beside supervisord's own (``GUARDIA_DEFAULT_CONFIG``).
    """
    if named := given or environment.get("GUARDIA_CONFIG") or environment.get("GUARDIA_DEFAULT_CONFIG"):
        return Path(named).absolute()
    for folder in (Path.cwd(), PROJECT):
        if (folder / DEFAULT_CONFIG).exists():
            return folder / DEFAULT_CONFIG
    return Path("/etc/guardia/guardia.toml")


def named(given: str | None, environment: Mapping[str, str]) -> Path:
    """``config_path``; raises ``ConfigError`` where ``--config`` or ``GUARDIA_CONFIG`` names a file that is none.

    For who reads nothing of it, and would speak of a hub beside it that nobody has.
    """
    path = config_path(given, environment)
    if (given or environment.get("GUARDIA_CONFIG")) and not path.is_file():
        raise ConfigError([missing(path, "a folder" if path.is_dir() else "no such file or directory")])
    return path


def missing(path: Path, found: str) -> Fault:
    """That there is no configuration at ``path``."""
    return Fault(str(path), "", None, found, "a configuration file", "name another with --config or GUARDIA_CONFIG")


def home_path(config: Path, environment: Mapping[str, str]) -> Path:
    """``GUARDIA_HOME``, else ``var`` beside the configuration."""
    named = environment.get("GUARDIA_HOME")
    return Path(named).absolute() if named else config.parent / "var"


def of(config: str | None, environment: Mapping[str, str]) -> Path:
    """``home_path`` of the configuration that a command's ``--config`` names."""
    return home_path(config_path(config, environment), environment)


def supervisor_noted(home: Path, url: str) -> None:
    """Write down where the supervisord of this home listens, ``unix://PATH``: a home may be far from it."""
    (home / SUPERVISOR).write_text(url + "\n", encoding="utf-8")


def supervisor_socket(home: Path) -> Path:
    """Where the supervisord of this home listens, or did; beside the home's files where nothing is noted."""
    try:
        noted = (home / SUPERVISOR).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        noted = ""
    return Path(noted.removeprefix("unix://")) if noted.startswith("unix://") else home / "supervisor.sock"


def too_deep(home: Path) -> list[Fault]:
    """What is wrong with a home so deep that its sockets have no room for their paths; else nothing."""
    longest = str(home / "run" / LONGEST_SOCKET)
    if len(longest.encode()) <= MAX_IPC:
        return []
    found = f"{longest}, a socket's path of {len(longest.encode())} bytes"
    return [Fault("GUARDIA_HOME", "", None, found, f"at most {MAX_IPC} bytes", "set GUARDIA_HOME to a shorter folder")]


def made(home: Path) -> Path:
    """The home with its folders, private to its owner; raises ``ConfigError``, or ``OSError`` where it may go later."""
    if faults := too_deep(home):
        raise ConfigError(faults)
    try:
        for folder in (home, home / "run", home / "log"):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                hand_over(folder)
        shut(home / "run", home.stat().st_uid)
    except OSError as error:
        if error.errno in (*PASSING, *SCARCE):
            raise
        found = f"{error.filename}: {(error.strerror or str(error)).lower()}"
        remedy = as_owner(home) or "set GUARDIA_HOME"
        raise ConfigError([Fault(str(home), "", None, found, "a folder to write to", remedy)]) from None
    return home


def as_owner(path: Path) -> str:
    """What to type where ``path`` is another user's, as that of a hub which runs as a user of its own; else nothing."""
    import pwd  # nobody needs it who may do what he wants to

    for one in (path, *path.parents):
        try:
            user = one.stat().st_uid
        except OSError:
            continue  # it may not be seen, but what is above it may
        if user == os.geteuid():
            return ""
        try:
            name = pwd.getpwuid(user).pw_name
        except KeyError:
            name = f"'#{user}'"
        return f"it is another user's: put sudo -u {name} before the command"
    return ""

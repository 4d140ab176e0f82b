"""The agent as it runs on every host, without what only its start needs.

``guardia agent`` reads arguments and the configuration, and names every fault; then the process becomes this one, with
the settings handed over in memory. What the start had loaded, four megabytes of it, is gone: the agent's memory is paid
for on every host.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import bus
from agent.__main__ import build
from agent.config import Agent, Scrape
from bus import process
from bus.program import started
from bus.records import Settings
from bus.secret import Secret, Unavailable
from bus.tables import Bus

_TABLES: dict[str, type[Any]] = {"agent": Agent, "bus": Bus}
_LISTS: dict[str, type[Any]] = {"scrapes": Scrape}
_PATH = "PYTHONPATH"


def become(settings: Settings, home: Path, log_level: str | None) -> int:
    """Go on as the lean agent; does not return."""
    file = handed(settings, home, log_level)
    root = str(Path(bus.__file__).parents[1])
    path = [root, *(folder for folder in sys.path if folder and folder != root)]
    # The path is handed over, so that nothing of the installation has to be looked at again (-S), and no folder that
    # happens to be the current one is in it (-P).
    environment = os.environ | {_PATH: os.pathsep.join(path)}
    sys.stdout.flush()
    command = [sys.executable, "-S", "-P", "-m", "agent.running", str(file)]
    os.execve(sys.executable, command, environment)  # noqa: S606, our own module


def handed(settings: Settings, home: Path, log_level: str | None) -> int:
    """An open file, in memory, of what ``taken`` takes; a process that this one becomes inherits it."""
    told = {
        "path": str(settings.path),
        "home": str(home),
        "log_level": log_level,
        "python_path": os.environ.get(_PATH),
        "tables": {name: _told(settings[name]) for name in _TABLES},
        "lists": {name: [_told(one) for one in settings[name]] for name in _LISTS},
    }
    # In memory, because a secret may be among them: neither the command line nor the environment is private.
    file = os.memfd_create("settings", 0)
    os.write(file, json.dumps(told).encode())
    return file


def taken(file: int) -> tuple[Settings, Path, str | None]:
    """The settings, the home and the log level that ``become`` left; plugins get the environment as it was before."""
    with os.fdopen(file, "rb") as memory:
        memory.seek(0)
        told = json.load(memory)
    os.environ.pop(_PATH, None)
    if told["python_path"] is not None:
        os.environ[_PATH] = told["python_path"]
    records = {name: _TABLES[name](**_heard(values)) for name, values in told["tables"].items()}
    for name, tables in told["lists"].items():
        records[name] = tuple(_LISTS[name](**_heard(values)) for values in tables)
    return Settings(Path(told["path"]), records), Path(told["home"]), told["log_level"]


def _told(record: Any) -> dict[str, Any]:
    found = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: _secret(one) if isinstance(one, Secret) else one for name, one in found.items()}


def _secret(one: Secret) -> dict[str, Any]:
    why = one.lacking
    return {"secret": one.reveal()} if why is None else {"lacking": (why.found, why.expected, why.remedy)}


def _heard(values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, one in values.items():
        if type(one) is dict:
            why = one.get("lacking")
            found[name] = Secret(one["secret"]) if why is None else Secret("", Unavailable(*why))
        else:
            found[name] = tuple(one) if type(one) is list else one
    return found


def main(argv: list[str]) -> int:
    """Run the agent to its end; returns its exit code."""
    os.umask(0o077)
    process.one_heap()
    settings, home, log_level = taken(int(argv[0]))
    return started("agent", "agent", settings, home, build, level=log_level)

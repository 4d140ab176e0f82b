"""The house's own rules: who may import whom, how large a file may be, what is never left behind."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = ("bus", "agent", "collector", "store", "alerter", "prober", "api", "viewer")
FILES = sorted(path for room in ROOMS for path in (PROJECT / room).rglob("*.py"))
LONGEST = 400
BUILT_ON = {"zmq", "msgpack", "psutil", "lmdb", "falcon", "gunicorn", "websockets", "requests", "blessed"}
"""Libraries that were chosen at the beginning; supervisor is used as a program."""
LEFT_BEHIND = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
MAY_PRINT = {"bus/check.py", "bus/command.py", "bus/program.py", "bus/reference.py", "bus/watchdog.py"}
"""Commands that answer on the terminal; programs that run write to the log. Those of other rooms are named below."""
MAY_PRINT |= {
    "bus/spool/__main__.py",
    "api/command.py",
    "viewer/program.py",
    "viewer/status.py",
    "viewer/printing.py",
    "viewer/alerts_command.py",
    "viewer/why_command.py",
    "viewer/acts_command.py",
    "bus/completion.py",
    "agent/once.py",
    "agent/joining.py",
    "bus/starting.py",
    "collector/command.py",
    "agent/reference.py",
    "store/audit.py",
    "store/stats.py",
    "store/sla.py",
    "store/exporting/command.py",
    "store/importing/command.py",
    "bus/migration/command.py",
    "store/care/command.py",
    "alerter/command.py",
    "prober/command.py",
    "prober/joining.py",
    "prober/service_command.py",
    "alerter/backtest.py",
    "alerter/timelines.py",
    "alerter/channel_command.py",
    "alerter/drill.py",
    "bus/drill/delivery.py",
}


def name(path: Path) -> str:
    """The path as people say it."""
    return path.relative_to(PROJECT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_room_imports_the_bus_and_itself(path: Path) -> None:
    room = path.relative_to(PROJECT).parts[0]
    neighbours = set(imported(path)) & set(ROOMS) - {room, "bus"}
    assert not neighbours, f"{name(path)} imports {', '.join(sorted(neighbours))}"


def test_what_guardia_is_built_on_is_used() -> None:
    assert {package for path in FILES for package in imported(path)} >= BUILT_ON


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= LONGEST
    assert not LEFT_BEHIND.search(text)


def test_so_can_a_file_of_tests_and_one_of_benchmarks() -> None:
    files = [path for folder in ("tests", "benchmarks") for path in (PROJECT / folder).rglob("*.py")]
    assert [name(path) for path in files if path.read_text(encoding="utf-8").count("\n") > LONGEST] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_and_all_that_is_public_in_it_say_what_they_are(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{name(path)} does not say its one job"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name(path)}:{node.lineno} {node.name} has no docstring"


@pytest.mark.parametrize("path", [path for path in FILES if name(path) not in MAY_PRINT], ids=name)
def test_only_commands_print(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]


def test_every_room_is_typed() -> None:
    assert not [room for room in ROOMS if not (PROJECT / room / "py.typed").exists()]


def test_a_rooms_manual_page_says_what_it_does_reads_and_writes() -> None:
    for room in ("agent", "collector", "store", "alerter", "prober", "api"):
        text = (PROJECT / room / "__init__.py").read_text(encoding="utf-8")
        missing = [word for word in ("Does", "Reads", "Writes", "Settings", "Exit codes") if f"**{word}.**" not in text]
        assert not missing, f"{room}/__init__.py has nothing on {', '.join(missing)}"

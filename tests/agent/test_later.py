"""Modules that wait until they are used."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from agent.later import SELDOM, Later, put_off

USED_AT_ONCE = {"inspect"} if sys.version_info >= (3, 12) else set()
"""Newer ``dataclasses`` ask it for annotations, and newer builds of pyzmq for flags, both while they are loaded."""

RUNS = """
import sys
from agent import later
later.put_off()
import agent.lean, bus.delivering, bus.spool, agent.plugins
from agent.metrics import METRICS, found
for name in METRICS:
    found(name)
print(*(name for name in later.SELDOM if type(sys.modules.get(name)) is not later.Later))
import dataclasses
@dataclasses.dataclass
class Plain:
    a: int
print(Plain(3), Plain.__doc__)
import subprocess, ipaddress
print(subprocess.run([sys.executable, "-c", "print(7)"], capture_output=True, text=True).stdout.strip())
print(ipaddress.ip_address("::1"))
"""


def test_an_agent_that_runs_has_loaded_none_of_them_and_each_is_there_when_it_is_used() -> None:
    ran = subprocess.run([sys.executable, "-S", "-c", RUNS], capture_output=True, text=True, env={"PYTHONPATH": PATH})

    assert ran.stderr == ""
    loaded, *used = ran.stdout.splitlines()
    assert set(loaded.split()) <= USED_AT_ONCE
    assert used == ["Plain(a=3) Plain(a: int)", "7", "::1"]


PATH = ":".join(folder for folder in sys.path if folder)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the library that nobody has loaded."""
    monkeypatch.delitem(sys.modules, "stringprep", raising=False)
    return "stringprep"


def test_what_is_asked_for_first_is_what_is_loaded(module: str) -> None:
    put_off((module,))
    import stringprep

    assert isinstance(sys.modules[module], Later)
    assert stringprep.in_table_a1("\u0221")
    assert not isinstance(sys.modules[module], Later)
    assert stringprep.in_table_b1("\u00ad"), "a name that was taken before goes on to the same module"


def test_a_module_that_is_loaded_stays() -> None:
    put_off(("threading",))
    assert sys.modules["threading"] is threading


def test_what_it_has_not_is_missing_as_usual(module: str) -> None:
    put_off((module,))
    import stringprep

    assert not hasattr(stringprep, "no_such_name")


def test_two_threads_that_ask_at_once_get_the_same_module(module: str) -> None:
    put_off((module,))
    import stringprep

    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(stringprep.in_table_a1)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_none_of_them_is_unknown() -> None:
    assert set(SELDOM) <= set(sys.stdlib_module_names)

"""Ends a child of this process in the middle of what it does."""

from __future__ import annotations

from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from psutil import NoSuchProcess, Process


def kill_child(module: str, work: Future[Any]) -> None:
    """Kill the child that ``python -m module`` started, if there is one before ``work`` is done."""
    while not work.done():
        for child in Process().children():
            with suppress(NoSuchProcess):
                if module in child.cmdline():
                    child.kill()
                    return

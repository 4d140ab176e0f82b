"""Goes through states: ``python -m tests.powercut.trial MODULE SCRATCH`` takes pickled states and says what is wrong.

A state may kill who opens it; the trial goes on after it in another process.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tests.powercut.disk import State
from tests.powercut.tracing import ROOT

AT_ONCE = 200


def tried(module: str, folder: Path, states: Iterable[State]) -> tuple[int, list[str]]:
    """(how many states, what is wrong with which of them) of files that were written below ``folder``."""
    count, wrong = 0, []
    shm = Path("/dev/shm")
    scratch = Path(tempfile.mkdtemp(prefix="guardia-", dir=shm if shm.is_dir() else None))
    try:
        waiting: list[State] = []
        source = iter(states)
        while waiting or (waiting := list(itertools.islice(source, AT_ONCE))):
            batch = waiting
            command = [sys.executable, "-m", "tests.powercut.trial", module, str(folder), str(scratch)]
            child = subprocess.run(command, cwd=ROOT, input=pickle.dumps(batch), capture_output=True, check=False)
            verdicts = child.stdout.decode().splitlines()
            waiting = batch[len(verdicts) :]
            if waiting:
                verdicts.append(f"left with {child.returncode}: {child.stderr[-200:].decode(errors='replace')}")
                waiting = waiting[1:]
            count += len(verdicts)
            wrong += [f"{state.place}: {verdict}" for state, verdict in zip(batch, verdicts, strict=False) if verdict]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return count, wrong


def _laid(state: State, folder: Path, scratch: Path) -> Path:
    shutil.rmtree(scratch, ignore_errors=True)
    for path in state.folders:
        (scratch / Path(path).relative_to(folder)).mkdir(parents=True, exist_ok=True)
    for path, content in state.files.items():
        place = scratch / Path(path).relative_to(folder)
        # The lock is made anew by the first who opens; what a dead one was at is looked into by a process of its own.
        if place.name == "lock.mdb" or place.suffix in (".lock", ".opening") or place.parent.name == "at":
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    scratch.mkdir(exist_ok=True)
    (scratch / "store").mkdir(exist_ok=True)
    return scratch


def main(module: str, folder: Path, scratch: Path, source: BinaryIO) -> None:
    """Check each state, a line for each."""
    logging.disable()
    checked = importlib.import_module(module).checked
    for state in pickle.load(source):
        said = b"".join(state.said).decode().splitlines()
        try:
            verdict = checked(_laid(state, folder, scratch / "state"), said)
        except Exception as error:
            verdict = f"{type(error).__name__}: {error}"
        print(verdict.replace("\n", " "), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.stdin.buffer)

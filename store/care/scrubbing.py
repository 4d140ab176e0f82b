"""Has the state read again by a process apart, which it may kill; nobody waits for that process.

It reads all of the state in one go, at the pace that its priority leaves: one moment is all that can be compared.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bus.mapped import was_killed
from store.backends.doubt import ROOT
from store.care.apart import DENIED

COMMAND = (sys.executable, "-m", "store.care.apart")
MOST_TURNS = 60
"""A process that has not answered when it was looked after so often, as one that waits for a disk, is given up."""


class State:
    """The state of the store in a folder; a ``store.scrubbing.Reader`` that is at its end when the process is."""

    def __init__(self, store: Path, note: Callable[[str], None], command: Sequence[str] = COMMAND) -> None:
        """``note`` is told of damage, in a sentence."""
        self._path = store / "state"
        self._note = note
        self._command = (*command, str(store.resolve()))
        self._child: subprocess.Popen[str] | None = None
        self._turns = 0
        self._rests = False

    def on(self, most: int) -> tuple[int, bool]:
        """Begin, or look whether it is done; what is read counts for nothing."""
        if self._child is None:
            self._rests = not self._rests
            # A turn later: at the hub's start, as at the machine's, everybody else begins first.
            return 0, False if self._rests else not self._begin()
        self._turns += 1
        if self._child.poll() is None:
            if self._turns >= MOST_TURNS:
                self.close()
            return 0, self._child is None
        child, self._child = self._child, None
        assert child.stdout is not None
        with child.stdout as said:
            line = said.readline()
        self._tell(json.loads(line) if line.endswith("\n") else None, child.returncode)
        return 0, True

    def close(self) -> None:
        """Give it up."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            assert child.stdout is not None
            child.stdout.close()
            with suppress(subprocess.TimeoutExpired):  # one that waits for a disk goes when that answers
                child.wait(1.0)

    def _begin(self) -> bool:
        """Whether somebody reads it now."""
        request = json.dumps({"do": "alone", "path": str(self._path.resolve()), "to": None}) + "\n"
        try:
            self._child = subprocess.Popen(  # noqa: S603 - our own
                self._command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            assert self._child.stdin is not None
            with self._child.stdin as asked:
                asked.write(request)
        except OSError:
            self.close()
        self._turns = 0
        return self._child is not None

    def _tell(self, found: dict[str, Any] | None, code: int) -> None:
        file = self._path / "data.mdb"
        if found is None:
            if code < 0 and not was_killed(code):  # what it read did this
                self._note(f"{file}: kills who reads it ({signal.Signals(-code).name})")
        elif "error" in found:
            if found["error"] != DENIED:
                self._note(f"{file}: {str(found['error']).replace(f'{self._path.resolve()}: ', '')}")
        elif "later" not in found and "gone" not in found:
            for what in found["faults"]:
                self._note(f"{file}: {what}")
            if found["more"]:
                self._note(f"{file}: and {found['more']} more")

"""Goes through faults: ``python -m tests.faults.trial MODULE SCRATCH MOST`` says of each whether it was borne.

Each call of a life that writes fails, once or from then on, with every error that a call like this may end with; where
that is more than ``MOST``, with some. A life goes on, or ends with a sentence; after it whoever comes next must find
all that was acknowledged.
"""

from __future__ import annotations

import importlib
import itertools
import json
import logging
import os
import random
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from bus.exits import unwritable
from bus.program import WORLD, TryAgain
from tests.faults import life
from tests.faults.injecting import ERRORS, SHORT, Call, may_end_with, ran

SECONDS = 300.0
ENDS = ("done", "ended: ")
FULL = ("ENOSPC", "EDQUOT")


@dataclass(frozen=True, slots=True)
class Fault:
    """The call of this number ends with an error; ``lasting``: and so do all that follow, until the disk is well.

    A disk that is full takes what is written over what it has already.
    """

    number: int
    error: str
    lasting: bool
    short: bool = False

    def decide(self) -> Callable[[Call], int]:
        """Decides about the calls of one life."""
        count = itertools.count()

        def decided(call: Call) -> int:
            if life.is_calm() or not life.is_watched():
                return 0
            number = next(count)
            if number < self.number or (number > self.number and not self.lasting):
                return 0
            if self.short and number == self.number:
                return SHORT
            if number > self.number and call.over and self.error in FULL:
                return 0
            return may_end_with(call, ERRORS[self.error])

        return decided


def faults(calls: list[Call], most: int, chance: random.Random) -> list[Fault]:
    """What may fail of these calls: each with each error, once and for long; of more than ``most`` some."""
    found: list[Fault] = []
    for number, call in enumerate(calls):
        for error, code in ERRORS.items():
            if may_end_with(call, code):
                found += [Fault(number, error, lasting) for lasting in (False, True)]
        if call.name in ("write", "pwrite64") and call.size > 1:
            found.append(Fault(number, "ENOSPC", lasting=True, short=True))
    return found if len(found) <= most else sorted(chance.sample(found, most), key=lambda one: one.number)


class Trial:
    """The lives of a module, in a folder of their own."""

    def __init__(self, module: ModuleType, scratch: Path) -> None:
        self._module = module
        self._base, self._folder, self._said = scratch / "base", scratch / "lived", scratch / "said"
        self._base.mkdir(parents=True)
        if hasattr(module, "prepared"):
            self._alone(lambda: module.prepared(self._base))

    def recorded(self) -> list[Call]:
        """The calls of a life in which nothing fails."""
        calls: list[Call] = []

        def note(call: Call) -> int:
            if life.is_watched():
                calls.append(call)
            return 0

        wrong = self.lived(note)
        if wrong:
            raise AssertionError(f"without any fault: {wrong}")
        return calls

    def lived(self, decide: Callable[[Call], int]) -> str:
        """Live once, and look what is left; what is wrong, or nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._base, self._folder)
        self._said.write_text("")
        life.begin()
        code = ran(self._live, self._folder, decide, SECONDS)
        said = self._said.read_text().splitlines()
        if code:
            return f"it left with {code}"
        if bad := [line for line in said if line.startswith("fault")]:
            return bad[0]
        if not said or not said[-1].startswith(ENDS):
            return f"it said at last {said[-1:]}"
        end = said.pop()
        wrong = self._alone(lambda: print(self._module.checked(self._folder, said).replace("\n", " ")))
        return wrong and f"{wrong}; it {end!r}"

    def _live(self) -> None:
        self._hear()
        try:
            self._module.main(self._folder)
            life.say("done")
        except TryAgain as error:
            life.say(f"ended: {error}")
        except OSError as error:
            life.say(f"ended: {unwritable(error)}" if error.errno in WORLD else _told(error))
        except BaseException as error:
            life.say(_told(error))

    def _hear(self) -> None:
        out = os.open(self._said, os.O_WRONLY | os.O_APPEND)
        os.dup2(out, 1)
        logging.getLogger().addHandler(logging.NullHandler())  # what is logged is for those who listen

    def _alone(self, act: Callable[[], None]) -> str:
        """Do it in a process of its own; what it said, or how it ended."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.dup2(write, 1)
                logging.disable()
                act()
                sys.stdout.flush()
                os._exit(0)
            except BaseException as error:
                os.write(write, _told(error).encode())
                os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as told:
            found = told.read().decode()
        _, status = os.waitpid(child, 0)
        return found.strip() if status == 0 else f"who looked left with {os.waitstatus_to_exitcode(status)}"


def _told(error: BaseException) -> str:
    where = " < ".join(
        f"{Path(at.filename).name}:{at.lineno}" for at in traceback.extract_tb(error.__traceback__)[:-9:-1]
    )
    return f"fault: {type(error).__name__}: {error} at {where}".replace("\n", " ")


def main(name: str, scratch: Path, most: int, seed: int) -> None:
    """Go through them, a line of JSON for each: what failed, and what is wrong."""
    trial = Trial(importlib.import_module(name), scratch)
    calls = trial.recorded()
    some = faults(calls, most, random.Random(seed))
    print(json.dumps({"calls": len(calls), "faults": len(some)}), flush=True)
    for fault in some:
        call = calls[fault.number]
        wrong = trial.lived(fault.decide())
        what = f"{call.name} {Path(call.path).relative_to(trial._folder)} ({fault.number})"
        how = f"{fault.error}{' and on' if fault.lasting else ''}{' after a half' if fault.short else ''}"
        print(json.dumps({"at": f"{what}: {how}", "wrong": wrong}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 7)

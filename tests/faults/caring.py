"""The commands that care for a store: snapshot, compact, verify, restore, each tried again when the disk is well."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from store.care import command
from tests.faults.life import calm, say, unwatched
from tests.powercut.caring import SMALL, checked
from tests.powercut.sealing import START, Life, records
from tests.store.given import HOUR, NOON, batch

__all__ = ["checked", "main", "prepared"]
CLAIMS = ("DAMAGED", "MISSING", "Traceback")
"""What no command may say of this store, which is sound."""
PREPARED = ("takes it over at its next start", "waits for the writer already")
"""What a restore says that is whole beside the store: whoever opens that next has it."""


def prepared(folder: Path) -> None:
    """A store with sealed hours, rows that came late, and an hour of many small commits."""
    life = Life(folder)
    for number in (1, 2, 3, SMALL):
        for some in [[one] for one in records(number)] if number == SMALL else [records(number)]:
            life.backend.commit(batch(some), NOON)
        if number == 2:
            life.sealed(START + 3 * HOUR)
    life.close()
    (folder / "guardia.toml").write_text("[store]\npath = 'store'\n")


def main(folder: Path) -> None:
    """Care, with a message in between."""
    os.environ["GUARDIA_HOME"] = str(folder)
    for number in (1, 2, 3, SMALL):
        say(f"acknowledged {number}")
    done(folder, command.snapshot, [str(folder / "copy")])
    say("taken")
    done(folder, command.compact, [])
    say("compacted")
    with unwatched():
        life = Life(folder)
        life.told(5)
        life.close()
    say("acknowledged 5")
    done(folder, command.verify, [])
    say("restoring")
    done(folder, command.restore, [str(folder / "copy")])
    say("prepared")
    say("restored")


def done(folder: Path, act: Callable[[Sequence[str]], int], words: list[str]) -> None:
    """Have a command done, at the second try or when the disk is well."""
    for turn in range(4):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = act([*words, "--config", str(folder / "guardia.toml")])
        text = " ".join(out.getvalue().split())
        if claims := [word for word in CLAIMS if word in text]:
            raise AssertionError(f"{act.__name__} said {claims[0]}: {text}")
        if code == command.SOUND or any(word in text for word in PREPARED):
            return
        if code != command.UNKNOWN or "guardia store: " not in text:
            raise AssertionError(f"{act.__name__} left with {code} and said {text!r}")
        if turn == 1:
            calm()
    raise AssertionError(f"{act.__name__} cannot be done on a disk that is well: {text}")

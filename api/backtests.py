"""A back-test for a client: ``guardia backtest`` in a process of its own, one at a time on a hub, and not for ever.

Judging a week again takes seconds of a whole core: neither the alerter nor this worker may stand still meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sys
import tomllib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from api.bodies import Trial
from api.errors import Problem
from bus import home

PATIENCE = 80.0
"""Seconds after which it is ended."""
LONGEST = 31 * 86_400.0
"""Seconds of the past that may be judged, at most."""
MOST_TEXT = 2_000_000
"""Bytes of what it prints that are passed on; the rest is dropped."""
WRONG = 100
_PARAMETERS = {"--rule": "rule", "--when": "when", "--for": "lasts", "--host": "subject", "--since": "seconds"}
"""By the option that the command complains of: where the client wrote it."""

Run = Callable[[Sequence[str], float, int], Awaitable[tuple[int, str, str]]]
"""Runs a command for so many seconds at most, and leaves it a descriptor open that it does not look at; its exit code,
what it printed, what it complained of."""


async def run(command: Sequence[str], patience: float, turn: int) -> tuple[int, str, str]:
    """``Run`` with a real process; raises ``TimeoutError``, after which the process is no more."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=(turn,),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(patience):
            out, complaint = await asyncio.gather(_begun(process.stdout), _begun(process.stderr))
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return code, out.decode(errors="replace"), complaint.decode(errors="replace")


async def _begun(stream: asyncio.StreamReader) -> bytes:
    """How what comes there begins; all of it is read."""
    found = bytearray()
    while piece := await stream.read(65_536):
        found += piece[: MOST_TEXT - len(found)]
    return bytes(found)


@contextlib.contextmanager
def turn_at(lock: Path) -> Iterator[int]:
    """The turn of all workers, as a descriptor; raises ``Problem`` where somebody else has it.

    Whoever inherits the descriptor has the turn as well: a back-test whose worker died goes on having it.
    """
    try:
        held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Problem(503, "overloaded", f"no back-test now: {(error.strerror or str(error)).lower()}") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise Problem(503, "overloaded", "another back-test is under way", headers={"Retry-After": "10"}) from None
    try:
        yield held
    finally:
        os.close(held)


def command_of(trial: Trial, file: Path | None = None, rules: Path | None = None) -> list[str]:
    """The command line; what a client wrote stands behind a ``=``, so that it is no option.

    ``file`` is the configuration of this hub, None: the usual one; ``rules`` where the client's rules are.
    """
    found = [sys.executable, "-m", "bus.command", "backtest", f"--host={trial.subject or '*'}"]
    found.append(f"--since={trial.seconds:.0f}s")
    # Named in any case: it is this hub's past, whichever another one somebody's viewer.toml names.
    found.append(f"--config={file or home.config_path(None, os.environ)}")
    found.append(str(rules.absolute()) if rules is not None else f"--rule={trial.rule}")
    if trial.json:
        found.append("--json")
    if trial.when:
        found.append(f"--when={trial.when}")
    if trial.lasts:
        found.append(f"--for={trial.lasts}")
    return found


def _check(trial: Trial) -> None:
    for name in ("rule", "when", "lasts", "subject"):
        if "\0" in getattr(trial, name):  # what stands behind it would not reach the command
            raise Problem(400, "bad_body", f"{name}: found a zero character, which is in no name", parameter=name)
    if bool(trial.rule) == bool(trial.rules):
        raise Problem(400, "bad_body", "rule: expected it or rules, and not both", parameter="rule")
    try:
        tables = tomllib.loads(trial.rules)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "bad_body", f"rules: no TOML: {error}"[:500], parameter="rules") from None
    if "services" in tables:
        # What stands there may name files and variables of this machine.
        raise Problem(400, "bad_body", "rules: [[services]] are those of the hub; leave them out", parameter="rules")


@contextlib.contextmanager
def _written(rules: str, path: Path) -> Iterator[Path | None]:
    """Where the rules are while they are tried, by whoever has the turn; None where there are none."""
    if not rules:
        yield None
        return
    try:
        path.touch(mode=0o600)
        path.write_text(rules, encoding="utf-8")
        yield path
    except OSError as error:
        raise Problem(503, "overloaded", f"no back-test now: {(error.strerror or str(error)).lower()}") from None
    finally:
        path.unlink(missing_ok=True)


async def tried(trial: Trial, runs: Run = run, *, lock: Path, file: Path | None = None) -> list[str]:
    """What it printed, in lines; ``file`` as in ``command_of``, ``lock`` is of all workers. Raises ``Problem``."""
    if not 60 <= trial.seconds <= LONGEST:
        raise Problem(400, "bad_body", "seconds: expected from a minute to 31 days", parameter="seconds")
    _check(trial)
    with turn_at(lock) as turn, _written(trial.rules, lock.with_suffix(".toml")) as rules:
        try:
            code, out, complaint = await runs(command_of(trial, file, rules), PATIENCE, turn)
        except TimeoutError:
            raise Problem(503, "overloaded", f"not judged within {PATIENCE:.0f} s: try less of the past") from None
    if code == 0 and trial.json and len(out.encode()) >= MOST_TEXT:
        raise Problem(503, "overloaded", f"more than {MOST_TEXT // 1_000_000} MB of JSON: try less of the past")
    if code == 0:
        return out.splitlines()
    if rules is not None:
        complaint = complaint.replace(str(rules.absolute()), "rules")
    said = " ".join(line.removeprefix("guardia backtest: ") for line in complaint.splitlines()[-3:]) or "it failed"
    if code == WRONG:
        said = said.removeprefix("argument ").removesuffix("; see guardia backtest --help")
        option, _, why = said.partition(": ")
        found = _PARAMETERS.get(option)
        place = found or ("rules" if trial.rules else "when")
        raise Problem(400, "bad_body", f"{found}: {why}"[:500] if found else said[:500], parameter=place)
    raise Problem(503, "store_unavailable", said[:500])

"""``guardia agent --join`` and ``--request``: how this host gets its key, before the agent starts."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.config import Agent
from bus import home, joining, rooms
from bus.arguments import CONFIG, Parser
from bus.exits import STOPPED, WRONG
from bus.faults import ConfigError, in_words
from bus.home import PROJECT
from bus.keys import KeysFault, fingerprint
from bus.process import Lock

HELP = (
    "guardia agent --join LINE keeps the keys in the line that guardia enroll printed on the hub, and starts; "
    "--join - reads the line from standard input, so that no process list shows it. "
    "guardia agent --request prints the public half of a key made here, for guardia enroll NAME --key."
)


def main(argv: Sequence[str]) -> tuple[int | None, list[str]]:
    """Keep or make keys; the exit code, or None when the agent is to start with the arguments left."""
    parser = Parser(prog="guardia agent", epilog=HELP)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--join", metavar="LINE")
    what.add_argument("--request", action="store_true")
    parser.add_argument("--config", metavar="FILE", help=CONFIG)
    given, rest = parser.parse_known_args(list(argv))
    left = [*(["--config", given.config] if given.config else []), *rest]
    path = home.config_path(given.config, os.environ)
    os.umask(0o077)
    try:
        folder = home.made(home.home_path(path, os.environ))
        if given.request:
            _request(folder)
            return STOPPED, left
        return _join(given.join, folder, path, left), left
    except (ConfigError, KeysFault, OSError) as error:
        print(f"agent: {in_words(error)}", file=sys.stderr)
        return WRONG, left


def _request(folder: Path) -> None:
    pair = joining.request(folder)
    print(pair.public)
    print(
        f"Its fingerprint is {fingerprint(pair.public)}. On the hub type: guardia enroll NAME --key='{pair.public}'",
        file=sys.stderr,
    )


def _join(line: str, folder: Path, path: Path, left: list[str]) -> int | None:
    shown = line != "-"
    join = joining.from_line(line if shown else sys.stdin.readline())
    joining.in_time(join, time.time_ns())
    table: Agent = rooms.load(path, needs=rooms.needs("agent"))["agent"]
    if table.name not in ("", join.name):
        raise KeysFault(f'the line is for {join.name}, but {path} says [agent] name = "{table.name}": make them agree')
    joining.keep(folder, join)
    print(
        f"agent: this host is {join.name} to the hub at {join.door}, whose key has the fingerprint "
        f"{fingerprint(join.hub)}",
        file=sys.stderr,
    )
    if shown and join.secret is not None:
        print(
            "agent: the line was in the list of processes, and in your shell's history: use --join -", file=sys.stderr
        )
    running = Lock(folder / "run" / "agent.lock")
    if (other := running.take()) is not None:
        print(f"agent: the agent that runs already (process {other}) uses the new keys from now on", file=sys.stderr)
        return STOPPED
    running.release()
    if shown:
        _again(left)
    return None


def _again(arguments: Sequence[str]) -> None:
    """Go on as another program image, whose command line does not show the key."""
    paths = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "bus.command", "agent", *arguments], environment)  # noqa: S606

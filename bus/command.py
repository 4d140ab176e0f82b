"""The command ``guardia``: which word starts what. Rooms are named by text: none imports another."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bus import home
from bus.exits import NO_THREAD, TRY_AGAIN, WRONG, lacks_thread
from bus.faults import did_you_mean, in_words, listed, nearest
from bus.program import version

MISUSED = 2
"""How ``argparse`` ends a command that was asked wrongly."""


@dataclass(frozen=True)
class Command:
    """One word of the command line: ``module:function`` that takes the arguments left, and what it is for."""

    place: str
    help: str


COMMANDS = {
    "collector": Command(
        "collector.__main__:main", "takes what agents push, and publishes it to the programs of the hub"
    ),
    "store writer": Command("store.__main__:writer", "keeps what is published, on disk"),
    "store reader": Command("store.__main__:reader", "answers questions about the past"),
    "store sealer": Command(
        "store.sealing_program:main", "makes blocks and rollups of what is over, drops what is old"
    ),
    "store stats": Command("store.stats:main", "what the store holds, for how long, and how large it will become"),
    "store verify": Command("store.care.command:verify", "reads all of the store and names what is damaged or missing"),
    "store snapshot": Command("store.care.command:snapshot", "copies the store of this moment, while it is written to"),
    "store restore": Command("store.care.command:restore", "puts a snapshot in the store's place, or only checks it"),
    "store compact": Command("store.care.command:compact", "writes the files of past hours and days anew, smaller"),
    "api": Command("api.__main__:main", "REST and WebSocket"),
    "agent": Command("agent.__main__:main", "measures this host"),
    "alerter": Command("alerter.__main__:main", "judges what is heard by rules, and tells the right people"),
    "prober": Command("prober.__main__:main", "checks services"),
    "service test": Command("prober.service_command:main", "checks services once, now and from here"),
    "heartbeat": Command("prober.command:main", "reports that a job ran, for services checked by heartbeat"),
    "watchdog": Command("bus.watchdog:main", "supervisord's event listener: restarts what hangs"),
    "view": Command("viewer.__main__:main", "the hosts in this terminal"),
    "top": Command("viewer.printing:top", "the busiest hosts, once"),
    "hosts": Command("viewer.printing:hosts", "all hosts, once"),
    "services": Command("viewer.printing:services", "all services, once"),
    "status": Command("viewer.status:main", "what runs, how fresh, how many hosts; exit code 0, 1 or 2"),
    "alerts": Command("viewer.alerts_command:main", "what fires; exit code 1 when something does"),
    "why": Command("viewer.why_command:main", "why an alarm came, or did not"),
    "rules": Command("alerter.command:rules", "the rules in force"),
    "rules test": Command("alerter.timelines:main", "tries rules on timelines of your own"),
    "silence add": Command("viewer.acts_command:silence_add", "holds notices back for a while"),
    "silence list": Command("viewer.acts_command:silence_list", "what silences hold back, by whom, until when"),
    "silence end": Command("viewer.acts_command:silence_end", "ends a silence now"),
    "ack": Command("viewer.acts_command:ack", "says that you take care of an incident"),
    "channel list": Command("alerter.channel_command:channels", "the ways to tell somebody that are configured"),
    "channel test": Command("alerter.channel_command:test", "tells one channel that this is a test"),
    "backtest": Command("alerter.backtest:main", "tries rules on the stored past"),
    "completion": Command("bus.completion:main", "makes bash, zsh or fish complete these words"),
    "check": Command("bus.check:main", "checks the configuration and names every fault"),
    "drill alert": Command("alerter.drill:main", "a breach that is none, from an agent to a channel, with its times"),
    "drill delivery": Command("bus.drill.delivery:main", "kills a hub of its own under load and counts what is lost"),
    "audit": Command("store.audit:main", "audit gaps: what each producer sent, what was stored, what was lost and why"),
    "migrate": Command("bus.migration.command:main", "makes guardia.toml of the first Guardia's config.json"),
    "export": Command("store.exporting.command:main", "what is stored, as CSV, JSON lines or Parquet"),
    "import": Command("store.importing.command:main", "the first Guardia's history into this store"),
    "sla": Command("store.sla:main", "how long services were up, down or unknown, by month"),
    "enroll": Command("collector.command:enroll", "lets an agent in, and prints the line that makes its host join"),
    "agents": Command("collector.command:agents", "who may speak to this hub, and when each was last heard"),
    "revoke": Command("collector.command:revoke", "refuses an agent's key within a second"),
    "keys": Command("collector.command:keys", "shows the hub's own key; keys rotate makes another"),
    "token": Command("api.command:main", "makes, lists and revokes tokens for the API"),
}


SECTIONS = {
    "To look": "view, status, hosts, top, services, alerts",
    "Alarms": "why, ack, silence add, silence list, silence end, rules, rules test, backtest",
    "Who is told": "channel list, channel test, drill alert",
    "Services": "service test, heartbeat, sla",
    "Hosts and tokens": "enroll, agents, revoke, keys, token",
    "Settings": "check, migrate, completion",
    "What is stored": "export, import, audit, store stats, store verify, store snapshot, store restore, store compact",
    "Programs, which supervisord starts": (
        "collector, store writer, store reader, store sealer, alerter, prober, api, agent, watchdog"
    ),
    "To try Guardia itself": "drill delivery",
}
"""Under which heads ``guardia --help`` lists the commands."""


def main(argv: Sequence[str] | None = None) -> int:
    """Start what the first words name; returns its exit code."""
    _open_standard()
    words = list(sys.argv[1:] if argv is None else argv)
    flag, equals, named = words[0].partition("=") if words else ("", "", "")
    if flag == "--config":
        named, words = (named, words[1:]) if equals else (words[1] if words[1:] else "", words[2:])
        if not named or not words:
            print(
                "guardia: --config names a file, and a command follows: guardia --config FILE status", file=sys.stderr
            )
            return WRONG
        os.environ["GUARDIA_CONFIG"] = os.path.abspath(named)
    if words[:1] in (["--version"], ["version"]):
        return _printed(f"guardia {version()}")
    if words[:1] == ["help"] and words[1:]:
        words = [*words[1:], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        return _printed(usage()) or (0 if words else WRONG)
    begun = [name for name in COMMANDS if name.startswith(f"{words[0]} ")]
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in COMMANDS and len(words) >= count and not (count == 1 and _nearly(words, begun)):
            return _called(COMMANDS[name].place, words[count:])
    if begun and words[1:2] in (["-h"], ["--help"], ["help"]):
        return _printed(_of_group(words[0], begun))
    if begun and not words[1:]:
        print(f"guardia: {words[0]} wants another word\n{_of_group(words[0], begun)}", file=sys.stderr)
        return WRONG
    near = _nearly(words, begun)
    meant = f"there {'are' if begun[1:] else 'is'} {listed(begun)}" if begun else ""
    hint = near or meant or did_you_mean(" ".join(words[:2]), COMMANDS) or did_you_mean(words[0], COMMANDS)
    asked = " ".join(words[:2]) if begun and words[1:] and not words[1].startswith("-") else words[0]
    print(f"guardia: there is no command {asked!r}; {hint or 'see guardia --help'}", file=sys.stderr)
    return WRONG


def _of_group(word: str, begun: Sequence[str]) -> str:
    return f"Usage: guardia {word} COMMAND [ARGUMENTS]\n\n{_lines(begun)}"


def _nearly(words: Sequence[str], begun: Sequence[str]) -> str:
    """The command of two words that was probably meant, of those that begin with the first one."""
    seconds = {name.partition(" ")[2]: name for name in begun}
    near = nearest(words[1], seconds) if words[1:] and not words[1].startswith("-") else None
    return f"did you mean {seconds[near]}?" if near else ""


def agent() -> int:
    """``guardia-agent``."""
    return _called(COMMANDS["agent"].place, sys.argv[1:])


def viewer() -> int:
    """``guardia-viewer``."""
    return _called(COMMANDS["view"].place, sys.argv[1:])


def usage() -> str:
    """All commands, a line each, by what they are for."""
    sections = [f"{head}:\n{_lines(names.split(', '))}" for head, names in SECTIONS.items()]
    return "\n\n".join(
        ["Usage: guardia [--config FILE] COMMAND [ARGUMENTS]", *sections, "guardia COMMAND --help says more."]
    )


def _lines(names: Sequence[str]) -> str:
    width = max(len(name) for name in COMMANDS)
    return "\n".join(f"  {name:<{width}}  {COMMANDS[name].help}" for name in names)


def _open_standard() -> None:
    """Have standard input, output and error lead nowhere where they were closed.

    The next file that is opened would take their place, and what is printed would be written into it.
    """
    for number, way in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, way)  # it takes the lowest number that is free: this one
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _printed(text: str) -> int:
    return _done(lambda: print(text))


def _called(place: str, arguments: Sequence[str]) -> int:
    module, _, function = place.partition(":")
    return _done(lambda: getattr(importlib.import_module(module), function)(list(arguments)))


def _done(work: Callable[[], object]) -> int:
    """Do it, and say what went wrong in a sentence; returns the exit code."""
    try:
        code = _ended(work)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough.
        return _silenced(141)
    except UnicodeEncodeError as error:
        # An argument that is no text: it can be sent to nobody, and written nowhere.
        found = ascii(error.object[error.start : error.end][:40])
        print(f"guardia: found {found}, expected text in {error.encoding.upper()}", file=sys.stderr)
        return WRONG
    except PermissionError as error:
        # Most often the hub runs as a user of its own, and whoever asks is another one.
        path = str(error.filename or "")
        remedy = home.as_owner(Path(path)) if path else ""
        print(f"guardia: {path or error}: permission denied{f'; {remedy}' if remedy else ''}", file=sys.stderr)
        return WRONG
    except OSError as error:
        print(f"guardia: {in_words(error)}", file=sys.stderr)
        return _silenced(TRY_AGAIN)
    except RuntimeError as error:
        if not lacks_thread(error):
            raise
        print(f"guardia: {NO_THREAD}", file=sys.stderr)
        return TRY_AGAIN


def _ended(work: Callable[[], object]) -> int:
    try:
        code = work()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        return WRONG if end.code == MISUSED else end.code
    return code if isinstance(code, int) else 0


def _silenced(code: int) -> int:
    """Write nothing more: Python would complain when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


if __name__ == "__main__":
    raise SystemExit(main())

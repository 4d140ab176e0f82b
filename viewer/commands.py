"""The table of commands behind ``:``, what each does, and how what is typed is completed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bus.faults import did_you_mean
from viewer import acts
from viewer.axis import WINDOWS
from viewer.keys import SCREENS
from viewer.picking import SERVICE_SORTS, SORTS
from viewer.prompt import Prompt

if TYPE_CHECKING:
    from viewer.model import Model


class Misused(Exception):
    """A command that cannot be obeyed; the text says what to type instead."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command. ``words`` gives what may follow, for completion, by the place of the word (1 is the first)."""

    form: str
    text: str
    do: Callable[[Model, Prompt, Sequence[str], float], None]
    words: Callable[[Model, int], Sequence[str]] = lambda model, place: ()

    @property
    def name(self) -> str:
        """Its first word."""
        return self.form.partition(" ")[0]

    @property
    def needs(self) -> int:
        """How many words have to follow it."""
        return sum(word.isupper() for word in self.form.split()[1:])


def obey(model: Model, prompt: Prompt, now: float) -> None:
    """Obey what was typed; raises ``Misused``."""
    words = prompt.text.split()
    if not words:
        return
    command = COMMANDS.get(words[0]) or _begun(words[0])
    if command is None:
        hint = did_you_mean(words[0], COMMANDS) or "Tab shows them"
        raise Misused(f"there is no command {words[0]}; {hint}")
    if len(words) - 1 < command.needs:
        raise Misused(f"write {command.form}")
    command.do(model, prompt, words[1:], now)


def completions(model: Model, text: str) -> list[str]:
    """What the last word of ``text`` may become."""
    words = text.split(" ")
    if len(words) == 1:
        return list(COMMANDS)
    command = COMMANDS.get(words[0]) or _begun(words[0])
    return list(command.words(model, len(words) - 1)) if command else []


def markdown() -> str:
    """The table for the documentation."""
    forms = [(command.form.replace("|", "\\|"), command.text) for command in COMMANDS.values()]
    rows = [f"| `:{form}` | {text} |" for form, text in forms]
    return "\n".join(["| command | what it does |", "|---|---|", *rows]) + "\n"


def _begun(word: str) -> Command | None:
    """The command that alone begins so."""
    found = [command for name, command in COMMANDS.items() if name.startswith(word)]
    return found[0] if len(found) == 1 else None


# -- what they do ---


def _screen(name: str) -> Callable[[Model, Prompt, Sequence[str], float], None]:
    return lambda model, prompt, words, now: model.show(name)


def _host(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    if words:
        if words[0] not in model.world.hosts:
            raise Misused(f"the hub knows no host {words[0]}; {did_you_mean(words[0], model.world.hosts)}".rstrip("; "))
        model.hosts.choose(words[0])
        if words[0] not in [host.name for host in model.rows(now)]:
            model.filter = ""
    model.show("host")


def _service(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    if words[0] not in model.world.services:
        hint = did_you_mean(words[0], model.world.services)
        raise Misused(f"the hub knows no service {words[0]}; {hint}".rstrip("; "))
    model.filter = ""
    model.services.choose(words[0])
    model.show("services")


def _filter(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    model.filter = " ".join(words)
    if model.screen not in ("hosts", "services", "alerts"):
        model.show("hosts")


def _sort(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    services = model.screen == "services"
    known = SERVICE_SORTS if services else SORTS
    if words[0] not in known:
        raise Misused(f"there is no column {words[0]}; {did_you_mean(words[0], known) or ', '.join(known)}")
    picking = model.services if services else model.hosts
    picking.sort, picking.reverse = words[0], "reverse" in words[1:]
    if not services:
        model.show("hosts")


def _window(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    found = next((window for window in WINDOWS if window.name == words[0]), None)
    if found is None:
        raise Misused(f"there is no window {words[0]}; there are {', '.join(window.name for window in WINDOWS)}")
    model.window = found


def _acknowledge(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    acts.send_acknowledge(model, prompt.aim, " ".join(words))
    if not model.deeds.asked:
        raise Misused("nothing that fires and is not acknowledged is chosen")


def _silence(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    seconds = acts.duration(words[0])
    if isinstance(seconds, str):
        raise Misused(seconds)
    acts.send_silence(model, prompt.aim, seconds, " ".join(words[1:]))
    if not model.deeds.asked:
        raise Misused("choose an alarm, a host or a service to silence")


def _end(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    acts.send_end(model, prompt.aim)
    if not model.deeds.asked:
        raise Misused("choose a silence to end")


def _why(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    if words:
        model.show_why(words[0], " ".join(words[1:]))
    else:
        acts.why(model, now)


def _backtest(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    acts.send_backtest(model, prompt.aim, " ".join(words))


def _mark(model: Model, prompt: Prompt, words: Sequence[str], now: float) -> None:
    picking = model.lists.get(model.screen)
    if words[0] not in ("all", "none") or picking is None:
        raise Misused("write mark all or mark none, on a list")
    picking.marked = set(picking.order) if words[0] == "all" else set()


def _hosts_named(model: Model, place: int) -> Sequence[str]:
    return sorted(model.world.hosts) if place == 1 else ()


def _columns(model: Model, place: int) -> Sequence[str]:
    return ("reverse",) if place > 1 else tuple(SERVICE_SORTS if model.screen == "services" else SORTS)


def _subjects(model: Model, place: int) -> Sequence[str]:
    return sorted({*model.world.hosts, *model.world.services}) if place == 1 else sorted(model.alarms.rules)


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        *(
            Command(name, f"the screen {name.capitalize()}", _screen(name))
            for name in (*SCREENS, "help")
            if name != "host"
        ),
        Command("host [name]", "the screen Host, of this host", _host, _hosts_named),
        Command(
            "service NAME",
            "the screen Services, with this one chosen",
            _service,
            lambda model, place: sorted(model.world.services),
        ),
        Command("filter [words]", "show only what these words stand in; none: all", _filter),
        Command("sort COLUMN [reverse]", "sort by this column", _sort, _columns),
        Command(
            "window LENGTH",
            "a window of time, from 5m to 30d",
            _window,
            lambda model, place: [window.name for window in WINDOWS],
        ),
        Command("ack [note]", "acknowledge what fires among the marked lines, or on the chosen one", _acknowledge),
        Command("silence DURATION REASON", "silence the marked lines, or the chosen one", _silence),
        Command("end", "end the marked silences, or the chosen one", _end),
        Command("why [subject] [rule]", "why an alarm came, or did not", _why, _subjects),
        Command("backtest [condition]", "try the chosen alarm's rule on the last week", _backtest),
        Command("mark all|none", "mark every line of the list, or none", _mark, lambda model, place: ("all", "none")),
        Command("pause", "hold the picture, or let it go on", lambda model, prompt, words, now: model.hold(now)),
        Command("refresh", "ask the hub again now", lambda model, prompt, words, now: model.ask_again()),
        Command("quit", "quit", lambda model, prompt, words, now: model.leave()),
    )
}

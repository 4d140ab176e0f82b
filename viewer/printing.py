"""``guardia top``, ``guardia hosts`` and ``guardia services``: one list, printed once, for pipes and scripts.

Plain text, never a colour code. Exit codes: 0 all went well, 2 the hub did not answer, 100 asked wrongly.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bus import hubs
from bus.arguments import Parser
from bus.faults import ConfigError
from viewer import twins
from viewer.asking import Asker
from viewer.cells import cells, width
from viewer.config import load
from viewer.events import Failed, LinkTold
from viewer.model import Model
from viewer.picking import SERVICE_SORTS, SORTS
from viewer.scene import Look, Scene
from viewer.units import age, amount, celsius, milliseconds, number, percent, share
from viewer.wishes import AskHosts, AskLabels, AskServices, Wish
from viewer.world import Host, Service

BUSIEST = 20
"""Hosts that ``guardia top`` prints."""


def parser(name: str, what: str, sorts: Sequence[str], order: str) -> argparse.ArgumentParser:
    """What can be typed after one of these commands."""
    found = Parser(prog=f"guardia {name}", description=what)
    found.add_argument(
        "words", nargs="*", metavar="WORD", help="only lines in which all these words stand, as web down"
    )
    found.add_argument("--sort", choices=sorts, default=order, help=f"the column to sort by (default {order})")
    found.add_argument("--reverse", action="store_true", help="the other way round")
    found.add_argument("-n", "--lines", type=int, metavar="N", help="so many lines at most")
    found.add_argument("--json", action="store_true", help="the same as JSON")
    found.set_defaults(command=f"guardia {name}")
    hubs.add_flags(found)
    found.add_argument("-c", "--config", metavar="FILE", type=Path, help="settings; else ~/.config/guardia/viewer.toml")
    return found


def top(argv: Sequence[str]) -> int:
    """The busiest hosts."""
    given = parser("top", "The busiest hosts now, once.", list(SORTS), "cpu").parse_args(argv)
    given.lines = BUSIEST if given.lines is None else given.lines
    return _hosts(given, "top")


def hosts(argv: Sequence[str]) -> int:
    """All hosts."""
    return _hosts(parser("hosts", "All hosts, once.", list(SORTS), "state").parse_args(argv), "hosts")


def services(argv: Sequence[str]) -> int:
    """All services."""
    given = parser("services", "All services, once.", list(SERVICE_SORTS), "state").parse_args(argv)
    scene = _asked(given, "services", AskServices())
    if isinstance(scene, int):
        return scene
    scene.model.services.sort, scene.model.services.reverse = given.sort, given.reverse
    rows = scene.model.service_rows()[: given.lines]
    if given.json:
        _print(json.dumps({"services": [twins.service(scene, one) for one in rows]}, indent=2) + "\n")
        return 0
    if not rows:
        return _nothing(given, "service", "no service is checked: [[services]] of guardia.toml lists them")
    heads = ("STATE", "SERVICE", "RESPONSE", "CHECKED", "CERT", "URL", "WHY")
    _print(table(heads, [_service(scene, one) for one in rows], right=(2, 3, 4)))
    return 0


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Lines of text in columns; what others call themselves acts on no terminal."""
    lines = [tuple("".join(cells(text)) for text in row) for row in (heads, *rows)]
    widths = [max(width(line[place]) for line in lines) for place in range(len(heads))]

    def cell(text: str, place: int) -> str:
        pad = " " * (widths[place] - width(text))
        return pad + text if place in right else text + pad

    return "".join("  ".join(cell(text, at) for at, text in enumerate(line)).rstrip() + "\n" for line in lines)


def _hosts(given: argparse.Namespace, name: str) -> int:
    scene = _asked(given, name, AskHosts())
    if isinstance(scene, int):
        return scene
    scene.model.hosts.sort, scene.model.hosts.reverse = given.sort, given.reverse
    rows = scene.model.rows(scene.now)[: given.lines]
    if given.json:
        _print(json.dumps({"hosts": [twins.host(scene, one) for one in rows]}, indent=2) + "\n")
        return 0
    if not rows:
        return _nothing(given, "host", "no host was heard yet: guardia agents and guardia status say more")
    heads = ("STATE", "HOST", "CPU", "MEM", "LOAD", "DISK", "IN/s", "OUT/s", "TEMP", "SEEN", "LABELS")
    _print(table(heads, [_host(scene, one) for one in rows], right=range(2, 10)))
    return 0


def _nothing(given: argparse.Namespace, what: str, why: str) -> int:
    """Say why there is no line at all; that is no fault."""
    told = f"no {what} has all these words: {' '.join(given.words)}" if given.words else why
    told = "no line is wanted: --lines is 0" if given.lines == 0 else told
    print(f"{given.command}: {told}", file=sys.stderr)
    return 0


def _host(scene: Scene, one: Host) -> tuple[str, ...]:
    """A line; numbers that are no longer current stand in brackets."""

    def value(text: str) -> str:
        return text if scene.fresh(one) or text == "–" else f"({text})"

    found = one.digest
    return (
        one.state,
        one.display if one.display == one.name else f"{one.display} ({one.name})",
        value(percent(one.value("cpu.percent"))),
        value(share(one.value("memory.percent"))),
        value(number(one.value("load.1m"))),
        value(share(found.disk[1] if found.disk else None)),
        value(amount(found.inward)),
        value(amount(found.outward)),
        value(celsius(found.heat[1] if found.heat else None)),
        age(one.age(scene.at)),
        " ".join(scene.model.world.labels.hosts.get(one.name, ())),
    )


def _service(scene: Scene, one: Service) -> tuple[str, ...]:
    days = "–" if one.tls_days is None else f"{one.tls_days} d"
    checked = "never" if one.checked is None else age(scene.hub_time - one.checked)
    return one.state, one.name, milliseconds(one.response_ms), checked, days, one.url, one.why


def _asked(given: argparse.Namespace, name: str, wish: Wish, clock: Callable[[], float] = time.time) -> Scene | int:
    """The hub's answer in a scene, or the exit code of why there is none."""
    if given.lines is not None and given.lines < 0:
        print(f"guardia {name}: --lines is a number from 0 on", file=sys.stderr)
        return hubs.WRONG
    try:
        settings = load(given.config, os.environ)
        place = hubs.named(given, settings, (given.config or hubs.FILE).expanduser(), os.environ)
    except ConfigError as error:
        return hubs.refused(error)
    asker = Asker(place.url, place.token, ca=place.ca)
    model = Model(screen="hosts", filter=" ".join(given.words))
    try:
        model.take(LinkTold("live"), clock())
        for one in (wish, AskLabels()):
            event = asker.ask(one)
            if isinstance(event, Failed) and one is wish:
                print(f"guardia {name}: {hubs.with_remedy(event.reason)}", file=sys.stderr)
                return hubs.SILENT
            model.take(event, clock())
    finally:
        asker.close()
    return Scene(model, clock(), Look())


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()

"""The viewer's start: arguments, settings, and which of its ways it runs in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import viewer
from bus import hubs
from bus.arguments import Parser
from bus.faults import ConfigError
from bus.progress import DUMB
from bus.reasons import address
from bus.settings import settings_of
from viewer import looks, travel
from viewer.canvas import Canvas
from viewer.card import card
from viewer.config import Viewer, load
from viewer.feed import Feed
from viewer.keys import SCREENS
from viewer.model import Model
from viewer.palette import Palette, Theme
from viewer.plan import Plan
from viewer.scene import Look
from viewer.script import Mistake, Play, Step, Unmet, parse_script, parse_size
from viewer.session import Session
from viewer.svg import svg
from viewer.themes import Unfit
from viewer.twins import twin
from viewer.when import moment

WRONGLY_ASKED = hubs.WRONG
UNREACHED = 1
FASTEST = 86_400.0
"""Seconds of the past in a second of a replay, at most."""


def arguments() -> argparse.ArgumentParser:
    """What can be typed."""
    parser = Parser(
        prog="guardia view", description=viewer.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    hubs.add_flags(parser, token=True)
    add("-t", "--token", help="the token itself; others on this machine can see it, so prefer the file")
    add("-c", "--config", metavar="FILE", type=Path, help="settings; else ~/.config/guardia/viewer.toml")
    add("--host", metavar="NAME", help="the host to begin with")
    add(
        "--screen",
        choices=[*SCREENS, "help"],
        help="the screen to begin with; else pulse, and hosts where there is one",
    )
    add("--replay", metavar="TIME", help="show the past from then on: 11:50, 2026-01-31 11:50, yesterday 11:50, -2h")
    add("--speed", metavar="N", type=float, help="how many times as fast as life --replay goes; 0 stands still")
    add("--dump", action="store_true", help="print one picture when everything is there, and end")
    add("--script", metavar="FILE", type=Path, help="obey the keys in FILE instead of a keyboard")
    add("--size", metavar="80x24", default="80x24", help="the size of pictures that are printed")
    add("--json", action="store_true", help="what --screen shows as JSON, for programs; waits as --dump does")
    add("--svg", action="store_true", help="--dump as SVG, with colours")
    add("--test-card", action="store_true", help="show what this terminal makes of our symbols and colours, and end")
    looks.add_flags(parser)
    add("--no-color", action="store_true", help="no colours, as with NO_COLOR")
    add("--ascii", action="store_true", help="ASCII characters only")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the viewer; returns its exit code."""
    given = arguments().parse_args(sys.argv[1:] if argv is None else argv)
    environment = os.environ
    try:
        settings = load(given.config, environment)
        path = (given.config or hubs.FILE).expanduser()
        home = hubs.named(given, settings, path, environment)
        size = parse_size(given.size)
        theme = looks.theme(settings, given.theme, path.parent)
        steps = _steps(given.script) if given.script else None
        begin = moment(given.replay, time.time()) if given.replay else None
        if given.speed is not None and (begin is None or not 0 <= given.speed <= FASTEST):
            raise Mistake(f"--speed goes with --replay and is a number from 0 to {FASTEST:g}")
    except ConfigError as error:
        return hubs.refused(error)
    except Unfit as error:
        return _refuse(str(error))
    except (Mistake, ValueError) as error:
        return _refuse(f"guardia view: {error}")
    except OSError as error:
        return _refuse(f"guardia view: {error.filename}: {(error.strerror or str(error)).lower()}")
    dumb = environment.get("TERM") == DUMB
    colourless = given.no_color or bool(environment.get("NO_COLOR")) or dumb
    shown = looks.look(settings, environment, looks.encoding(), looks.Wanted.of(given))
    if given.test_card:
        return _card(shown, environment, theme, colourless)
    printed = given.dump or given.svg or given.json or steps is not None
    if not printed and not (sys.stdout.isatty() and sys.stdin.isatty()):
        return _refuse("guardia view: this is no terminal; give --dump for one picture as text")
    if not printed and dumb:
        return _refuse("guardia view: TERM=dumb says that this terminal can draw nothing; --dump prints one picture")
    model = make_model(settings, home.url, given.screen, given.host)
    if begin is not None:
        speed = (0.0 if printed else 1.0) if given.speed is None else given.speed
        travel.visit(model, begin, time.time(), speed=speed or None)
    feed = Feed(home.url, home.token, ca=home.ca)
    session = Session(model, feed, shown)
    feed.start()
    try:
        if printed:
            # Pipes and files get plain text.
            palette = None if colourless or not sys.stdout.isatty() else Palette(256, theme)
            to_text = (lambda canvas: svg(canvas, theme)) if given.svg else _to_text(palette)
            if given.json:
                to_text = _to_json(session)
            return _print(session, size, steps, to_text)
        return _show(session, theme, colourless)
    finally:
        feed.close()


def _steps(path: Path) -> list[Step]:
    """What a script says; raises ``Mistake`` with its name."""
    try:
        return parse_script(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise Mistake(f"{path}: it is no text in UTF-8") from None
    except Mistake as mistake:
        raise Mistake(f"{path}: {mistake}") from None


def make_model(settings: Viewer, url: str, screen: str | None, host: str | None) -> Model:
    """The model as the program begins with it."""
    first = screen or ("host" if host else settings.screen)
    model = Model(
        address=named(url),
        start_window=settings.window,
        window=settings.window,
        screen="pulse" if first == "auto" else first,
        undecided=first == "auto",
        plan=Plan(refresh=settings.refresh_interval),
    )
    model.show(model.screen)
    model.wanted = host or ""
    model.hosts.chosen, model.hosts.held = host, host is not None
    return model


def named(url: str) -> str:
    """The hub for the header, without what goes without saying."""
    scheme = urlsplit(url).scheme
    return address(url) if scheme == "http" else f"{scheme}://{address(url)}"


def settings_text() -> str:
    """The keys of ``viewer.toml``, for the documentation."""
    lines = ["| key | default | what it is |", "|---|---|---|"]
    for name, one in settings_of(Viewer).items():
        default = {"False": "false", "": "none"}.get(str(one.default), one.default)
        lines.append(f"| `{name}` | {default} | {one.rule.help} |")
    return "\n".join(lines) + "\n"


def _show(session: Session, theme: Theme, colourless: bool) -> int:
    from viewer.terminal import open_terminal, run  # blessed takes time to load, and printing needs none of it

    term = open_terminal()
    run(session, term, Palette(0 if colourless else term.number_of_colors, theme))
    return 0


def _to_json(session: Session) -> Callable[[Canvas], str]:
    """What is shown as data, in place of a picture."""
    return lambda canvas: json.dumps(twin(session.scene()), indent=2) + "\n"


def _card(shown: Look, environment: Mapping[str, str], theme: Theme, colourless: bool) -> int:
    from viewer.terminal import open_terminal

    colours = 0 if colourless or not sys.stdout.isatty() else open_terminal().number_of_colors
    found = [(name, environment.get(name) or "not set") for name in ("TERM", "COLORTERM", "NO_COLOR")]
    found = [("locale", looks.encoding()), *found, ("colours", f"{colours:,}"), ("theme", theme.name)]
    canvas = card(shown.glyphs, found, utf8=not shown.plain)
    text = _to_text(Palette(colours, theme) if colours else None)(canvas)
    _out(text)
    return 0


def _to_text(palette: Palette | None) -> Callable[[Canvas], str]:
    return (lambda canvas: canvas.coloured(palette)) if palette else Canvas.text


def _out(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _print(session: Session, size: tuple[int, int], steps: list[Step] | None, to_text: Callable[[Canvas], str]) -> int:
    def show(canvas: Canvas) -> None:
        _out(to_text(canvas))

    play = Play(session, size, show)
    world = session.model.world
    try:
        if steps is None:
            play.wait("loaded")
        if steps is None and not world.hosts_told:
            return _fail(session.model.unreached or world.link.reason or "the hub told nothing")
        if steps is None and session.model.notice:
            return _fail(session.model.notice)
        play.run(steps or [Step("dump")])
    except Unmet as unmet:
        return _fail(session.model.unreached or world.link.reason or str(unmet))
    except BrokenPipeError:
        return 0  # whoever read us has seen enough
    return 0


def _refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return WRONGLY_ASKED


def _fail(reason: str) -> int:
    print(f"guardia view: {hubs.with_remedy(reason)}", file=sys.stderr)
    return UNREACHED

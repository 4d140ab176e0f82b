"""The terminal: keys in, pictures out, and everything as it was before when we leave. Decides nothing."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

# blessed asks the terminal what it is, and waits five seconds for one that does not answer.
os.environ.setdefault("BLESSED_QUERY_TIMEOUT_SECONDS", "0.5")

import blessed

from viewer.canvas import Painter
from viewer.cells import REPLACEMENT
from viewer.palette import Palette
from viewer.pastes import MARKED, UNMARKED, Paste, Pastes
from viewer.session import Session

TICK = 0.1
"""Seconds between two looks at what has come."""
PICTURE = 0.5
"""Seconds between two pictures that nobody pressed a key for."""
STILL = 1.0
"""Seconds after which ages have changed even if nothing else has."""

USUAL = (80, 24)
"""Columns and rows where neither the terminal nor the environment says how many there are, as on a serial line."""
SWITCH = 0.001
"""Seconds that another thread may go on while this one has a key to answer; Python's own 0.005 can be felt."""

MOST_AT_ONCE = 200
"""Characters that are taken in between two pictures."""
AMID = 0.05
"""Seconds within which the rest of a sequence comes; without it, it was the key Escape."""
AMID_PASTE = 5.0
"""Seconds in which more of a paste comes, or its end never will."""
CTRL_C = "\x03"
_BEGUN = re.compile(r"\x1b(?:O|\[[0-9;:?<]*|\[M.{0,2}|[P\]][^\x1b\x07]*\x1b?)?\Z", re.DOTALL)
"""A sequence of which more is to come."""
_TOLD = re.compile(r"\x1b(?:\[<[0-9;]*[Mm]|\[M.{3}|\[[IO]|\][^\x1b\x07]*(?:\x07|\x1b\\))", re.DOTALL)
"""What is no key and nobody asked for: the mouse and the focus, where an earlier program left that on; late answers."""
_TWICE = re.compile(r"(?<=\x1b)(?=\x1b)")
"""Between Escape and a key that came together with it."""

_NAMES = {
    "KEY_UP": "up",
    "KEY_DOWN": "down",
    "KEY_LEFT": "left",
    "KEY_RIGHT": "right",
    "KEY_PGUP": "pageup",
    "KEY_PGDOWN": "pagedown",
    "KEY_HOME": "home",
    "KEY_END": "end",
    "KEY_ENTER": "enter",
    "KEY_ESCAPE": "escape",
    "KEY_TAB": "tab",
    "KEY_BTAB": "backtab",
    "KEY_SHIFT_TAB": "backtab",
    "KEY_BACKSPACE": "backspace",
    "KEY_DELETE": "backspace",
    "KEY_F1": "f1",
}
_CODES = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    CTRL_C: "ctrl-c",
    "\x15": "ctrl-u",
    "\x17": "ctrl-w",
    "\x0c": "ctrl-l",
    "\x1a": "ctrl-z",
    "\x7f": "backspace",
    "\x08": "backspace",
}


class Terminal(blessed.Terminal):
    """One at which bytes that are no text, as from a keyboard of another locale or a paste, end nothing.

    It marks what is pasted, where it can. blessed would ask it first, which many that can do not answer, and would take
    the rest of a paste that comes slowly for keys.
    """

    _deaf = False
    """Whether nothing more is taken in, so that a key is made of what was."""

    def getch(self, decode_latin1: bool = False) -> str:
        """What was read; replacements for what is no text."""
        try:
            return super().getch(decode_latin1)
        except UnicodeDecodeError as error:
            # It would hold the same bytes against whatever comes next.
            self._keyboard_decoder.reset()
            return error.object.decode(error.encoding, "replace")

    def kbhit(self, timeout: float | None = None) -> bool:
        """Whether there is something to be taken in."""
        return not self._deaf and super().kbhit(timeout)

    @contextmanager
    def marked_pastes(self) -> Iterator[None]:
        """Let it mark what is pasted."""
        self.stream.write(MARKED)
        try:
            yield
        finally:
            self.stream.write(UNMARKED)

    def come(self, wait: float) -> str:
        """What was typed or pasted, waiting at most so long for the first of it; no sequence is cut."""
        text = ""
        while self.kbhit(wait if not text else AMID if _BEGUN.search(text) else 0):
            text += self.getch()
            if len(text) >= MOST_AT_ONCE and not _BEGUN.search(text):
                break
        return text

    def strokes(self, text: str) -> list[str]:
        """The names of the keys that ``text`` is of; raises ``EOFError`` when the terminal is gone."""
        self._deaf = True
        found: list[str] = []
        try:
            for piece in _TWICE.split(_TOLD.sub("", text)):
                self.ungetch(piece)
                found += [key_name(stroke) for stroke in iter(lambda: self.inkey(timeout=0, esc_delay=0), "")]
            return found
        finally:
            self._deaf = False


def open_terminal() -> Terminal:
    """The terminal we were started from. It is in another mode while it is asked what it is, for a second at most.

    blessed gives up all control sequences, not only colours, where NO_COLOR is set; we keep the colours away
    ourselves.
    """
    kept = os.environ.pop("NO_COLOR", None)
    try:
        with _unasked():
            return Terminal(stream=sys.__stdout__)
    finally:
        if kept is not None:
            os.environ["NO_COLOR"] = kept


@contextmanager
def _unasked() -> Iterator[None]:
    """Let who ends us do so afterwards: whoever goes amid a question leaves the terminal to nobody's keys."""
    came: list[int] = []
    ends = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, lambda number, _: came.append(number)) for number in ends}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def key_name(stroke: blessed.keyboard.Keystroke) -> str:
    """The name of a key as the table of keys has it; an unknown sequence is an empty text."""
    if stroke.name in _NAMES:
        return _NAMES[stroke.name]
    text = str(stroke)
    if text in _CODES:
        return _CODES[text]
    return text if len(text) == 1 and text.isprintable() and text != REPLACEMENT else ""


class Screen:
    """The terminal while it is ours."""

    def __init__(self, term: Terminal, palette: Palette) -> None:
        self.painter = Painter(palette)
        self._term = term
        self._pastes = Pastes()
        self._heard_at = 0.0
        self._stack = ExitStack()
        self._out = term.stream

    def enter(self) -> None:
        """Take the terminal over."""
        with ExitStack() as stack:
            term = self._term
            for hold in (term.raw, term.fullscreen, term.hidden_cursor, term.no_line_wrap, term.marked_pastes):
                stack.enter_context(hold())
            self._stack = stack.pop_all()
        self.painter.forget()

    def leave(self) -> None:
        """Give it back as it was."""
        try:
            # Cleared, since a tmux that was made larger meanwhile would leave the picture behind.
            self._out.write("\x1b[0m\x1b[2J")
        finally:
            # Where even that fails, nothing may be left that the interpreter would try to give back at its end.
            self._stack.close()
        self._out.flush()

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        wide, high = self._term.width, self._term.height
        return (wide, high) if wide and high else shutil.get_terminal_size(USUAL)

    def keys(self, wait: float, now: float) -> list[str | Paste]:
        """The keys that were pressed and what was pasted, waiting at most so long for the first.

        Raises ``EOFError`` when the terminal is gone.
        """
        text = self._term.come(wait)
        if text:
            self._heard_at = now
        if self._pastes.amid and text == CTRL_C:  # alone: a person's, who waits for an end that does not come
            parts = [*self._pastes.give_up(), text]
        else:
            parts = self._pastes.take(text) if now < self._heard_at + AMID_PASTE else self._pastes.give_up()
        found: list[str | Paste] = []
        for part in parts:
            found += [part] if isinstance(part, Paste) else self._term.strokes(part)
        return found

    def show(self, text: str) -> None:
        """Write what the painter says."""
        if text:
            self._out.write(text)
            self._out.flush()


class Signals:
    """Signals as things that have happened, to be looked at between two pictures."""

    def __init__(self) -> None:
        self.over = False
        self.suspend = False
        self.resized = False
        self.continued = False
        """Whether it goes on after a stop: who started us had the terminal meanwhile."""
        self._before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._end),
                (signal.SIGHUP, self._end),
                (signal.SIGINT, self._end),
                (signal.SIGQUIT, self._end),
                (signal.SIGTSTP, self._stop),
                (signal.SIGWINCH, self._resize),
                (signal.SIGCONT, self._continue),
            )
        }

    def restore(self) -> None:
        """Handle them as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def stop_now(self) -> None:
        """Stop this process as Ctrl-Z does; returns when it goes on."""
        self.suspend = False
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._stop)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self.over = True

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.suspend = True

    def _continue(self, number: int, frame: FrameType | None) -> None:
        self.continued = True

    def _resize(self, number: int, frame: FrameType | None) -> None:
        self.resized = True


def run(session: Session, term: Terminal, palette: Palette, clock: Callable[[], float] = time.monotonic) -> None:
    """Show the session until the person quits or the terminal goes away."""
    sys.setswitchinterval(SWITCH)
    screen = Screen(term, palette)
    signals = Signals()
    screen.enter()
    try:
        _loop(session, screen, signals, clock)
    except (EOFError, BrokenPipeError):
        pass  # nobody is looking any more
    except OSError as error:
        if error.errno != 5:  # EIO: the terminal is gone
            raise
    finally:
        signals.restore()
        try:
            screen.leave()
        except (OSError, termios.error):
            _forget_output()  # there is nothing left to give back


def _forget_output() -> None:
    """Let what could not be written go nowhere, so that the interpreter's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):
        os.dup2(nowhere, 1)
    os.close(nowhere)


def _loop(session: Session, screen: Screen, signals: Signals, clock: Callable[[], float]) -> None:
    drawn_at, cost, size, news, frozen = -STILL, 0.0, (0, 0), True, False
    while not (session.model.quit or signals.over):
        pressed = screen.keys(0.0 if session.behind else TICK, clock())
        for key in pressed:
            if isinstance(key, Paste):
                session.paste(key.text)
            elif key == "ctrl-z":
                signals.suspend = True
            elif key == "ctrl-l":
                screen.painter.forget()
            elif key:
                session.press(key)
        if signals.suspend or signals.continued:  # the latter after a SIGSTOP, which nobody is asked about
            screen.leave()
            if signals.suspend:
                signals.stop_now()
            screen.enter()
            size = (0, 0)
        signals.continued = False
        news = session.turn(hurried=bool(pressed)) or news
        now = clock()
        resized = signals.resized
        if resized:
            # Taken back before the size is read, so that a change after that counts again. A window that is as large
            # as before may have been smaller meanwhile, and have lost what it showed.
            signals.resized = False
            screen.painter.forget()
        there = screen.size
        resized, size = resized or there != size, there
        # A picture that is dear to draw is drawn less often, so that it never costs more than a tenth.
        due = drawn_at + (max(PICTURE, 10 * cost) if news else STILL)
        if pressed or resized or now >= due:
            with session.hush():
                text = screen.painter.paint(session.draw(*size))
            screen.show(text)
            session.turn(hurried=True)  # what has come into view is asked for at once
            drawn_at, news = now, False
            cost = clock() - now
        if not frozen and session.model.present.hosts_told:
            _freeze()
            frozen = True


def _freeze() -> None:
    """Spare the collector of garbage what stays for as long as we run: looking through 5,000 hosts can be felt."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 10)

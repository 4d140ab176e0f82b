"""A person's seat at a real terminal: the program under a pty, what it shows, and keys to press."""

from __future__ import annotations

import codecs
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.viewer.emulator import Emulator

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


class Seat:
    """Runs the viewer, or a shell to run it from; to be used in a ``with``, after which it no longer runs."""

    def __init__(
        self,
        home: Path,
        *flags: str,
        size: tuple[int, int] = (80, 24),
        sized: bool = True,
        answers: bool = True,
        shell: bool = False,
        errors: Path | None = None,
        **environment: str,
    ) -> None:
        """``sized``: whether the program can know the size, as it cannot at the other end of a serial line.

        ``answers``: whether the terminal says what it is when it is asked.
        """
        self._answers = answers
        self.screen = Emulator(*size)
        self.status: int | None = None
        self.heard = ""
        """What was written to the terminal."""
        self._ours, theirs = os.openpty()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        if sized:
            self.resize(*size)
        self.before = termios.tcgetattr(theirs)
        kept = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        kept["PYTHONPATH"] = str(PROJECT)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
                for number in (0, 1, 2):
                    os.dup2(theirs, number)
                if errors is not None:
                    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
                os.chdir(home if shell else PROJECT)
                for ends in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
                    signal.signal(ends, signal.SIG_DFL)  # who runs the tests may be deaf to it, as under nohup
                argv = ["bash", "--norc", "-i"] if shell else [sys.executable, "-m", "viewer", *flags]
                os.execvpe(argv[0], argv, {**kept, **environment})
            finally:
                os._exit(127)
        self._theirs = theirs
        self._is_open = True

    def __enter__(self) -> Seat:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._is_open:
            self._close()

    def _close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)
        self._is_open = False

    def vanish(self) -> int:
        """Close the window under the program; returns the exit code with which it ends."""
        self._close()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                return self.status
            time.sleep(0.02)
        raise AssertionError("still there without a terminal")

    def press(self, keys: str) -> None:
        """Press keys."""
        self.press_bytes(keys.encode())

    def press_bytes(self, keys: bytes) -> None:
        """Press what need be no text."""
        os.write(self._ours, keys)

    def resize(self, width: int, height: int) -> None:
        """Make the window another size."""
        self.screen.resize(width, height)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def kill(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def has_more(self) -> bool:
        """Whether something was written that was not looked at."""
        return self._readable(0)

    def _readable(self, seconds: float) -> bool:
        """Whether something can be read within so long; ``select`` knows no descriptors above 1,023."""
        poll = select.poll()
        poll.register(self._ours, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def look(self, seconds: float = 0.05) -> str:
        """Look at the screen for a moment."""
        if self._readable(seconds):
            try:
                data = os.read(self._ours, 65_536)
            except OSError:
                data = b""
            text = self._decode.decode(data)
            self.heard += text
            for answer in self.screen.feed(text):
                if self._answers:
                    self.press(answer)
        return self.screen.text()

    def until(self, what: str | Callable[[str], bool]) -> str:
        """Look until something is seen; fails with the picture when it is not."""
        seen = (lambda text: what in text) if isinstance(what, str) else what
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            text = self.look()
            if seen(text):
                return text
        raise AssertionError(f"never seen: {what}\n{self.screen.text()}")

    def ended(self) -> int:
        """Look until the program has ended; returns its exit code."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.look()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
                self.look()
                return self.status
        raise AssertionError(f"still there:\n{self.screen.text()}")

    def is_restored(self) -> bool:
        """Whether the terminal is as it was: its line discipline, its cursor, its first screen, what it marks."""
        modes = self.screen.modes
        return termios.tcgetattr(self._theirs) == self.before and not modes & {1049, 2004} and 25 in modes

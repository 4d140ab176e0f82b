"""The terminal viewer at a real pty: how soon a key is seen, what it costs, and what it writes.

python -m benchmarks.viewer [keys|frame|calm|peers] [--seconds 20]

``keys``: 5,000 hosts and 500 events a second; the time from a key press until the frame that obeys it has been written.
``frame``: the same without terminal and threads: processor time of a key, 100 events and the picture, for each screen.
``calm``: 50 hosts, each with a reading a second: CPU, and bytes written, beside a full repaint of the same pictures.
``peers``: one host, beside btop and Glances where they are installed: CPU and memory.
"""

from __future__ import annotations

import argparse
import codecs
import fcntl
import json
import os
import random
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from benchmarks import process
from tests.viewer.emulator import Emulator
from tests.viewer.fleet import events, fleet
from tests.viewer.given import HubInMemory, session, settle
from viewer import parse
from viewer.canvas import Painter
from viewer.events import Event
from viewer.keys import SCREENS
from viewer.palette import Palette
from viewer.wishes import Wish

PROJECT = Path(__file__).resolve().parents[1]
WIDE, HIGH = 120, 40
PRESSES = 200
FRAMES = 200
END = "\x1b[?2026l"
"""What every frame of ours ends with."""


class Screen:
    """A program at a pty of its own, read by us."""

    def __init__(self, argv: list[str], home: Path) -> None:
        self.shown = Emulator(WIDE, HIGH)
        self.bytes = self.frames = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._ours, theirs = os.openpty()
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", HIGH, WIDE, 0, 0))
        kept = {"PATH": os.environ["PATH"], "HOME": str(home), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self._program = subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**kept, "PYTHONPATH": str(PROJECT)},
            cwd=PROJECT,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._program.send_signal(signal.SIGTERM)
        try:
            self._program.wait(5)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        os.close(self._ours)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def look(self, seconds: float) -> float:
        """Take in what is written within ``seconds`` or, as soon as there is something, that; returns when it came."""
        readable, _, _ = select.select([self._ours], [], [], max(0.0, seconds))
        at = time.perf_counter()
        if readable:
            data = os.read(self._ours, 1 << 18)
            self.bytes += len(data)
            text = self._decode.decode(data)
            self.frames += text.count(END)
            for answer in self.shown.feed(text):
                self.press(answer)
        return at

    def until(self, seen: Callable[[str], bool], patience: float = 60.0) -> float:
        """Look until something is seen; returns when what showed it came."""
        deadline = time.perf_counter() + patience
        while time.perf_counter() < deadline:
            at = self.look(0.2)
            if seen(self.shown.text()):
                return at
        raise SystemExit(f"never seen:\n{self.shown.text()}")

    def watch(self, seconds: float) -> None:
        """Look for so long."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self.look(left)

    def cpu_seconds(self) -> float:
        """The processor time it has used."""
        return process.cpu_seconds(self._program.pid)

    def resident(self) -> float:
        """Its resident memory in MB."""
        return process.resident_bytes(self._program.pid) / 1e6


@contextmanager
def hub(hosts: int, rate: int) -> Iterator[str]:
    """A hub that invents its hosts; gives its address."""
    argv = [sys.executable, "-m", "tests.viewer.hub", "--hosts", str(hosts), "--rate", str(rate)]
    argv += ["--canned"] if hosts > 1000 else []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip()
        finally:
            program.terminate()


def viewer(url: str, *flags: str) -> list[str]:
    """The command."""
    return [sys.executable, "-m", "viewer", "--url", url, *flags]


def keys(home: Path) -> None:
    """Press keys at random moments, and see how soon the chosen line has moved."""
    with hub(5000, 500) as url, Screen(viewer(url, "--screen", "hosts"), home) as screen:
        screen.until(lambda text: "of 5000" in text and "LIVE" in text)
        screen.watch(10.0)
        chance = random.Random(1)
        took = []
        step = -1
        for turn in range(PRESSES):
            screen.watch(chance.uniform(0.05, 0.25))
            if turn % 20 == 0:
                step = -step
            screen.until(lambda _: _marked(screen) >= 0)
            row = _marked(screen) + step
            pressed = time.perf_counter()
            screen.press("j" if step > 0 else "k")
            at = screen.until(lambda _, row=row: _marked(screen) == row, 10.0)  # type: ignore[misc]
            took.append((at - pressed) * 1000)
        took.sort()
        print(
            f"5,000 hosts, 500 events/s, {WIDE}x{HIGH}: key to painted frame p50 {statistics.median(took):.1f} ms, "
            f"p90 {took[len(took) * 9 // 10]:.1f} ms, p99 {took[len(took) * 99 // 100]:.1f} ms, "
            f"longest {took[-1]:.1f} ms ({len(took)} keys); {screen.resident():.0f} MB"
        )


def _marked(screen: Screen) -> int:
    """The row with the mark of the chosen line."""
    return next((y for y, row in enumerate(screen.shown.rows) if "▸" in row), -1)


class Patient(HubInMemory):
    """Leaves wishes unanswered once it is ``busy``: inventing answers is not what is measured."""

    busy = False

    def ask(self, wish: Wish) -> None:
        if not self.busy:
            super().ask(wish)


def frame() -> None:
    """The processor time of a picture after a key press and a fifth of a second's events, all lists known."""
    hosts = fleet(5000)
    for name in SCREENS:
        hub = Patient(hosts, time.time())
        found = session(hub, screen=name)
        told: list[Event] = []
        for event in events({host: hosts[host] for host in list(hosts)[:500]}, hub.now, values=True):
            made = parse.stream_event(json.dumps(event))
            assert made is not None
            told.append(made)
        settle(found)
        hub.busy = True
        painter = Painter(Palette(256))
        took = []
        for turn in range(FRAMES + 10):
            hub.now += 0.2
            hub.events += [told[(turn * 100 + place) % len(told)] for place in range(100)]
            began = time.thread_time()
            found.press("j" if turn % 20 < 10 else "k")
            found.turn()
            painter.paint(found.draw(WIDE, HIGH))
            found.turn()
            took.append((time.thread_time() - began) * 1000)
        took = sorted(took[10:])
        print(
            f"5,000 hosts, 100 events a frame, screen {name}, {WIDE}x{HIGH}: "
            f"processor time p50 {took[FRAMES // 2]:.2f} ms, "
            f"p99 {took[FRAMES * 99 // 100]:.2f} ms ({FRAMES} frames)"
        )


def calm(home: Path, seconds: float) -> None:
    """Look at each screen of 50 hosts for a while."""
    with hub(50, 50) as url:
        for name in SCREENS:
            flags = ("--host", "web-1") if name == "host" else ("--screen", name)
            with Screen(viewer(url, *flags), home) as screen:
                screen.until(lambda text: "LIVE" in text)
                screen.watch(8.0)
                cpu, written, frames = screen.cpu_seconds(), screen.bytes, screen.frames
                screen.watch(seconds)
                used = 100 * (screen.cpu_seconds() - cpu) / seconds
                each, count = (screen.bytes - written) / seconds, max(1, screen.frames - frames)
                frame = each * seconds / count
                whole = _repainted(screen)
                print(
                    f"50 hosts live, screen {name}, {WIDE}x{HIGH}: {used:.1f} % of a core, {screen.resident():.0f} MB; "
                    f"{count / seconds:.1f} frames/s of {frame:,.0f} bytes, {each:,.0f} bytes/s; "
                    f"a full repaint is {whole:,.0f} bytes: {100 * frame / whole:.0f} %"
                )


def _repainted(screen: Screen) -> float:
    """Bytes of the whole picture, as Ctrl-L asks for it."""
    sizes = []
    for _ in range(5):
        screen.watch(0.3)
        before, frames = screen.bytes, screen.frames
        screen.press("\x0c")
        while screen.frames == frames:
            screen.look(1.0)
        sizes.append(screen.bytes - before)
    return max(statistics.median(sizes), 1.0)


def peers(home: Path, seconds: float) -> None:
    """One host in the viewer, and this machine in btop and Glances, each at its usual pace."""
    with hub(1, 1) as url:
        programs = {"guardia view": viewer(url, "--host", "web-1")}
        if shutil.which("btop"):
            programs["btop"] = ["btop", "--utf-force"]
        if shutil.which("glances"):
            programs["Glances"] = ["glances", "--disable-check-update"]
        for name, argv in programs.items():
            with Screen(argv, home) as screen:
                screen.watch(8.0)
                cpu, written = screen.cpu_seconds(), screen.bytes
                screen.watch(seconds)
                used = 100 * (screen.cpu_seconds() - cpu) / seconds
                print(
                    f"one host, {WIDE}x{HIGH}, {name}: {used:.1f} % of a core, {screen.resident():.0f} MB, "
                    f"{(screen.bytes - written) / seconds:,.0f} bytes/s to the terminal"
                )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["keys", "frame", "calm", "peers"])
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if given.part in (None, "keys"):
            keys(home)
        if given.part in (None, "frame"):
            frame()
        if given.part in (None, "calm"):
            calm(home, given.seconds)
        if given.part in (None, "peers"):
            peers(home, given.seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Programs started on small disks, in a mount namespace: ``unshare --mount python -m tests.system.starting FOLDER``.

Reads lines ``PROGRAM MOUNT_OPTIONS [WORDS]`` and prints for each: exit code, and the last words. A program that has
started is asked to stop; where there are words, once it has said them. For options ``read-only`` and ``full`` stand
for a disk with the home's folders on it that is so.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SAID = ("trying again in", "Traceback", "a fault of Guardia's own")
PATIENCE = 60.0
SETTLED = 2.5
"""Seconds after its start in which a program tried everything once."""


def started_on(disk: Path, config: Path, program: str, options: str, words: str) -> tuple[int, str]:
    """Start a program with its home on a disk of these options; its exit code and what it wrote."""
    state = options if options in ("read-only", "full") else ""
    mounted = "size=1m" if state else options
    subprocess.run(["mount", "-t", "tmpfs", "-o", mounted, "none", disk], check=True)
    if state:
        _lived_on(disk, state)
    out = config.with_suffix(".out")
    environment = {**os.environ, "GUARDIA_CONFIG": str(config), "GUARDIA_HOME": str(disk / "var")}
    try:
        with out.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "bus.command", *program.split("-")],
                cwd=PROJECT,
                env=environment,
                stdout=file,
                stderr=file,
            )
        end = time.monotonic() + PATIENCE
        heard = 0.0
        while process.poll() is None and time.monotonic() < end:
            text = out.read_text(errors="replace")
            heard = heard or ("started" in text and time.monotonic()) or 0.0
            if any(one in text for one in SAID) or (words and words in text):
                break
            if not words and heard and time.monotonic() - heard > SETTLED:
                break
            time.sleep(0.02)
        while process.poll() is None and not _minds(process.pid, signal.SIGTERM) and time.monotonic() < end:
            time.sleep(0.02)  # it is about to wait, and to listen to being stopped
        process.terminate()
        return process.wait(PATIENCE), out.read_text(errors="replace")
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def _lived_on(disk: Path, state: str) -> None:
    """Make the home as programs leave it, then let nothing be written to its disk any more."""
    for folder in ("run", "log", "store"):
        (disk / "var" / folder).mkdir(parents=True, mode=0o700)
    if state == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        return
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


def _minds(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for this signal."""
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()
    return bool(caught) and bool(int(caught[0], 16) >> (number - 1) & 1)


def main(folder: Path) -> None:
    """Go through the lines."""
    config = folder / "guardia.toml"
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    for line in sys.stdin:
        program, options, words = (*line.split(maxsplit=2), "")[:3]
        code, text = started_on(disk, config, program, options, words.strip())
        print(json.dumps({"program": program, "options": options, "code": code, "text": text}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

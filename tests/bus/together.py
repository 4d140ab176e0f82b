"""Several real processes that do the same at the same moment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from tests.test_house import PROJECT

WAITS = "import sys; print('ready', flush=True); sys.stdin.readline()\n"


def together(program: str, arguments: Sequence[Sequence[str]], seconds: float = 60.0) -> list[tuple[int, str, str]]:
    """Run ``program`` once with each of ``arguments``, all at once; exit code, output and complaints of each."""
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", WAITS + program, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        for given in arguments
    ]
    try:
        for one in begun:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in begun:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        told = [one.communicate(timeout=seconds) for one in begun]
        return [(one.returncode, out, err) for one, (out, err) in zip(begun, told, strict=True)]
    finally:
        for one in begun:
            one.kill()
            one.wait(10)

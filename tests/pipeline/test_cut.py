"""A network that is cut without a word, and heals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_what_was_told_during_a_silent_cut_arrives_after_it_once_and_without_loss() -> None:
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    seconds = 8.0
    done = subprocess.run(
        [*own, sys.executable, "-m", "tests.pipeline.cutting", str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    account = json.loads(done.stdout)
    assert account["told"] - account["stored_at_the_end_of_the_cut"] > 0.8 * 1000 * seconds, "nothing was cut"
    assert (account["missing"], account["doubled"], account["ledger"]) == (0, 0, 0)
    assert account["seconds"] < 30

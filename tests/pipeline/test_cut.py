"""A network that is cut without a word, then loses every fifth packet and takes its time, then heals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CUT, BAD, RATE = 8.0, 8.0, 200.0


def test_what_was_told_over_a_cut_and_a_bad_path_arrives_once_and_without_loss() -> None:
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    done = subprocess.run(
        [*own, sys.executable, "-m", "tests.pipeline.cutting", str(CUT), str(BAD), str(RATE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    account = json.loads(done.stdout)
    assert account["missed_in_the_cut"] > 0.8 * CUT * RATE, "nothing was cut"
    assert account["packets_dropped"] > 20, "the path was not bad"
    assert (account["missing"], account["doubled"], account["ledger"]) == (0, 0, 0)
    assert account["seconds"] < 60

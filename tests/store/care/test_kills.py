"""kill -9 at random while a store is written to, sealed, pruned, copied and compacted: all is clean, nothing missing.

A few kills each run; 200 with ``GUARDIA_LONG``.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store.care.apart import MANIFEST
from store.care.restoring import checked
from store.care.verifying import verified
from tests.store.care.living import stored

LONG = "GUARDIA_LONG" in os.environ
KILLS = 200 if LONG else 6
ROOT = Path(__file__).parents[3]


def lived(folder: Path, seconds: float) -> tuple[list[str], int]:
    """Let the store live so long and kill all of it; returns (what it said, its exit code)."""
    said = folder / "said"
    with said.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.store.care.living", folder],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stderr is not None
    error = process.stderr.read().decode()
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL, error
    return said.read_text().splitlines(), process.returncode


@pytest.mark.timeout(3600 if LONG else 180)
def test_killed_again_and_again_it_is_clean_and_holds_what_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(5 if not LONG else time.time_ns())
    snapshots = 0
    for kill in range(KILLS):
        said, _ = lived(tmp_path, chance.uniform(0.6, 2.5))
        acknowledged = max((int(line.split()[1]) for line in said if line.startswith("acknowledged ")), default=0)
        pruned = max((int(line.split()[1]) for line in said if line.startswith("pruning ")), default=0)

        report = verified(tmp_path / "store")

        assert report.faults == [], f"kill {kill}"
        assert report.missing == {}, f"kill {kill}"
        for copy in tmp_path.glob("copy-*"):
            if (copy / MANIFEST).exists():
                snapshots += 1
                assert checked(copy)[1].faults == [], f"kill {kill}"
            shutil.rmtree(copy)
        held = stored(tmp_path / "store")
        wanted = {n for n in range(1, acknowledged + 1) if n > pruned}
        assert wanted <= held, f"kill {kill}: {sorted(wanted - held)[:5]} of {acknowledged} are missing"
    sealed = report.sealed["sample"]
    print(f"{KILLS} kills, {acknowledged} commits acknowledged, {sealed} records sealed, {snapshots} snapshots whole")
    assert acknowledged > 20
    assert not LONG or report.sealed["sample"]
    assert not LONG or snapshots

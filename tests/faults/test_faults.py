"""Whatever call that writes fails, and with what error: nothing acknowledged is missing, and what ends says why.

Some faults each run; with ``GUARDIA_LONG`` a thousand for each life. Where the kernel asks nobody about calls there is
nothing to go through: the tests are collected only where it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

import pytest

from tests.faults.injecting import can_inject
from tests.powercut.tracing import ROOT

LONG = "GUARDIA_LONG" in os.environ
MOST = int(os.environ.get("FAULTS_MOST", "1000" if LONG else "10"))
NAMES = ("storing", "regrouping", "sealing", "joining", "hourly", "archiving", "caring", "spooling")
MODULES = [f"tests.faults.{name}" for name in NAMES] if can_inject() else []


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.timeout(7200 if LONG else 1200)
def test_what_was_acknowledged_survives_a_call_that_fails(module: str) -> None:
    with tempfile.TemporaryDirectory(prefix="guardia-") as folder:  # the paths of sockets in it are short
        command = [sys.executable, "-m", "tests.faults.trial", module, f"{folder}/scratch", str(MOST)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    first, *verdicts = map(json.loads, done.stdout.splitlines())
    print(f"{module}: {first['calls']} calls, {len(verdicts)} faults")
    assert first["calls"] > 100
    assert len(verdicts) == first["faults"]
    assert [one for one in verdicts if one["wrong"]] == []

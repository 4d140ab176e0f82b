"""A hub whose disk the kernel made read-only answers, judges and tells people."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import WHY_NOT, can_unshare, unshared

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.skipif(not can_unshare("mount"), reason=WHY_NOT), pytest.mark.timeout(600)]


@pytest.fixture
def folder() -> Iterator[Path]:
    # The paths of ipc sockets are short: pytest's own folders are too deep.
    made = Path(tempfile.mkdtemp(prefix="guardia-"))
    yield made
    shutil.rmtree(made)


def fallen(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it in a mount namespace."""
    return subprocess.run(
        [*unshared("mount"), sys.executable, "-m", "tests.system.falling", folder, *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


def test_a_hub_whose_disk_becomes_read_only_goes_on_and_tells_people_once(folder: Path) -> None:
    if fallen(folder, "try").returncode:
        pytest.skip("this system lets nobody mount a file as a disk, or spoil it")

    done = fallen(folder)

    assert done.returncode == 0, done.stderr[-4000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["ended"] == []
    assert seen["range"], "the API answers"
    assert seen["twice"] == 0
    (told,) = seen["watchdog"]
    assert told.startswith("the disk on ")
    assert told.endswith("/var/run/supervisord: read-only file system")
    assert "store: degraded (its disk is full or read-only" in seen["status"]
    assert "alerter: degraded (its disk is full or read-only" in seen["status"]

"""Disks that are really full, under real programs: the hub's, and a producer's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.namespaces import WHY_NOT, can_unshare, unshared

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(not can_unshare("mount"), reason=WHY_NOT)


def _filled(case: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [*unshared("mount"), sys.executable, "-m", "tests.pipeline.filling", case, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    account: dict[str, Any] = json.loads(done.stdout)
    return account


def _can_loop(folder: Path) -> bool:
    """Whether a file can be mounted as a disk."""
    if shutil.which("mkfs.ext4") is None:
        return False
    image = folder / "try"
    with image.open("wb") as file:
        file.truncate(2_000_000)
    subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
    deed = [*unshared("mount"), "mount", "-o", "loop", str(image), "/mnt"]
    return subprocess.run(deed, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("system", ["tmpfs", "ext4"])
def test_a_hub_whose_disk_is_full_stays_up_and_misses_nothing_once_there_is_room(system: str, tmp_path: Path) -> None:
    if system == "ext4" and not _can_loop(tmp_path):
        system = "tmpfs"

    account = _filled(f"store-{system}", tmp_path)

    assert account["told"] > 2500
    assert (account["missing"], account["doubled"], account["ledger"]) == (0, 0, 0)
    assert account["gained"] == 0, "nothing is stored on a full disk"
    assert account["same"], "the writer lived through it"


def test_what_a_producer_with_a_full_disk_cannot_keep_is_counted_to_the_last(tmp_path: Path) -> None:
    account = _filled("spool", tmp_path)

    assert (account["missing"], account["doubled"]) == (0, 0), "what was on the disk before and after is stored"
    assert account["dropped"] > 500
    # A layout is a message too, and no sample.
    assert 0 <= account["ledger"] - account["dropped"] <= 2

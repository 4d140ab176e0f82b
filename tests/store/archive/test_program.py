"""The programs with an archive: the sealer moves what is due, verify reads it, a snapshot names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store.archive import files
from store.backends import opened
from store.backends.lmdb import LmdbBackend
from tests.store.given import DAY, NOON, batch, layout, sample


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with blocks of a day long past, and the configuration ``guardia.toml``."""
    made = LmdbBackend(tmp_path / "store", write=True)
    made.commit(batch([layout(), *(sample(n) for n in range(1, 100))]), NOON)
    made.close()
    subprocess.run([sys.executable, "-m", "tests.store.sealing", tmp_path / "store", str(NOON + 2 * DAY)], check=True)
    writer = LmdbBackend(tmp_path / "store", write=True)
    assert writer._past.sealed.unlink(2**62, writer._note_sealed) == 1
    writer.close()
    (tmp_path / "guardia.toml").write_text(
        "[store]\nkeep_samples_seconds = '5000w'\nroom_bytes = 0\narchive = 'old'\narchive_after_seconds = '2d'\n"
    )
    return tmp_path


def asked(home: Path, word: str, *more: str) -> dict[str, object]:
    """What a command of the store's care says."""
    code = f"import sys; from store.care.command import {word}; sys.exit({word}(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *more, "--json", "--config", str(home / "guardia.toml")]
    done = subprocess.run(
        command, env={**os.environ, "GUARDIA_HOME": str(home)}, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def test_the_sealer_moves_what_is_due_and_the_rest_of_the_house_knows(home: Path) -> None:
    sealer = subprocess.Popen(
        [sys.executable, "-m", "store.sealing_program", "--config", str(home / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(home)},
    )
    try:
        end = time.monotonic() + 300
        while not files.files(home / "old") or list(home.glob("store/blocks/sample/raw/*")):
            assert sealer.poll() is None
            assert time.monotonic() < end, "nothing was moved"
            time.sleep(0.1)
        sealer.terminate()
        assert sealer.wait(60) == 0
    finally:
        sealer.kill()
        sealer.wait()

    reader = opened("lmdb", home / "store", write=False, archive=home / "old")
    assert len(reader.rows("sample", "web-1", 0, 2**62)) == 99
    reader.close()
    report = asked(home, "verify")
    assert (report["archived"], report["faults"], report["missing"]) == ({"sample": 99}, [], {})
    assert asked(home, "snapshot", str(home / "copy"))["archive"] == str(home / "old")
    assert json.loads((home / "copy" / "snapshot.json").read_text())["archive"] == str(home / "old")
    for path in files.files(home / "old"):
        path.unlink()
    assert "1 of them are not there" in str(asked(home, "restore", str(home / "copy"), "--verify")["archive"])


def test_without_an_archive_pyarrow_is_never_imported(tmp_path: Path) -> None:
    code = (
        "import sys, store.sealing_program, store.__main__, store.care.command, store.stats; from pathlib import Path;"
        "from store.backends import opened;"
        "b = opened('lmdb', Path(sys.argv[1]), write=True, archive=Path(sys.argv[1] + '.old'));"
        "b.rows('sample', 'web-1', 0, 2**62); b.close(); print('pyarrow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

"""The sealer as a program: it ends soon after it is asked to, whatever it is about, and leaves nothing half made."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from store.backends.lmdb import LmdbBackend
from store.blocks.segments import NEW, Segment
from tests.store.given import DAY, MINUTE, NOON, batch, layout, sample

HOSTS = tuple(f"web-{number}" for number in range(200))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_sealer_in_the_middle_of_a_day_ends_soon_and_leaves_no_half_file(
    tmp_path: Path, number: signal.Signals
) -> None:
    made = LmdbBackend(tmp_path / "store", write=True)
    told = [sample(n, host=host, at=NOON + n * MINUTE) for host in HOSTS for n in (1, 2)]
    made.commit(batch([*map(layout, HOSTS), *told]), NOON)
    made.close()
    noon = str(NOON + DAY // 2)
    subprocess.run([sys.executable, "-m", "tests.store.sealing", str(tmp_path / "store"), noon], check=True)
    (tmp_path / "guardia.toml").write_text("[store]\nkeep_samples_seconds = '5000w'\nroom_bytes = 0\n")
    raw = tmp_path / "store" / "blocks" / "sample" / "raw"
    assert [path.name for path in raw.iterdir()] == ["20260131T12.1h"]

    sealer = subprocess.Popen(
        [sys.executable, "-m", "store.sealing_program", "--config", str(tmp_path / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path), "GUARDIA_FAULTS": "seal.join=sleep:0.5"},
    )
    try:
        end = time.monotonic() + 60
        while not list(raw.glob(f"*.1d{NEW}")):
            assert sealer.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        sealer.send_signal(number)
        assert sealer.wait(30) == 0, "the day would take a hundred seconds"
    finally:
        sealer.kill()
        sealer.wait()

    assert [path.name for path in raw.iterdir()] == ["20260131T12.1h"]
    assert not list(tmp_path.glob(f"store/blocks/*/*/*{NEW}"))


@pytest.mark.parametrize("leapt", [False, True])
def test_a_sealer_drops_what_is_old_unless_the_clock_leapt_ahead(tmp_path: Path, leapt: bool) -> None:
    made = LmdbBackend(tmp_path / "store", write=True)
    made.commit(batch([layout(), sample(1)]), NOON)
    if leapt:
        made.retain({}, NOON)
    made.close()
    later = str(NOON + 2 * DAY)
    subprocess.run([sys.executable, "-m", "tests.store.sealing", str(tmp_path / "store"), later], check=True)
    writer = LmdbBackend(tmp_path / "store", write=True)
    assert writer._past.sealed.unlink(2**62, writer._note_sealed) == 1
    writer.close()
    (tmp_path / "guardia.toml").write_text("[store]\nkeep_samples_seconds = '7d'\nroom_bytes = 0\n")
    (day,) = (tmp_path / "store" / "blocks" / "sample" / "raw").iterdir()
    log = tmp_path / "log" / "store-sealer.log"

    sealer = subprocess.Popen(
        [sys.executable, "-m", "store.sealing_program", "--config", str(tmp_path / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path)},
    )
    try:
        end = time.monotonic() + 60
        while not (log.exists() and "days ahead" in log.read_text()) if leapt else day.exists():
            assert sealer.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        sealer.terminate()
        assert sealer.wait(30) == 0
    finally:
        sealer.kill()
        sealer.wait()

    assert day.exists() == leapt


def test_a_sealer_tells_of_a_bit_that_changed_in_what_is_sealed_though_nobody_asks_for_it(tmp_path: Path) -> None:
    made = LmdbBackend(tmp_path / "store", write=True)
    made.commit(batch([layout(), *[sample(n) for n in range(1, 60)]]), NOON)
    made.close()
    noon = str(NOON + DAY // 2)
    subprocess.run([sys.executable, "-m", "tests.store.sealing", str(tmp_path / "store"), noon], check=True)
    (hour,) = (tmp_path / "store" / "blocks" / "sample" / "raw").iterdir()
    segment = Segment(hour)
    (place,) = segment.places("web-1")
    segment.close()
    data = bytearray(hour.read_bytes())
    data[place.offset + place.length // 2] ^= 1
    hour.write_bytes(data)
    (tmp_path / "guardia.toml").write_text("[store]\nkeep_samples_seconds = '5000w'\nroom_bytes = 0\n")
    log = tmp_path / "log" / "store-sealer.log"

    sealer = subprocess.Popen(
        [sys.executable, "-m", "store.sealing_program", "--config", str(tmp_path / "guardia.toml")],
        env={**os.environ, "GUARDIA_HOME": str(tmp_path), "GUARDIA_FAULTS": "seal.join=sleep:60"},
    )
    try:
        end = time.monotonic() + 60
        while not (log.exists() and f"damaged: {hour}: web-1: " in log.read_text()):
            assert sealer.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
    finally:
        sealer.kill()
        sealer.wait()

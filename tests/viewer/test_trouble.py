"""The real program in trouble: windows that change and vanish, a hub that is slow, strange, dead or another one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.viewer.fleet import fleet
from tests.viewer.hub import Hub
from tests.viewer.seat import PROJECT, Seat


@contextmanager
def hub(hosts: int = 3, **more: object) -> Iterator[Hub]:
    found = Hub(fleet(hosts), rate=50, **more)  # type: ignore[arg-type]
    try:
        yield found
    finally:
        found.close()


def test_a_storm_of_sizes_and_keys_ends_in_a_whole_picture(tmp_path: Path) -> None:
    chance = random.Random(7)
    with hub() as found, Seat(tmp_path, "--url", found.url, "--host", "web-1") as seat:
        seat.until("● LIVE")
        for _ in range(60):
            seat.resize(chance.randint(1, 230), chance.randint(1, 70))
            seat.press(chance.choice("jk-+12340<>p?\t\r"))
            seat.look(0.002)
        seat.resize(100, 30)
        seat.press("0")
        seat.until(lambda text: len(text.splitlines()) == 30 and text.splitlines()[29].endswith("window 5m"))
        assert seat.screen.scrolled == 0
        seat.press("q")
        assert seat.ended() == 0
        assert seat.is_restored()


def test_a_window_that_is_closed_ends_it_without_a_word(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with hub() as found, Seat(tmp_path, "--url", found.url, errors=errors) as seat:
        seat.until("web-1")
        assert seat.vanish() == 0
    assert errors.read_text() == ""


def test_a_slow_hub_does_not_make_keys_slow(tmp_path: Path) -> None:
    with hub() as found, Seat(tmp_path, "--url", found.url, "--screen", "hosts") as seat:
        seat.until("web-1")
        found.delay = 60.0
        seat.press("-")
        seat.until("window 15m")
        seat.press("\r")
        seat.until("Filesystems")
        seat.press("q")
        assert seat.ended() == 0, "it does not wait for answers when it is left"


def test_a_hub_that_comes_back_with_another_token_is_told(tmp_path: Path) -> None:
    with hub(token="right") as found, Seat(tmp_path, "--url", found.url, GUARDIA_TOKEN="right") as seat:
        seat.until("● LIVE")
        found.close()
        seat.until("RECONNECTING")
        with hub(token="other", port=found.port):
            seat.press("r")
            text = seat.until("refuses this token")
            assert "right" not in text
            seat.until("OFFLINE")
            seat.press("q")
            assert seat.ended() == 0
            assert seat.is_restored()


def test_a_hub_that_is_killed_in_the_middle_of_a_word_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-m", "tests.viewer.hub", "--hosts", "2", "--port", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        with Seat(tmp_path, "--url", url) as seat:
            seat.until("● LIVE")
            os.kill(program.pid, signal.SIGSTOP)
            seat.press("j")
            os.kill(program.pid, signal.SIGKILL)
            seat.until("RECONNECTING")
            with hub(4, port=port):
                seat.press("r")
                seat.until("queue-1")
                seat.until("● LIVE")
            seat.press("q")
            assert seat.ended() == 0
            assert seat.is_restored()


def test_noise_in_place_of_events_and_answers_is_no_reason_to_end(tmp_path: Path) -> None:
    chance = random.Random(3)
    with hub() as found, Seat(tmp_path, "--url", found.url, "--screen", "hosts") as seat:
        seat.until("● LIVE")
        for _ in range(200):
            found.tell("".join(chr(chance.randint(0, 0x2FF)) for _ in range(chance.randint(0, 300))))
        found.tell(
            '{"type": "metric", "server_id": "web-1", "timestamp": "2026-01-01T00:00:00Z", "values": ' + "[" * 50_000
        )
        found.tell('{"type": "alert", "subject": 5, "timestamp": {}}', "null", "[]", '"metric"', '{"type": ["metric"]}')
        seat.press("j")
        seat.until("db-1")
        seat.until("● LIVE")
        seat.press("q")
        assert seat.ended() == 0
        assert seat.is_restored()


def noise(chance: random.Random) -> bytes:
    """An answer that nobody could mean."""
    kinds = (
        lambda: chance.randbytes(chance.randint(0, 2000)),
        lambda: b'{"servers": ' + b"[" * 50_000,
        lambda: (
            b'{"servers": {"a": 1}, "alerts": 7, "incidents": [null, {"subject": "x", "started_at": []}], "next": {}}'
        ),
        lambda: (
            b'{"servers": [{"server_id": "x", "metrics": 3, "timestamp": "\\u001b[2J"}, 5], "checks": {"store": null}}'
        ),
        lambda: b"null",
        lambda: b'{"times": "no", "series": {"cpu.percent": [1, [2, "3"], {}]}, "rules": [{}], "labels": {"hosts": 3}}',
    )
    return chance.choice(kinds)()


def test_noise_in_place_of_every_answer_is_no_reason_to_end_and_over_when_it_is_over(tmp_path: Path) -> None:
    chance = random.Random(5)
    with hub() as found, Seat(tmp_path, "--hub", found.url, "--screen", "hosts") as seat:
        seat.until("● LIVE")
        seat.until("web-1")
        found.noise = lambda: noise(chance)
        for screen in "123456":
            asked = len(found.asked)
            seat.press(f"{screen}r-")
            seat.until(lambda _, asked=asked: len(found.asked) >= asked + 3)  # type: ignore[misc]
            seat.press("b+")
        found.noise = None
        seat.press("02r")
        seat.until(lambda text: "db-1" in text and "● LIVE" in text and "⣿" in text)
        seat.press("q")
        assert seat.ended() == 0
        assert seat.is_restored()


def test_what_was_missed_while_the_hub_was_away_is_filled_in(tmp_path: Path) -> None:
    with hub(1) as found, Seat(tmp_path, "--hub", found.url, "--host", "web-1") as seat:
        seat.until(lambda text: "● LIVE" in text and "⣿" in text)
        found.close()
        seat.until("RECONNECTING")
        with hub(1, port=found.port) as again:
            seat.press("r")
            seat.until("● LIVE")
            seat.until(lambda _: any("/series?" in path for path in again.asked))
        seat.press("q")
        assert seat.ended() == 0


def test_a_window_that_changes_while_it_is_stopped_is_filled_when_it_goes_on(tmp_path: Path) -> None:
    with hub() as found, Seat(tmp_path, shell=True, PS1="> ") as seat:
        seat.until(">")
        seat.press(f"{sys.executable} -m viewer --hub {found.url} --screen hosts\r")
        seat.until("web-1")
        seat.press("\x1a")
        seat.until(lambda text: "Stopped" in text and text.rstrip().endswith("\n>"))
        seat.resize(110, 35)
        seat.press("fg\r")
        seat.until(lambda text: len(text.splitlines()) == 35 and text.splitlines()[34].endswith("window 5m"))
        assert seat.screen.scrolled == 0
        seat.press("q")
        seat.until(lambda text: 1049 not in seat.screen.modes and text.rstrip().endswith("\n>"))
        seat.press("exit\r")
        assert seat.ended() == 0


def test_a_window_that_is_closed_while_the_hub_is_away_ends_it_too(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    with hub() as found, Seat(tmp_path, "--hub", found.url, errors=errors) as seat:
        seat.until("● LIVE")
        found.close()
        seat.until("RECONNECTING")
        assert seat.vanish() == 0
    assert errors.read_text() == ""

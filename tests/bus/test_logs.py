"""Log lines: one line each, without secrets, whatever came from outside."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import logging
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import logs
from bus.harmless import safe
from bus.tables import Bus


@pytest.fixture(autouse=True)
def usual_logging() -> Iterator[None]:
    """Leave logging as it was."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    yield
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    logging.raiseExceptions = raising


def test_a_line_is_a_sentence_with_time_level_and_program(tmp_path: Path) -> None:
    out = io.StringIO()
    logs.opened("collector", tmp_path, Bus(), stream=out).warning("refused %d frames", 3)

    at, level, program, *words = out.getvalue().split()
    assert at.startswith("at=20")
    assert at.endswith("Z")
    assert (level, program, words) == ("level=warning", "collector:", ["refused", "3", "frames"])
    assert (tmp_path / "collector.log").read_text() == out.getvalue()


def test_json_lines_have_the_same_fields() -> None:
    out = io.StringIO()
    logs.opened("api", None, Bus(log_format="json"), stream=out).error("it failed: é")
    found = json.loads(out.getvalue())
    assert (found["level"], found["program"], found["text"]) == ("error", "api", "it failed: é")


@pytest.mark.parametrize("form", ["logfmt", "json"])
@pytest.mark.parametrize("letter", ["x", "é", '"', "\U0001f600"])
def test_a_line_that_no_pipe_takes_in_one_piece_is_cut_and_stands_whole_in_the_file(
    form: str, letter: str, tmp_path: Path
) -> None:
    out = io.StringIO()
    logs.opened("api", tmp_path, Bus(log_format=form), stream=out).error("%s", letter * 3000 + "end")
    line = out.getvalue()

    assert len(line.encode()) <= select.PIPE_BUF
    assert ("end" in line) == (letter == "x" or (letter, form) == ('"', "logfmt"))
    assert form == "logfmt" or json.loads(line)["text"].startswith(letter)
    assert "end" in (tmp_path / "api.log").read_text()


def test_a_traceback_stands_in_the_file_alone(tmp_path: Path) -> None:
    out = io.StringIO()
    log = logs.opened("api", tmp_path, Bus(), stream=out)
    try:
        raise ValueError("token=s3same")
    except ValueError:
        log.critical("a fault of Guardia's own", exc_info=True)

    assert len(out.getvalue().splitlines()) == 1
    text = (tmp_path / "api.log").read_text()
    assert "Traceback" in text
    assert "s3same" not in text


@given(st.text())
def test_no_text_from_outside_can_forge_a_line_or_move_the_cursor(text: str) -> None:
    assert safe(text).isprintable() or not [c for c in safe(text) if ord(c) < 32 or 0x7F <= ord(c) < 0xA0]
    assert "\n" not in safe(text)
    assert "\x1b" not in safe(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET /stream?token=s3same HTTP/1.1",
        "Authorization: Bearer s3same",
        "{'password': 's3same'}",
        "secret = s3same, host=web-1",
        'API_KEY="s3same"',
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str) -> None:
    assert "s3same" not in logs.redacted(text)
    assert "***" in logs.redacted(text)


@pytest.mark.parametrize(("size", "least"), [(100, 0), (6000, 0), (100, 1024)])
def test_a_pipe_that_nobody_reads_does_not_stop_the_program(size: int, least: int, tmp_path: Path) -> None:
    reading, first = os.pipe()
    writing = fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, least)  # whatever number it has: select knows 1,024
    os.close(first)
    stream = os.fdopen(writing, "w")
    log = logs.opened("collector", tmp_path, Bus(), stream=stream)

    def tell() -> None:
        for number in range(1000):
            log.warning("line %d %s", number, "x" * size)

    telling = threading.Thread(target=tell, daemon=True)
    telling.start()
    telling.join(60)
    told = (tmp_path / "collector.log").read_text().count("\n")
    os.close(reading)
    log.warning("nobody is there any more")
    with contextlib.suppress(BrokenPipeError):
        stream.close()
    assert told == 1000


def test_a_file_is_put_aside_at_its_size(tmp_path: Path) -> None:
    log = logs.opened("api", tmp_path, Bus(log_bytes=100_000, log_files=2), stream=io.StringIO())
    for _ in range(400):
        log.warning("x" * 1000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["api.log", "api.log.1", "api.log.2"]
    assert all(path.stat().st_size <= 101_000 for path in tmp_path.iterdir())


def test_text_that_is_no_unicode_does_not_cost_the_line(tmp_path: Path) -> None:
    log = logs.opened("agent", tmp_path, Bus(), stream=io.StringIO())
    try:
        raise OSError("caf\udce9")
    except OSError:
        log.error("cannot read %s", os.fsdecode(b"caf\xe9"), exc_info=True)
    text = (tmp_path / "agent.log").read_text()
    assert "cannot read caf\\xdce9" in text
    assert "OSError: caf\\xdce9" in text


def test_an_errors_text_in_a_traceback_cannot_forge_a_line_either(tmp_path: Path) -> None:
    log = logs.opened("api", tmp_path, Bus(), stream=io.StringIO())
    try:
        raise ValueError("bad\nat=2026-01-31T12:00:00.000Z level=info api: all is well\x1b[2J")
    except ValueError:
        log.critical("a fault of Guardia's own", exc_info=True)
    lines = (tmp_path / "api.log").read_text().splitlines()
    assert len([line for line in lines if line.startswith("at=")]) == 1
    assert "\x1b" not in "".join(lines)

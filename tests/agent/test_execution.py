"""A program is run to its end, and nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from agent.execution import MOST_OUTPUT, Executor, Failed, Stuck, killed
from tests.agent.given import alive

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "GUARDIA_HOST": "web-1"}


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plugin"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def children() -> set[int]:
    """This process's children; other tests of the same process may have some of their own."""
    return {child.pid for child in psutil.Process().children()}


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before


def test_output_complaint_and_exit_code_are_told(tmp_path: Path) -> None:
    ended = Executor(ENVIRONMENT).run(script(tmp_path, "echo queued 17; echo oh >&2; exit 3"), 60)
    assert ended == (3, b"queued 17\n", b"oh\n")


def test_the_environment_is_what_was_handed_in_and_nothing_else(tmp_path: Path) -> None:
    os.environ["GUARDIA_TEST_SECRET"] = "s3cret"
    try:
        ended = Executor(ENVIRONMENT).run(script(tmp_path, "env; pwd; cat"), 60)
    finally:
        del os.environ["GUARDIA_TEST_SECRET"]
    lines = ended.output.decode().splitlines()
    assert "GUARDIA_HOST=web-1" in lines
    assert not any("s3cret" in line for line in lines)
    assert lines[-1] == "/"


def test_a_program_that_takes_too_long_is_killed_with_all_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    path = script(tmp_path, f"sleep 600 & echo $! > {child}; sleep 600")
    began = time.monotonic()
    with pytest.raises(Failed, match=r"longer than 1 s"):
        Executor(ENVIRONMENT).run(path, 1.0)
    assert time.monotonic() - began < 60
    wait_for(lambda: not alive(child))


def test_a_program_that_closes_its_output_and_stays_is_killed_too(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="longer"):
        Executor(ENVIRONMENT).run(script(tmp_path, "exec >&- 2>&-; sleep 600"), 0.3)


def test_what_it_left_in_the_background_neither_delays_nor_survives(tmp_path: Path) -> None:
    child = tmp_path / "child"
    began = time.monotonic()
    ended = Executor(ENVIRONMENT).run(script(tmp_path, f"sleep 600 & echo $! > {child}; echo queued 1"), 30)
    assert ended.output == b"queued 1\n"
    assert time.monotonic() - began < 25
    wait_for(lambda: not alive(child))


def test_a_program_that_prints_without_end_is_killed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="too much"):
        Executor(ENVIRONMENT).run(script(tmp_path, "exec yes queued 1"), 30)


def test_as_much_as_is_allowed_is_taken_whole(tmp_path: Path) -> None:
    ended = Executor(ENVIRONMENT).run(script(tmp_path, f"head -c {MOST_OUTPUT} /dev/zero"), 30)
    assert len(ended.output) == MOST_OUTPUT


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"\0\1\2\3", r"it has no first line that says what runs it, as #!/bin/sh"),
        (b"#!/usr/bin/no-such-python\n", r"what its first line names to run it \(#!\) is not there"),
        (None, "no such file or directory"),
    ],
)
def test_a_file_that_is_no_program_cannot_be_run(written: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "plugin"
    if written is not None:
        path.write_bytes(written)
        path.chmod(0o755)
    with pytest.raises(Failed, match=told):
        Executor(ENVIRONMENT).run(path, 60)


def test_closing_ends_what_runs_and_lets_nothing_new_begin(tmp_path: Path) -> None:
    # given a program that runs in a thread
    started, executor = tmp_path / "started", Executor(ENVIRONMENT)
    path = script(tmp_path, f"echo $$ > {started}; sleep 600")
    thread = threading.Thread(target=lambda: executor.run(path, 600))
    thread.start()
    wait_for(lambda: started.exists() and started.read_text() != "")
    # when
    executor.close()
    # then
    thread.join(30)
    assert not thread.is_alive()
    assert not alive(started)
    with pytest.raises(Failed, match="stopping"):
        executor.run(path, 60)


@pytest.mark.parametrize("left", ["exec sleep 600", "sleep 600 & exit 0"])
def test_what_cannot_be_ended_is_not_waited_for_nor_begun_again_until_it_has_ended(left: str, tmp_path: Path) -> None:
    # given a program that cannot be killed, as one that waits for a disk that is gone or became another user's
    groups: list[int] = []
    executor = Executor(ENVIRONMENT, grace=0.1, end=groups.append)
    path = script(tmp_path, f"echo begun >> {tmp_path}/begun; {left}")
    with pytest.raises(Stuck, match=r"its process group \d+ cannot be ended"):
        executor.run(path, 0.5)
    # when it is asked for again
    with pytest.raises(Stuck, match=r"its process group \d+ cannot be ended"):
        executor.run(path, 0.5)
    # then it is not begun twice, and another one is run
    wait_for(lambda: (tmp_path / "begun").exists())
    (tmp_path / "other").mkdir()
    other = script(tmp_path / "other", "echo queued 1")
    assert executor.run(other, 60).output == b"queued 1\n"
    # and it is begun anew once it has ended
    assert len(groups) == 2
    assert (tmp_path / "begun").read_text() in ("", "begun\n")
    killed(groups[0])
    path.write_text("#!/bin/sh\necho queued 2")
    wait_for(lambda: runs(executor, path) == b"queued 2\n")


def runs(executor: Executor, path: Path) -> bytes:
    """What it prints; nothing while it may not be begun."""
    try:
        return executor.run(path, 60).output
    except Stuck:
        return b""


def test_what_has_ended_and_is_noticed_by_nobody_does_not_count(tmp_path: Path) -> None:
    # given a program in whose group there is one that has ended, and whose parent lives on elsewhere
    path = script(
        tmp_path,
        f"""exec {sys.executable} -c '
import os, time
if not os.fork():
    parent = os.fork()
    if parent:
        os.setsid()
        open("{tmp_path}/parent", "w").write(str(os.getpid()))
        time.sleep(600)
while not os.path.exists("{tmp_path}/parent"):
    time.sleep(0.01)
print("queued 1")
'""",
    )
    try:
        assert runs(Executor(ENVIRONMENT, grace=5.0), path).startswith(b"queued 1\n")
    finally:
        os.kill(int((tmp_path / "parent").read_text()), signal.SIGKILL)


def test_where_one_takes_long_to_begin_others_do_not_wait_and_it_ends_where_all_has(tmp_path: Path) -> None:
    begun, goes = threading.Event(), threading.Event()

    class Slow(Executor):
        """As where the file is on a server that does not answer."""

        def _begun(self, path: Path) -> subprocess.Popen[bytes]:
            if path.name == "slow":
                begun.set()
                assert goes.wait(30)
            return super()._begun(path)

    executor = Slow(ENVIRONMENT)
    script(tmp_path, "exec sleep 60").rename(tmp_path / "slow")
    path, codes = script(tmp_path, "echo queued 1"), list[int]()
    thread = threading.Thread(target=lambda: codes.append(executor.run(tmp_path / "slow", 60).code))
    thread.start()
    assert begun.wait(30)
    assert executor.run(path, 60).output == b"queued 1\n"
    executor.close()
    goes.set()
    thread.join(30)
    assert codes == [-signal.SIGKILL]

"""A second host joins a supervised hub with the line that was printed there, is seen, and is cut when it is revoked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bus import __version__
from tests.system.supervised import BIN, Hub, until

pytestmark = [pytest.mark.system, pytest.mark.slow]


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="guardia-"))  # the paths of ipc sockets are short
    yield made
    shutil.rmtree(made)


class Agent:
    """An agent with a folder of its own, as on another host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.config = folder / "agent.toml"
        self.config.write_text("[agent]\ninterval = 0.2\n")
        self.out = folder / "agent.out"
        self.process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, typed: str = "") -> subprocess.Popen[str]:
        """Start it; ``typed`` is what it reads from standard input."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERVISOR_")}
        with self.out.open("ab") as out:
            self.process = subprocess.Popen(
                [BIN / "guardia", "agent", *arguments],
                env={**environment, "GUARDIA_CONFIG": str(self.config)},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                text=True,
            )
        assert self.process.stdin is not None
        self.process.stdin.write(typed)
        self.process.stdin.close()
        return self.process

    def stop(self) -> int:
        """End it; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.process = None


@pytest.fixture
def hub(folder: Path) -> Iterator[Hub]:
    made = Hub(folder)
    made.start()
    try:
        until(made.all_run, 60, "all programs run")
        yield made
    finally:
        made.stop()


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    made = Agent(folder / "b")
    yield made
    made.stop()


def last_seen(hub: Hub, name: str) -> str | None:
    """When the host was seen last, as the API tells; None: it is not there."""
    servers = (hub.ask("servers") or {}).get("servers", [])
    found = [one.get("last_seen") for one in servers if name in (one.get("server_id"), one.get("display_name"))]
    return found[0] if found else None


def is_fresh(hub: Hub, name: str, seconds: float = 60) -> bool:
    """Whether something new of the host comes within so many seconds."""
    before = last_seen(hub, name)
    try:
        until(lambda: last_seen(hub, name) not in (None, before), seconds, "news")
    except AssertionError:
        return False
    return True


def newest(hub: Hub, name: str, until_when: datetime) -> datetime:
    """When the host was seen last, once all that was let in until then is told: the hub's own host tells of later.

    All comes up one stair in its order; an answer is one worker's, who has heard of both by it.
    """

    def told() -> datetime | None:
        servers = (hub.ask("servers") or {}).get("servers", [])
        seen = {one["server_id"]: datetime.fromisoformat(one["last_seen"]) for one in servers if one["last_seen"]}
        return seen.get(name) if seen.get("web-1", until_when) > until_when else None

    return until(told, 60, f"all is told of {name}")


def test_a_host_joins_with_the_printed_line_and_is_cut_within_a_second_when_it_is_revoked(
    hub: Hub, agent: Agent
) -> None:
    # when it is enrolled and joins
    enrolled = hub.guardia("enroll", "web-2")
    assert enrolled.returncode == 0, enrolled.stderr
    agent.start("--join", "-", typed=enrolled.stdout)
    until(lambda: is_fresh(hub, "web-2"), 60, f"web-2 is on the API\n{agent.out.read_text()}")

    # then the hub's own agent goes on too, and the list shows who is there
    assert is_fresh(hub, "web-1"), hub.log.read_text()[-2000:]
    until(
        lambda: any(line.endswith(__version__) for line in hub.guardia("agents").stdout.splitlines()), 60, "a version"
    )
    assert "web-2" in hub.guardia("agents").stdout
    key = agent.folder / "var" / "keys" / "agent.key"
    assert key.stat().st_mode & 0o777 == 0o600

    # and after a second start it needs no line
    assert agent.stop() == 0
    agent.start()
    assert is_fresh(hub, "web-2"), agent.out.read_text()

    # when it is revoked, then a second later nothing of it is let in any more; a busy machine has two more
    assert hub.guardia("revoke", "web-2").returncode == 0
    revoked = datetime.now(UTC)
    seen = newest(hub, "web-2", revoked + timedelta(seconds=3))
    assert seen - revoked < timedelta(seconds=3)
    assert newest(hub, "web-2", datetime.now(UTC) + timedelta(seconds=3)) == seen

    # when it is enrolled anew while it runs, then it goes on by itself
    again = agent.folder / "again"
    again.write_text(hub.guardia("enroll", "web-2").stdout)
    with again.open() as line:
        joined = subprocess.run(
            [BIN / "guardia", "agent", "--join", "-", "--config", agent.config],
            stdin=line,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert joined.returncode == 0, joined.stderr
    assert "uses the new keys" in joined.stderr
    assert is_fresh(hub, "web-2"), agent.out.read_text()


def test_a_host_that_made_its_own_key_never_tells_it_and_its_command_line_shows_no_secret(
    hub: Hub, agent: Agent
) -> None:
    # given a host that asks
    asked = subprocess.run(
        [BIN / "guardia", "agent", "--request", "--config", agent.config],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    # when its public half is enrolled, and it joins with the line that came back
    enrolled = hub.guardia("enroll", "web-3", f"--key={asked.stdout.strip()}")
    assert enrolled.returncode == 0, enrolled.stderr
    secret = (agent.folder / "var" / "keys" / "agent.key").read_text().split()[-1]
    process = agent.start("--join", enrolled.stdout.strip())
    until(lambda: is_fresh(hub, "web-3"), 60, f"web-3 is on the API\n{agent.out.read_text()}")

    # then it runs with the key it made, and neither line nor key are in its command line
    assert (agent.folder / "var" / "keys" / "agent.key").read_text().split()[-1] == secret
    command = Path(f"/proc/{process.pid}/cmdline").read_text()
    assert "guardia1_" not in command
    assert secret not in command

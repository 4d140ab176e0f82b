"""The agent as it is run: a process of its own that pushes into a door of ours."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from bus import standing
from bus.messages import KINDS, Facts, Layout, Processes, Sample, layout_id
from bus.sockets import Pull
from bus.wire import Record, read
from tests.agent.given import alive, plugin
from tests.ports import free_ports

CONFIG = """[bus]
door = "{door}"
receipts = "{receipts}"
[agent]
name = "web-1"
interval = 0.2
process_seconds = 1
plugin_interval = 1
"""


class Door:
    """Where the agent pushes to."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]]) -> None:
        self._pull = Pull(context)
        self.address = self._pull.bind("tcp://127.0.0.1:*")
        # An agent sends when it can hear: nobody answers here.
        self._receipts = context.socket(zmq.ROUTER)
        self._receipts.setsockopt(zmq.LINGER, 0)
        self.receipts = f"tcp://127.0.0.1:{self._receipts.bind_to_random_port('tcp://127.0.0.1')}"
        self.records: list[Record] = []

    def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Take records until the condition holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"only {[record.kind for record in self.records][-20:]}"
            if self._pull.raw.poll(50):
                for frame in self._pull.drain():
                    self.records.extend(read(frame))

    def of(self, kind: str) -> list[Record]:
        """The records of one kind so far."""
        return [record for record in self.records if record.kind == kind]

    def close(self) -> None:
        self._pull.close()
        self._receipts.close()


@pytest.fixture
def door() -> Iterator[Door]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = Door(context)
    yield made
    made.close()
    context.term()


def configured(tmp_path: Path, door: str, receipts: str = "tcp://127.0.0.1:1") -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(CONFIG.format(door=door, receipts=receipts))
    return file


Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def started(door: str, receipts: str) -> subprocess.Popen[str]:
        file = configured(tmp_path, door, receipts)
        command = [sys.executable, "-m", "agent", "--config", str(file)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, float, str]:
    """(exit code, seconds, log) of a process that is asked to stop."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=60)
    return process.returncode, time.monotonic() - began, log


def test_layout_samples_facts_processes_and_plugins_reach_the_door_and_sigterm_ends_it(
    door: Door, start: Start, tmp_path: Path
) -> None:
    # given
    plugin(tmp_path / "agent.d", "mail", "echo queued 17")
    agent = start(door.address, door.receipts)

    # when a sample with the plugin's value has come
    def with_plugin() -> bool:
        layouts = [KINDS["layout"].decode(record.body) for record in door.of("layout")]
        return any("plugin[mail].queued" in layout.names for layout in layouts)

    door.until(with_plugin)
    door.until(lambda: bool(door.of("facts") and door.of("processes")) and len(door.of("sample")) > 5)

    # then everything is the host's own, numbered without holes, each layout before its samples
    assert {record.source for record in door.records} == {"web-1"}
    # (nobody acknowledges anything here, so that some of it is sent again)
    numbers = list(dict.fromkeys(record.number for record in door.records))
    assert numbers == list(range(1, len(numbers) + 1))
    known: dict[int, Layout] = {}
    readings = []
    for record in door.records:
        message = KINDS[record.kind].decode(record.body)
        if isinstance(message, Layout):
            known[layout_id(message.names)] = message
        if isinstance(message, Sample):
            readings.append(dict(zip(known[message.layout].names, message.values, strict=True)))
    # then the first sample has its rates already, and all that matters comes; on a busy machine not in each sample
    assert readings[0]["cpu.percent"] is not None
    wanted = ("load.1m", "memory.percent", "disk[/].percent", "system.uptime_seconds", "metric[cpu].seconds")
    for name in wanted:
        assert any(reading[name] is not None for reading in readings), name
    assert 17.0 in [reading.get("plugin[mail].queued") for reading in readings]
    # then samples are at the multiples of the interval, as soon as a busy machine allows
    door.until(lambda: sum(record.at % 200_000_000 < 100_000_000 for record in door.of("sample")[-6:]) > 3)
    # then facts and processes are whole
    facts = KINDS["facts"].decode(door.of("facts")[0].body)
    assert isinstance(facts, Facts)
    assert facts.interval == 0.2
    assert {facts.cpu_count} == {reading["cpu.count"] for reading in readings} - {None}
    processes = KINDS["processes"].decode(door.of("processes")[0].body)
    assert isinstance(processes, Processes)
    assert processes.rows

    code, seconds, log = ended(agent)
    assert (code, seconds < 20) == (0, True), log
    assert "stopped" in log
    # (on a busy machine one reading or another is made more seldom)
    assert "level=warning" not in "\n".join(line for line in log.splitlines() if "its budget" not in line)


def test_a_hub_that_is_away_stops_neither_the_agent_nor_its_end(start: Start, tmp_path: Path) -> None:
    # given an agent whose hub does not answer
    agent = start(*(f"tcp://127.0.0.1:{port}" for port in free_ports(2)))
    beat = tmp_path / "var" / "run" / "agent.beat"
    until = time.monotonic() + 60
    while not beat.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    # then it lives, and ends in time
    assert agent.poll() is None
    code, seconds, log = ended(agent)
    assert (code, seconds < 20) == (0, True), log


def test_it_leaves_how_it_stands_with_its_hub_for_who_asks_on_its_host(start: Start, tmp_path: Path) -> None:
    places = [f"tcp://127.0.0.1:{port}" for port in free_ports(2)]
    agent = start(*places)
    home = tmp_path / "var"
    until = time.monotonic() + 60
    while not standing.read(home / "run"):
        assert time.monotonic() < until
        time.sleep(0.02)
    (found,) = standing.read(home / "run")
    assert (found.program, found.source, found.door, found.heard) == ("agent", "web-1", places[0], False)
    assert standing.alone(home)
    code, _, log = ended(agent)
    assert (code, standing.read(home / "run")) == (0, ()), log


def test_sigterm_ends_a_plugin_that_runs(door: Door, start: Start, tmp_path: Path) -> None:
    started = tmp_path / "started"
    plugin(tmp_path / "agent.d", "hang", f"echo $$ > {started}; sleep 600")
    agent = start(door.address, door.receipts)
    door.until(lambda: started.exists() and started.read_text().strip() != "")
    code, seconds, log = ended(agent)
    assert (code, seconds < 20) == (0, True), log
    until = time.monotonic() + 60
    while alive(started):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_once_prints_a_sample_as_lines(tmp_path: Path) -> None:
    plugin(tmp_path / "agent.d", "mail", "echo queued 17; echo rubbish")
    file = configured(tmp_path, "tcp://hub.example:5560")
    command = [sys.executable, "-m", "agent", "--once", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    values = {name: float(value) for name, _, value in (line.rpartition(" ") for line in done.stdout.splitlines())}
    assert 0 <= values["cpu.percent"] <= 100
    assert values["plugin[mail].queued"] == 17.0
    assert "the plugin mail printed what is left out" in done.stderr
    assert not (tmp_path / "var").exists()


def test_once_commands_no_terminal(tmp_path: Path) -> None:
    plugin(tmp_path / "agent.d", "odd", "printf 'pump[\\302\\23331m].pressure 7\\n'")
    plugin(tmp_path / "agent.d", "bad", "printf 'all is \\033[31mlost' >&2; exit 3")
    file = configured(tmp_path, "tcp://hub.example:5560")
    command = [sys.executable, "-m", "agent", "--once", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert "pump[\\x9b31m].pressure 7" in done.stdout
    assert "exit code 3: all is \\x1b[31mlost" in done.stderr
    assert not {"\x1b", "\x9b"} & {*done.stdout, *done.stderr}


def test_once_tells_the_faults_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text("[agent]\nintervall = 5\n")
    command = [sys.executable, "-m", "agent", "--once", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 100
    assert "did you mean interval?" in done.stderr

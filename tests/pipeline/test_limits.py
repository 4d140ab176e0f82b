"""A bad agent that floods the hub starves nobody, is held to its allowance, and is seen."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import refused
from bus.messages import KINDS
from bus.wire import read
from tests.pipeline.joined import Joined, home, speaking
from tests.pipeline.programs import ROOT, Programs, until
from tests.ports import free_port

decode = KINDS["sample"].decode
LOAD = 400
"""Messages that the good one tells while the flood is on."""


class Flood:
    """An enrolled agent that floods, as a process."""

    def __init__(self, hub: Programs, how: str) -> None:
        self.host = Joined(hub, "web-9")
        self.host.enrol()
        command = [sys.executable, "-m", "tests.pipeline.flooding", str(self.host.home), how]
        with (hub.folder / "flood.out").open("ab") as out:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def hub() -> Iterator[Programs]:
    # What the bad one may still say is less than by default: a busy machine must have time left for the good one.
    made = Programs(
        f"keys = true\nvitals_seconds = 1\n[api]\nport = {free_port()}\n"
        '[collector]\nreport_seconds = 1\nmessages_per_second = 4000\nbytes_per_second = "4MiB"\n'
    )
    for name in ("collector", "store-writer"):
        made.start(name)
    yield made
    made.close()


@pytest.fixture
def good(hub: Programs) -> Iterator[Joined]:
    with speaking(hub, "web-1", 200.0) as made:
        yield made


def rows(hub: Programs) -> dict[str, int]:
    """Refusals of the bad one by reason."""
    return {row.reason: row.count for row in refused.read(home(hub) / "run") if row.sender == "web-9"}


class Share:
    """What became of what the good one told since the flood came, by numbers and not by the clock of a busy machine."""

    def __init__(self, hub: Programs) -> None:
        self._hub = hub
        self._before = len(hub.told("web-1"))

    @property
    def told(self) -> int:
        """Its messages since then."""
        return len(self._hub.told("web-1")) - self._before

    @property
    def waiting(self) -> int:
        """Those of all that are not stored yet."""
        told, marks = self._hub.told("web-1"), {one.epoch: one.watermark for one in self._hub.streams("web-1")}
        return sum(one.number > marks.get(one.epoch, 0) for one in told)


@pytest.mark.parametrize(
    ("how", "reason"), [("samples", "rate"), ("large", "rate"), ("epochs", "epochs"), ("hellos", "hello rate")]
)
def test_beside_a_flooding_agent_a_good_one_is_served(hub: Programs, good: Joined, how: str, reason: str) -> None:
    flood = Flood(hub, how)
    try:
        until(lambda: rows(hub).get(reason, 0) > 100, 20, f"the flood is refused: {rows(hub)}", hub)
        share, refused_before = Share(hub), rows(hub)[reason]
        until(lambda: share.told > LOAD, 30, "there was load: without it the test would prove nothing", hub)
        # Whoever is starved has ever more waiting; whoever is served late, for the machine is busy, never more.
        until(lambda: share.waiting * 4 < share.told, 60, "three of four messages of the good one are stored", hub)
        until(lambda: rows(hub)[reason] > refused_before, 20, "the flood went on all the while", hub)
    finally:
        flood.close()
    told = hub.told("web-1")
    until(lambda: hub.has_all("web-1", told), 30, "everything that the good one told is stored", hub)

    assert hub.lost("web-1") == []
    # A handshake that a busy machine does not end in time is refused to a connection, whose nobody knows yet.
    senders = {row.sender for row in refused.read(home(hub) / "run") if row.reason != "handshake"}
    assert senders == {"web-9"}, "only the bad one was refused"
    values = [int(decode(read(row[2])[0].body).values[0]) for row in hub.rows("web-1")]
    assert values == sorted(set(values)), "in its order, each once"
    assert not hub.died("collector")
    assert not hub.died("store-writer")


def test_what_is_refused_is_seen_in_the_status_and_by_prometheus(hub: Programs, good: Joined) -> None:
    hub.start("store-reader")
    hub.start("api")
    flood = Flood(hub, "hellos")
    port = int(hub.config.read_text().rpartition("port = ")[2].split()[0])
    family = 'guardia_hub_refused_frames_total{program="guardia.collector",instance="hello rate"}'
    try:
        answers = [""]

        def told() -> bool:
            answers[0] = _got(port, "/metrics")
            return family in answers[0]

        try:
            until(told, 30, "prometheus is told", hub)
        except AssertionError:
            print(answers[0])
            raise
        until(lambda: rows(hub).get("hello rate", 0) > 100, 20, f"the flood is refused: {rows(hub)}", hub)
    finally:
        flood.close()
    status = subprocess.run(
        [sys.executable, "-m", "bus.command", "status", "--config", str(hub.config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env={"HOME": str(Path(hub.folder)), "PATH": "/usr/bin"},
    )

    assert "refused at the door within the last hour:" in status.stdout, status.stderr
    assert "from web-9, hello rate, last at " in status.stdout


def _got(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError as error:
        return repr(error)

"""Containers, as an engine at a socket tells them, and what they take in made-up groups."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from agent import engine, groups
from agent.config import Agent
from agent.engine import Engine, parsed
from agent.metrics.container import MOST, Container, traffic
from agent.readings import Count, Ground, Readings
from tests.agent.metrics.test_unit import group

DEV = "Inter-| Receive\n face |bytes\n    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n"


def told(name: str, state: str = "running", status: str = "Up 2 hours", digit: str = "") -> dict[str, Any]:
    """One container in an answer; its id is made of the letters of its name."""
    return {"Id": key(name + digit), "Names": [f"/{name}"], "State": state, "Status": status}


def key(name: str) -> str:
    return name.encode().hex().ljust(64, "0")[:64]


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = self.server.answer(self.path)  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No word on standard error."""


class Fake(ThreadingMixIn, UnixStreamServer):
    """Docker as its Engine API describes it: the list, and the list of those of one health."""

    daemon_threads = True

    def __init__(self, path: str, listing: list[dict[str, Any]]) -> None:
        self.listing = listing
        self.health: Mapping[str, str] = {}
        self.broken: tuple[int, bytes] | None = None
        super().__init__(path, Answers)

    def answer(self, path: str) -> tuple[int, bytes]:
        if self.broken:
            return self.broken
        query = parse_qs(urlsplit(path).query)
        assert urlsplit(path).path == "/containers/json"
        if "filters" not in query:
            assert query == {"all": ["true"]}
            return 200, json.dumps(self.listing).encode()
        [wanted] = json.loads(query["filters"][0])["health"]
        names = [name for name, health in self.health.items() if health == wanted]
        return 200, json.dumps([one for one in self.listing if one["Names"][0][1:] in names]).encode()


@contextmanager
def served(path: Path, *listing: dict[str, Any]) -> Iterator[Fake]:
    with ExitStack() as stack:
        server = stack.enter_context(Fake(str(path), list(listing)))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield server


def metric(root: Path, *globs: str) -> Container:
    config = Agent(containers=globs, container_socket=str(root / "d.sock"))
    return Container(Ground(config=config, sys=str(root), proc=str(root / "proc")))


def of(readings: Readings, name: str) -> dict[str, object]:
    """The readings of one container, by field."""
    return {one.rpartition(".")[2]: told for one, told in readings.items() if one.startswith(f"container[{name}].")}


def process(root: Path, number: int | str, text: str) -> None:
    folder = root / "proc" / str(number) / "net"
    folder.mkdir(parents=True)
    (folder / "dev").write_text(text)


def test_each_state_of_a_container_is_told(tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    listing = (
        told("web"),
        told("db"),
        told("young"),
        told("loop", "restarting", "Restarting (1) 3 seconds ago"),
        told("job", "exited", "Exited (0) 2 hours ago"),
        told("killed", "exited", "Exited (137) 2 hours ago"),
        told("still", "paused", "Up 2 hours (Paused)"),
        told("new", "created", "Created"),
    )
    with served(tmp_path / "d.sock", *listing) as server:
        server.health = {"web": "healthy", "db": "unhealthy", "young": "starting"}
        readings = metric(tmp_path, "*").read()
    assert of(readings, "web") == {"running": 1.0, "restarting": 0.0, "healthy": 1.0}
    assert of(readings, "db") == {"running": 1.0, "restarting": 0.0, "healthy": 0.0}
    assert of(readings, "young") == {"running": 1.0, "restarting": 0.0}
    assert of(readings, "loop") == {"running": 0.0, "restarting": 1.0, "exit_code": 1.0}
    assert of(readings, "job") == {"running": 0.0, "restarting": 0.0, "exit_code": 0.0}
    assert of(readings, "killed") == {"running": 0.0, "restarting": 0.0, "exit_code": 137.0}
    assert of(readings, "still") == of(readings, "new") == {"running": 0.0, "restarting": 0.0}
    instances = [name for name in readings if name.endswith(".running")]
    assert instances == sorted(instances)


def test_only_those_that_are_named_are_told_and_one_named_outright_is_even_when_it_is_gone(tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    with served(tmp_path / "d.sock", told("web-1"), told("web-2"), told("db")) as server:
        containers = metric(tmp_path, "web-*", "db", "mail")
        readings = containers.read()
        assert {name for name in readings if name.endswith(".running")} == {
            "container[web-1].running",
            "container[web-2].running",
            "container[db].running",
            "container[mail].running",
        }
        assert of(readings, "mail") == {"running": 0.0, "restarting": 0.0}
        server.listing = [told("web-1")]
        readings = containers.read()
        assert of(readings, "db") == {"running": 0.0, "restarting": 0.0}
        assert of(readings, "web-2") == {}
    assert metric(tmp_path).read() == {}  # nobody is asked


@pytest.mark.parametrize(
    "place",
    [
        "system.slice/docker-{}.scope",
        "docker/{}",
        "machine.slice/libpod-{}.scope",
        "user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{}.scope",
    ],
)
def test_what_it_takes_is_found_by_its_id_wherever_its_group_is(place: str, tmp_path: Path) -> None:
    group(tmp_path, place.format(key("web")), pids_current="3", cgroup_procs="41\n42")
    process(tmp_path, 41, DEV + "  eth0: 10 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n  eth1: 5 1 0 0 0 0 0 0 4 1 0 0 0 0 0 0\n")
    process(tmp_path, ".", DEV)
    with served(tmp_path / "d.sock", told("web")):
        readings = of(metric(tmp_path, "*").read(), "web")
    assert readings == {
        "running": 1.0,
        "restarting": 0.0,
        "cpu_percent": Count(7, 1e-4),
        "memory_bytes": 4096.0,
        "processes": 3.0,
        "rx_bytes_per_s": Count(15),
        "tx_bytes_per_s": Count(11),
    }


def test_processes_may_be_in_a_group_within_and_one_with_the_hosts_network_moves_nothing_of_its_own(
    tmp_path: Path,
) -> None:
    inner = f"machine.slice/libpod-{key('web')}.scope"
    group(tmp_path, inner, cgroup_procs="")
    group(tmp_path, f"{inner}/container", cgroup_procs="41")
    process(tmp_path, ".", DEV + "  eth0: 10 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0\n")
    (tmp_path / "proc/41/net").mkdir(parents=True)
    (tmp_path / "proc/41/net/dev").hardlink_to(tmp_path / "proc/net/dev")  # one file, as in /proc
    with served(tmp_path / "d.sock", told("web")):
        containers = metric(tmp_path, "*")
        assert "rx_bytes_per_s" not in of(containers.read(), "web")
        (tmp_path / "proc/41/net/dev").unlink()
        (tmp_path / "proc/41/net/dev").write_text(DEV)
        assert of(containers.read(), "web")["rx_bytes_per_s"] == Count(0)
        (tmp_path / "proc/41/net/dev").unlink()  # it ended meanwhile, or /proc hides it
        assert "rx_bytes_per_s" not in of(containers.read(), "web")
        assert of(containers.read(), "web")["memory_bytes"] == 4096.0


def test_counters_of_another_that_had_its_name_before_are_no_beginning(tmp_path: Path) -> None:
    group(tmp_path, f"docker/{key('web')}")
    group(tmp_path, f"docker/{key('webb')}")
    with served(tmp_path / "d.sock", told("web")) as server:
        containers = metric(tmp_path, "*")
        assert of(containers.read(), "web")["cpu_percent"] == Count(7, 1e-4)
        server.listing = [told("web", digit="b")]
        assert of(containers.read(), "web")["cpu_percent"] is None
        assert of(containers.read(), "web")["cpu_percent"] == Count(7, 1e-4)


def test_a_group_that_is_not_found_is_not_looked_for_at_each_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    found = groups.found

    def looked(folder: str, *more: Any) -> Iterator[str]:
        looks.append(folder)
        return found(folder, *more)

    monkeypatch.setattr(groups, "found", looked)
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    with served(tmp_path / "d.sock", told("web")) as server:
        containers = metric(tmp_path, "*")
        for _ in range(3):
            assert of(containers.read(), "web") == {"running": 1.0, "restarting": 0.0}
        assert looks.count(str(tmp_path / "fs/cgroup")) == 1
        server.listing = [told("web", "exited", "Exited (0) now")]
        containers.read()
        group(tmp_path, f"docker/{key('web')}")
        server.listing = [told("web")]
        assert "memory_bytes" in of(containers.read(), "web")


def test_of_too_many_those_that_run_are_told(tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup").mkdir(parents=True)
    ended = [told(f"a{n:03}", "exited", "Exited (0) now") for n in range(MOST)]
    with served(tmp_path / "d.sock", *ended, told("web")):
        readings = metric(tmp_path, "*").read()
    assert of(readings, "web")["running"] == 1.0
    assert len([name for name in readings if name.endswith(".running")]) == MOST


def test_an_engine_that_does_not_answer_is_told_with_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with pytest.raises(OSError, match=r"d\.sock: .*No such file"):
        Engine(str(path)).containers()
    for status, body, words in (
        (500, b'{"message":"it is broken"}', "answers 500.*it is broken"),
        (200, b'{"message":"no list"}', "no list of containers"),
        (200, b"[1]", "no list of containers"),
        (200, b"not JSON", "Expecting value"),
    ):
        with served(path) as server:
            server.broken = status, body
            with pytest.raises(OSError, match=words):
                Engine(str(path)).containers()
        path.unlink()


def test_one_that_is_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_SECONDS", 0.05)
    path = str(tmp_path / "d.sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen()
        with pytest.raises(OSError, match="timed out"):
            Engine(path).containers()


def test_a_long_answer_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LONGEST", 1 << 20)
    with served(tmp_path / "d.sock") as server:
        server.broken = 200, b" " * (1 << 20) + b"[]"
        with pytest.raises(OSError, match="more than 1 MiB"):
            Engine(str(tmp_path / "d.sock")).containers()


def test_its_own_name_is_taken_and_not_what_others_call_it_by_links() -> None:
    listing = [
        told("x") | {"Names": ["/app/db", "/postgres"]},
        told("y") | {"Names": None},
        told("z") | {"Names": ["/app/only"]},
    ]
    assert [one.name for one in parsed(listing, (), ())] == ["postgres", key("y")[:12], "app/only"]


def test_the_loopback_is_no_traffic() -> None:
    assert traffic(DEV) == (0, 0)
    assert traffic(DEV + "eth0:12345678901 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n") == (12_345_678_901, 2)


def test_a_host_with_old_groups_alone_tells_how_each_is_and_says_what_it_cannot(tmp_path: Path) -> None:
    (tmp_path / "fs/cgroup/cpuacct").mkdir(parents=True)
    said: list[str] = []
    config = Agent(containers=("*",), container_socket=str(tmp_path / "d.sock"))
    containers = Container(Ground(config=config, sys=str(tmp_path), say=said.append))
    with served(tmp_path / "d.sock", told("web")):
        assert of(containers.read(), "web") == {"running": 1.0, "restarting": 0.0}
    assert len(said) == 1

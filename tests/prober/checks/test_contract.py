"""What every check keeps to: light, bounded by its deadline, a reason for each fault, and only allowed addresses."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bus import rooms
from bus.config import ConfigError
from bus.messages import encode
from bus.settings import settings_of
from bus.tables import Service
from prober.checks import CHECKS, SCHEMES
from prober.checks.common import Check
from prober.checks.dns import Dns
from prober.checks.grpc import Grpc
from prober.checks.http import Http
from prober.checks.tcp import Tcp
from prober.checks.tls import Tls
from prober.checks.websocket import Websocket
from prober.machine import Standing
from prober.outcome import DOWN, STATUSES, UNKNOWN, Outcome
from prober.telling import told
from tests.ports import free_port
from tests.prober.targets import closing, dripping, listening, probe, silent, tried

KINDS = sorted(CHECKS)
AT: dict[str, Callable[[int], Check]] = {
    "http": lambda port: Http(name="shop", url=f"http://127.0.0.1:{port}/"),
    "dns": lambda port: Dns(name="dns", url=f"dns://127.0.0.1:{port}/shop.example", transport="tcp"),
    "grpc": lambda port: Grpc(name="cart", url=f"grpc://127.0.0.1:{port}/shop.Cart"),
    "tcp": lambda port: Tcp(name="shop", url=f"tcp://127.0.0.1:{port}", expect="hello"),
    "websocket": lambda port: Websocket(name="live", url=f"ws://127.0.0.1:{port}/live", expect="hello"),
    "tls": lambda port: Tls(name="shop", url=f"tls://127.0.0.1:{port}"),
}
"""Each check that connects to a TCP port, aimed at one; each of them expects more than a connection."""
ELSEWHERE = {"command", "domain", "heartbeat", "icmp"}
"""Checks that do not: they have tests of their own."""
HEAVY = ("requests", "urllib3", "cryptography", "dns", "grpc", "h2", "websockets", "asyncio")


def record(kind: str) -> type:
    return rooms.SERVICES.record(kind)


def test_every_check_is_tried_here() -> None:
    assert set(CHECKS) == AT.keys() | ELSEWHERE


def test_every_scheme_means_a_check() -> None:
    assert set(SCHEMES.values()) <= set(CHECKS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_checks_settings_extend_a_services(kind: str) -> None:
    assert issubclass(record(kind), Check)
    assert issubclass(record(kind), Service)
    own = [one for one in settings_of(record(kind)).values() if one.name not in settings_of(Service)]
    assert not [one.name for one in own if one.required or not one.rule.help]
    assert (record(kind).__doc__ or "").strip()


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_is_light_to_load(kind: str) -> None:
    module = CHECKS[kind].partition(":")[0]
    code = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("kind", sorted(AT))
def test_what_an_attempt_needs_is_loaded_before_it(kind: str) -> None:
    code = (
        "import sys; from tests.prober.checks.test_contract import AT; from tests.prober.targets import tried\n"
        f"check = AT[{kind!r}](1); check.prepare(); before = set(sys.modules); tried(check)\n"
        "heavy = ('requests', 'urllib3', 'ssl', 'dns', 'h2', 'websockets')\n"
        "print(*[name for name in set(sys.modules) - before if name.partition('.')[0] in heavy])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("kind", sorted(AT))
def test_what_refuses_is_down_at_once(kind: str) -> None:
    port = free_port()
    found = tried(AT[kind](port))
    assert (found.status, found.reason) == (DOWN, f"connection refused by 127.0.0.1:{port}")


@pytest.mark.parametrize("kind", sorted(AT))
@pytest.mark.parametrize("act", [silent, dripping])
def test_what_says_nothing_or_drips_does_not_keep_us(kind: str, act: Callable[..., None]) -> None:
    start = time.monotonic()
    with listening(act) as port:
        found = tried(AT[kind](port), 0.5)
    assert found.status == DOWN
    assert found.reason
    assert time.monotonic() - start < 25


@pytest.mark.parametrize("kind", sorted(AT))
def test_what_closes_is_down_with_a_reason(kind: str) -> None:
    with listening(closing) as port:
        found = tried(AT[kind](port))
    assert found.status == DOWN
    assert found.reason
    assert "\n" not in found.reason


@pytest.mark.parametrize("kind", sorted(AT))
def test_an_address_that_is_not_public_is_not_reached_unless_allowed(kind: str) -> None:
    reached: list[socket.socket] = []
    with listening(reached.append) as port:
        found = tried(AT[kind](port), allowed=())
    assert found.status == UNKNOWN
    assert "[prober] private_networks" in found.reason
    assert reached == []


@pytest.mark.parametrize("kind", sorted(AT))
def test_every_outcome_has_its_times(kind: str) -> None:
    with listening(closing) as port:
        made = probe()
        found = AT[kind](port).run(made)
    assert found.status in STATUSES
    assert found.phases["connect_ms"] >= 0
    assert found.phases["total_ms"] >= found.phases["connect_ms"]
    assert found.response_ms is not None


@pytest.mark.parametrize("kind", sorted(AT))
def test_two_attempts_share_nothing(kind: str) -> None:
    check = AT[kind](free_port())
    before = dataclasses.asdict(check)
    assert tried(check).status == tried(check).status
    assert dataclasses.asdict(check) == before


def test_the_kind_of_a_check_is_told_by_its_word_or_its_address(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text(
        "[[services]]\nname = 'db'\nurl = 'tcp://db-1:5432'\nexpect = 'x'\n"
        "[[services]]\nname = 'cache'\ncheck = 'tcp'\nurl = 'redis://db-1:6379'\n"
    )
    services = rooms.load(file)["services"]
    assert [type(one).__name__ for one in services] == ["Tcp", "Tcp"]
    assert services[0].expect == "x"


def test_a_service_that_cannot_be_checked_is_told_with_all_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "guardia.toml"
    file.write_text(
        "[[services]]\nname = 'a'\nurl = 'tpc://db-1:5432'\ntimeout = 'long'\n"
        "[[services]]\nname = 'b'\ncheck = 'tpc'\nurl = 'tcp://db-1:5432'\n"
        "[[services]]\nname = 'b'\nurl = 'tcp://db-1'\nexpect = '('\nexpct = 'x'\n"
        "[[services]]\nname = 'c'\nurl = 'tcp://db-1:1'\nexpect = '('\n"
    )
    with pytest.raises(ConfigError) as caught:
        rooms.load(file)
    lines = [str(fault).partition("guardia.toml")[2] for fault in caught.value.faults]
    assert len(lines) == 8, lines
    for line, words in zip(
        lines,
        [
            (":3: [[services]] url", "tcp:", "did you mean tcp?"),
            (":4: [[services]] timeout", "a duration"),
            (":7: [[services]] check", "did you mean tcp?"),
            (":10: [[services]] name", "a second time"),
            (":11: [[services]] url", "a host and a port"),
            (":12: [[services]] expect", "a regular expression"),
            (":13: [[services]] expct", "did you mean expect?"),
            (":17: [[services]] expect", "a regular expression"),
        ],
        strict=True,
    ):
        assert all(word in line for word in words), line


def test_an_address_that_is_too_long_to_be_told_is_told_when_it_is_read() -> None:
    def web(size: int) -> Http:
        return Http(name="shop", url="https://shop.example/".ljust(size, "x"))

    encode(told(web(4096), Outcome("up"), 1, Standing(), ""))
    assert list(web(4096).objections()) == []
    assert [(one.key, one.found) for one in web(4097).objections()] == [("url", "4097 characters")]

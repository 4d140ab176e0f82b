"""gRPC's health protocol against the real server of the gRPC project."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from errno import EPIPE
from pathlib import Path
from socket import IPPROTO_TCP, SHUT_WR, TCP_NODELAY, socket
from typing import Any

import grpc
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded
from hypothesis import given
from hypothesis import strategies as st

from bus.config import Secret
from prober import health
from prober.checks.grpc import Grpc
from prober.outcome import DEGRADED, DOWN, UP, Outcome
from tests.prober import certs
from tests.prober.targets import AMPLE, dripping, listening, probe, tried

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"


class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Says what it is told of each service; ``slow``: after so many seconds."""

    def __init__(self, services: dict[bytes, bytes], slow: float = 0.0) -> None:
        self.services = services
        self.slow = slow
        self.metadata: dict[str, str] = {}

    def service(self, details: Any) -> Any:
        """The health service alone is known here."""
        if details.method != health.PATH:
            return None
        self.metadata = {one.key: one.value for one in details.invocation_metadata}
        return grpc.unary_unary_rpc_method_handler(self.check)

    def check(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        """The call itself; a name of less than 128 bytes stands behind two bytes."""
        time.sleep(self.slow)
        if message[2:] not in self.services:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return self.services[message[2:]]


@contextmanager
def serving(handler: Health | None, credentials: Any = None) -> Iterator[int]:
    """A real server; gives its port."""
    server = grpc.server(ThreadPoolExecutor(2), handlers=[handler] if handler else [])
    where = "127.0.0.1:0"
    port = server.add_secure_port(where, credentials) if credentials else server.add_insecure_port(where)
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


def look(port: int, service: str = "", seconds: float = AMPLE, scheme: str = "grpc", **more: Any) -> Outcome:
    check = Grpc(name="cart", url=f"{scheme}://127.0.0.1:{port}/{service}", **more)
    assert list(check.objections()) == []
    return tried(check, seconds)


def test_what_serves_is_up() -> None:
    handler = Health({b"": SERVING, b"shop.Cart": SERVING})
    with serving(handler) as port:
        assert look(port).status == UP
        found = look(port, "shop.Cart", headers={"x-team": "ops"}, secret_headers={"x-key": Secret("word")})
    assert (found.status, found.reason) == (UP, "")
    assert found.phases["first_byte_ms"] > 0
    assert (handler.metadata["x-team"], handler.metadata["x-key"]) == ("ops", "word")


def test_what_does_not_serve_is_down_and_named() -> None:
    with serving(Health({b"": NOT_SERVING, b"a": b"\x08\x03", b"b": b"nonsense"})) as port:
        assert look(port).reason == "the server says NOT_SERVING, expected SERVING"
        assert look(port, "a").reason == "the service a says SERVICE_UNKNOWN, expected SERVING"
        assert look(port, "b").reason == "its answer is no HealthCheckResponse"
        found = look(port, "other")
    assert (found.status, found.reason) == (DOWN, "the call failed: NOT_FOUND (unknown service)")


def test_a_server_without_the_health_protocol_is_told() -> None:
    with serving(None) as port:
        assert look(port).reason.startswith("the call failed: UNIMPLEMENTED")


def test_a_slow_server_is_cut_or_degraded() -> None:
    with serving(Health({b"": SERVING}, slow=0.4)) as port:
        assert look(port, slow=0.1).status == DEGRADED
        found = look(port, seconds=0.2)
    assert found.status == DOWN
    assert "within 0.2 s" in found.reason or "DEADLINE_EXCEEDED" in found.reason


def test_over_tls_the_certificate_has_its_say(tmp_path: Path) -> None:
    authority = certs.authority_file(tmp_path)
    for days, status in ((90.5, UP), (3.5, DEGRADED), (-3.5, DOWN)):
        key, chain = certs.pair(days)
        with serving(Health({b"": SERVING}), grpc.ssl_server_credentials([(key, chain)])) as port:
            found = look(port, scheme="grpcs", tls_authority=authority)
        assert (found.status, found.tls_days) == (status, int(days // 1))


def test_what_speaks_no_http2_is_told(tmp_path: Path) -> None:
    def older(connection: socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listening(older) as port:
        assert look(port).reason == "its answer is no HTTP/2"
    with certs.listening_tls(certs.good(), lambda connection: None) as port:
        found = look(port, scheme="grpcs", tls_authority=certs.authority_file(tmp_path))
    assert found.reason == "it does not speak HTTP/2, which gRPC needs"


def hung_up(connection: socket) -> None:
    """Say no more, and end when the other side does: who ends before has what he said thrown away."""
    connection.shutdown(SHUT_WR)
    while connection.recv(4096):
        pass


def answering(connection: socket) -> H2Connection:
    """What a server says once it was asked; its answer is not ended and not sent."""
    speech = H2Connection(H2Configuration(client_side=False))
    speech.initiate_connection()
    connection.sendall(speech.data_to_send())
    while not any(isinstance(event, StreamEnded) for event in speech.receive_data(connection.recv(4096))):
        pass
    speech.send_headers(1, [(":status", "200"), ("content-type", "application/grpc")])
    speech.send_data(1, health.framed(SERVING))
    return speech


@pytest.mark.parametrize("whole", [True, False])
def test_a_server_that_says_goodbye_with_its_answer_has_answered(whole: bool) -> None:
    def hurried(connection: socket) -> None:
        speech = answering(connection)
        if whole:
            speech.send_headers(1, [("grpc-status", "0")], end_stream=True)
        speech.close_connection()
        connection.sendall(speech.data_to_send())
        hung_up(connection)

    with listening(hurried) as port:
        found = look(port)
    assert (found.status, found.reason) == ((UP, "") if whole else (DOWN, "it broke the call off"))


@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize(("last", "code", "status"), [(2**31 - 1, 0, UP), (1, 0, UP), (1, 2, DOWN), (0, 0, DOWN)])
def test_a_server_that_says_goodbye_and_then_answers_is_up(last: int, code: int, status: str, piece: int) -> None:
    goodbye = b"\0\0\x0b\x07\0" + b"\0\0\0\0" + last.to_bytes(4, "big") + code.to_bytes(4, "big") + b"bye"

    def ending(connection: socket) -> None:
        speech = answering(connection)
        speech.send_headers(1, [("grpc-status", "0")], end_stream=True)
        said = goodbye + speech.data_to_send()
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        for at in range(0, len(said), piece):
            connection.sendall(said[at : at + piece])
        hung_up(connection)

    with listening(ending) as port:
        assert look(port).status == status


class Torn(socket):
    """A server that has answered and is gone: what is said to it breaks, what it said is there to be read."""

    def __init__(self) -> None:
        super().__init__()
        self.server = H2Connection(H2Configuration(client_side=False))
        self.server.initiate_connection()
        self.said: list[bytes] = []

    def sendall(self, data: Any, flags: int = 0) -> None:
        if self.said:
            raise BrokenPipeError(EPIPE, "Broken pipe")
        self.said = [self.server.data_to_send()]
        self.server.receive_data(bytes(data))
        self.server.send_headers(1, [(":status", "200"), ("grpc-status", "0")])
        self.server.send_data(1, health.framed(SERVING), end_stream=True)
        self.said.append(self.server.data_to_send())

    def recv(self, size: int, flags: int = 0) -> bytes:
        return self.said.pop(0) if len(self.said) > 1 else self.said[0]


def test_what_was_answered_counts_though_the_server_is_gone_by_then() -> None:
    with Torn() as line:
        assert health.asked(line, "http", "cart", "", (), probe()) == 1


def test_a_drip_is_cut() -> None:
    def drip(connection: socket) -> None:
        connection.sendall(b"\0\0\x40\x04\0\0\0\0\0")  # the head of a frame, whose body comes byte by byte
        dripping(connection)

    with listening(drip) as port:
        found = look(port, seconds=1.0)
    assert found.status == DOWN
    assert found.reason.startswith("no answer within 1 s: ")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "grpc://cart"}, "url"),
        ({"url": "http://cart:80"}, "url"),
        ({"headers": {"a b": "c"}}, "headers"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    assert [one.key for one in Grpc(name="cart", **{"url": "grpc://cart:1", **settings}).objections()] == [key]


@given(st.text(max_size=300))
def test_a_name_is_written_as_its_length_and_itself(name: str) -> None:
    data = health.request(name)
    assert data == b"" if not name else data.endswith(name.encode())
    assert health.unframed(health.framed(data)) == data


@given(st.integers(0, 2**63), st.binary(max_size=20))
def test_a_status_is_found_among_other_fields(status: int, other: bytes) -> None:
    assert health.response(b"\x12" + health.varint(len(other)) + other + b"\x08" + health.varint(status)) == status


@given(st.binary(max_size=40))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        found = health.response(data)
    except (ValueError, IndexError):
        return
    assert found >= 0

"""A look at the canaries: who answers, who does not, and who keeps nobody else from answering."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from typing import Any

from prober.canaries import look
from prober.names import Names
from tests.ports import free_port
from tests.prober.targets import listening, speechless


def test_those_that_are_numbers_answer_while_the_name_servers_are_silent() -> None:
    go = threading.Event()

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        go.wait(30)
        return []

    with listening(lambda connection: None) as port:
        number, refused = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{free_port()}"
        found = look(["tcp://one.example:443", number, "tcp://two.example:443", refused], Names(ask), 2.0)
    go.set()
    assert found.connected
    assert [name for name, answer in found.answers.items() if answer is not None] == [number, refused]


def test_one_that_is_a_name_answers_beside_a_number_that_is_silent() -> None:
    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with listening(lambda connection: None) as port, speechless() as silent:
        named, number = f"tcp://shop.example:{port}", f"tcp://127.0.0.1:{silent}"
        found = look([named, number], Names(ask), 2.0)
    assert found.answers[named] is not None
    assert found.answers[number] is None


def test_a_name_that_hangs_keeps_no_other_name_from_answering() -> None:
    go = threading.Event()

    def ask(host: str, port: int) -> Sequence[tuple[Any, ...]]:
        go.wait(30 if host == "gone.example" else 0.2)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with listening(lambda connection: None) as port:
        gone, well = f"tcp://gone.example:{port}", f"tcp://well.example:{port}"
        found = look([gone, well], Names(ask), 6.0)
    go.set()
    assert (found.answers[gone], found.connected) == (None, True)

"""What the handler answers to a request, byte for byte (RFC 27)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from bus.keys import as_text
from bus.sockets import DOMAIN
from collector.refusals import Refusals
from collector.zap import ADDRESS, Zap

KEY = bytes(range(32))
REQUEST = [b"1.0", b"17", DOMAIN, b"::ffff:192.0.2.7", b"", b"CURVE", KEY]
ADMITTED = [b"1.0", b"17", b"200", b"OK", as_text(KEY).encode(), b""]
REFUSED = [b"1.0", b"17", b"300", b"not enrolled", b"", b""]


class Rig:
    """A handler that lets everybody in, or nobody for ``reason``."""

    def __init__(self) -> None:
        self.context: zmq.Context[Any] = zmq.Context()
        self.refusals = Refusals()
        self.asked: list[tuple[str, str]] = []
        self.reason: str | None = None
        self.zap = Zap(self.context, self._admitted, self.refusals)

    def _admitted(self, public: str, address: str) -> str | None:
        self.asked.append((public, address))
        return self.reason


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.zap.close()
    made.context.destroy(linger=0)


def test_whom_the_list_has_is_let_in_under_his_key(rig: Rig) -> None:
    assert rig.zap.answer(REQUEST) == ADMITTED
    assert rig.asked == [(as_text(KEY), "192.0.2.7")]
    assert not rig.refusals.totals


@pytest.mark.parametrize("reason", ["unknown key", "late"])
def test_whom_it_does_not_have_may_ask_again_and_is_counted(rig: Rig, reason: str) -> None:
    rig.reason = reason

    assert rig.zap.answer(REQUEST) == REFUSED
    assert rig.refusals.totals == {reason: 1}


@pytest.mark.parametrize(
    "request_",
    [
        [b"2.0", *REQUEST[1:]],
        [*REQUEST[:2], b"another", *REQUEST[3:]],
        [*REQUEST[:5], b"PLAIN", KEY],
        [*REQUEST[:5], b"NULL"],
        [*REQUEST, b"more"],
        REQUEST[:6],
    ],
    ids=["version", "domain", "mechanism", "no key", "too much", "too little"],
)
def test_a_request_without_a_key_of_ours_lets_nobody_in(rig: Rig, request_: list[bytes]) -> None:
    assert rig.zap.answer(request_) == REFUSED
    assert rig.asked == []
    assert rig.refusals.totals == {"no key": 1}


def test_a_key_of_another_length_is_none(rig: Rig) -> None:
    assert rig.zap.answer([*REQUEST[:6], KEY[:-1]]) == REFUSED
    assert rig.asked == []


@pytest.mark.parametrize(("request_", "number"), [([], b""), ([b"1.0"], b""), ([b"1.0", b"17"], b"17")])
def test_what_is_no_request_is_answered_as_far_as_it_goes(rig: Rig, request_: list[bytes], number: bytes) -> None:
    assert rig.zap.answer(request_) == [b"1.0", number, *REFUSED[2:]]


def test_all_that_was_asked_is_answered_at_once(rig: Rig) -> None:
    asker = rig.context.socket(zmq.DEALER)
    asker.connect(ADDRESS)
    for number in (b"1", b"2", b"3"):
        asker.send_multipart([b"", REQUEST[0], number, *REQUEST[2:]])
    assert rig.zap.raw.poll(10_000)
    while rig.zap.answered < 3:
        rig.zap.drain()

    assert [asker.recv_multipart() for _ in range(3)] == [
        [b"", ADMITTED[0], number, *ADMITTED[2:]] for number in (b"1", b"2", b"3")
    ]
    assert rig.zap.answered == 3

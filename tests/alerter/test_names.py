"""Names that no name server answers for: who asks for them has an end, and all others go on."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from alerter.channels.common import Post, Unreached
from alerter.channels.email import Email
from alerter.letters import Letter
from alerter.names import NOBODY, Names
from alerter.outbox import Delivered, Later
from alerter.posting import Carrier
from bus.deadline import within
from tests.alerter.channels.mailer import Mailer
from tests.alerter.receiver import Receiver
from tests.alerter.shapes import burning, item

OPS = "ops@example.org"
TCP = (socket.AF_INET, socket.SOCK_STREAM, 6, "")


class Silent:
    """Name servers that answer for all names but one, for which they say nothing until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        self.asked.append(host)
        if host == "hangs.example":
            self.over.wait(60)
        return [(*TCP, ("127.0.0.1", port))]


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    made.over.set()


def mail(host: str, port: int, carrier: Carrier, timeout: float = 0.2) -> object:
    one = item(burning())
    channel = Email(host=host, port=port, security="none", sender="guardia@example.org", to=(OPS,), timeout=timeout)
    return channel.tell(Letter(one.key, (one,)), carrier)


def test_a_name_that_hangs_is_given_up_in_time_asked_once_and_keeps_nobody_else(silent: Silent) -> None:
    with Receiver() as receiver:
        carrier = Carrier(("127.0.0.0/8",), resolve=silent)
        for _ in range(3):
            with pytest.raises(Unreached, match="name servers do not answer") as caught:
                carrier.post(Post(f"http://hangs.example:{receiver.port}/", b"{}", {}), 0.1)
            assert not caught.value.maybe
        assert carrier.post(Post(f"http://hook.example:{receiver.port}/", b"{}", {}), 20.0).status == 200
    assert silent.asked == ["hangs.example", "hook.example"]


def test_a_mail_server_whose_name_hangs_is_given_up_in_time(silent: Silent) -> None:
    why = "the name servers do not answer for hangs.example"
    assert mail("hangs.example", 25, Carrier(resolve=silent, called=lambda: "hub.example")) == Later(None, why)


def test_a_machine_whose_own_name_hangs_tells_people_all_the_same(silent: Silent) -> None:
    carrier = Carrier(called=lambda: str(silent("hangs.example", 0)))
    with within(0.1) as deadline:
        assert carrier.own_name(deadline) == NOBODY
    with within(20.0) as deadline:
        assert Carrier(called=lambda: "hub.example").own_name(deadline) == "hub.example"


def test_a_mail_server_is_found_by_its_name(silent: Silent) -> None:
    with Mailer() as server:
        assert mail("mail.example", server.port, Carrier(resolve=silent), 20.0) == Delivered("accepted")


def test_what_the_system_says_of_a_name_is_what_is_heard() -> None:
    def unknown() -> str:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    names = Names()
    for _ in range(2):
        with pytest.raises(socket.gaierror, match="no such name"):
            names.answer("shop.example", unknown, 20.0)
    assert names.answer("shop.example", lambda: "here", 20.0) == "here"

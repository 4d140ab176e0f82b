"""The way of a request: the address that was looked at is the one that is reached, redirects are not followed."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from alerter.channels.common import Post, Refused, Unreached
from alerter.posting import MOST_BYTES, Carrier
from tests.alerter.receiver import Receiver, Reply, after_interim, hang_up, no_chunks, unending
from tests.prober import certs

TCP = (socket.AF_INET, socket.SOCK_STREAM, 6, "")


class Names:
    """Names that answer as the test says, one answer after another."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[tuple[Any, ...]]:
        self.asked.append(host)
        return [(*TCP, (address, port)) for address in self.answers.pop(0)]


def post(receiver: Receiver, host: str = "hook.example") -> Post:
    return Post(f"http://{host}:{receiver.port}/x", b"{}", {"Content-Type": "application/json"})


def test_a_name_is_resolved_once_and_what_was_looked_at_is_reached() -> None:
    with Receiver() as receiver:
        # A second answer would be another address: it is not asked for.
        names = Names(["127.0.0.1"])
        carrier = Carrier(("127.0.0.0/8",), resolve=names)
        assert carrier.post(post(receiver), 20.0).status == 200
        assert names.asked == ["hook.example"]
        assert receiver.requests[0].headers["host"] == f"hook.example:{receiver.port}"


def test_an_address_that_says_nothing_leaves_time_for_the_next() -> None:
    with socket.socket() as silent, Receiver() as receiver, contextlib.ExitStack() as waiting:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for _ in range(4):  # nobody takes them: there is no room for one more
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(silent.getsockname())
        places = [(*TCP, silent.getsockname()), (*TCP, ("127.0.0.1", receiver.port))]
        carrier = Carrier(("127.0.0.0/8",), resolve=lambda *_: places)
        assert carrier.post(post(receiver), 5.0).status == 200


def test_an_address_of_a_family_that_this_machine_does_not_speak_leaves_the_next_one() -> None:
    """As IPv6 where the kernel has none: names go on having such addresses."""
    with Receiver() as receiver:
        place = ("127.0.0.1", receiver.port)
        places = [(socket.AF_UNSPEC, *TCP[1:], place), (*TCP, place)]
        carrier = Carrier(("127.0.0.0/8",), resolve=lambda *_: places)
        assert carrier.post(post(receiver), 20.0).status == 200


@pytest.mark.parametrize(
    "url", ["https://.example/", "https://x.example:99999/", "ftp://x.example/", "https://x\u2028.example/"]
)
def test_an_address_that_is_none_is_told_as_such_and_nothing_was_sent(url: str) -> None:
    with pytest.raises(Unreached, match="its address or a header") as fault:
        Carrier().post(Post(url, b"{}", {}), 20.0)
    assert not fault.value.maybe


def test_a_file_of_certificates_that_is_gone_is_told_and_nothing_was_sent() -> None:
    with Receiver(certs.good()) as receiver:
        carrier = Carrier(("127.0.0.0/8",), authority="/nowhere/ca.pem", resolve=Names(["127.0.0.1"]))
        https = Post(f"https://hook.example:{receiver.port}/x", b"{}", {})
        with pytest.raises(Unreached, match="nowhere") as fault:
            carrier.post(https, 20.0)
        assert not fault.value.maybe


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "10.1.2.3"], ["169.254.169.254"], ["0.0.0.0"]])
def test_a_name_that_leads_home_is_refused_whatever_else_it_says(addresses: list[str]) -> None:
    with Receiver() as receiver:
        with pytest.raises(Refused, match="private_networks can allow it"):
            Carrier(resolve=Names(addresses)).post(post(receiver), 20.0)
        assert receiver.requests == []


def test_only_the_networks_that_are_allowed_are() -> None:
    with Receiver() as receiver, pytest.raises(Refused, match="this machine's own"):
        Carrier(("10.0.0.0/8",), resolve=Names(["127.0.0.1"])).post(post(receiver), 20.0)


def test_a_redirect_is_an_answer_and_not_followed() -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(302, headers={"Location": f"{receiver.url}/secret"})
        assert Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 20.0).status == 302
        assert len(receiver.requests) == 1


def test_a_long_answer_is_cut() -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(200, b"x" * (MOST_BYTES + 1000))
        assert len(Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 20.0).body) == MOST_BYTES


@pytest.mark.parametrize("act", [unending, no_chunks])
def test_who_said_that_he_has_it_has_it_whatever_becomes_of_his_answers_body(
    act: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(act=act)
        assert Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 2.0).status == 200


@pytest.mark.parametrize("status", [204, 503])
def test_interim_answers_are_not_the_answer(status: int) -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(act=after_interim(f"HTTP/1.1 {status} It\r\nContent-Length: 0\r\n\r\n".encode(), 3))
        assert Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 20.0).status == status


def test_nothing_but_interim_answers_may_have_told() -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(act=after_interim(b"", 99))
        with pytest.raises(Unreached, match="never the answer") as caught:
            Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 20.0)
        assert caught.value.maybe


def test_a_connection_that_breaks_may_have_told() -> None:
    with Receiver() as receiver:
        receiver.usual = Reply(act=hang_up)
        with pytest.raises(Unreached) as caught:
            Carrier(("127.0.0.1",)).post(post(receiver, "127.0.0.1"), 20.0)
        assert caught.value.maybe


def test_nobody_there_has_certainly_not_been_told() -> None:
    with Receiver() as receiver:
        where = post(receiver, "127.0.0.1")
    with pytest.raises(Unreached, match="connection refused") as caught:
        Carrier(("127.0.0.1",)).post(where, 20.0)
    assert not caught.value.maybe


def test_a_proxy_carries_what_is_sent_and_is_shown_to_nobody_else() -> None:
    with Receiver() as proxy:
        carrier = Carrier(proxy=f"http://guardia:s3same-open@127.0.0.1:{proxy.port}")
        assert carrier.post(Post("http://hook.example/x", b"{}", {}), 20.0).status == 200
        (request,) = proxy.requests
        assert request.path == "http://hook.example/x"
        assert "proxy-authorization" in request.headers

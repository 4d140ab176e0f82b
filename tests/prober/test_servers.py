"""This machine's own name servers: which is asked when, and whose answer counts."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest

from prober import asking, servers
from prober.asking import Answer
from prober.outcome import DOWN, UNKNOWN, Failed
from tests.prober.targets import probe

FIRST, SECOND, THIRD, FOURTH = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"
Says = Answer | Exception


class Network:
    """Name servers by address, with what each says."""

    def __init__(self) -> None:
        self.says: dict[str, Says] = {}
        self.asked: list[str] = []
        self.shares: list[float] = []
        self.probe = probe(30.0)

    def ask(self, host: str) -> tuple[Answer, None]:
        """Ask one."""
        self.asked.append(host)
        self.shares.append(round(self.probe.deadline.seconds))
        said = self.says[host]
        if isinstance(said, Exception):
            raise said
        return said, None

    def told(self, wanted: str = "NOERROR") -> servers.Told:
        """Ask all of them."""
        return servers.asked(list(self.says), self.ask, wanted, self.probe)


@pytest.fixture
def network() -> Network:
    return Network()


def answer(code: str = "NOERROR") -> Answer:
    return Answer(code, ("192.0.2.80",), 300, authoritative=False)


@pytest.mark.parametrize(
    "first", [Failed("no answer within 10 s"), OSError(errno.ENETUNREACH, "no network"), answer("SERVFAIL")]
)
def test_the_next_one_is_asked_where_one_does_not_answer_or_cannot(network: Network, first: Says) -> None:
    network.says = {FIRST: first, SECOND: answer(), THIRD: answer()}
    found = network.told()
    assert (found.host, found.number, found.answer.code) == (SECOND, 2, "NOERROR")
    assert network.asked == [FIRST, SECOND]


@pytest.mark.parametrize(("code", "wanted"), [("NXDOMAIN", "NOERROR"), ("REFUSED", "REFUSED")])
def test_what_is_an_answer_or_wanted_is_believed(network: Network, code: str, wanted: str) -> None:
    network.says = {FIRST: answer(code), SECOND: answer()}
    assert network.told(wanted).host == FIRST


def test_where_none_can_the_first_that_said_so_counts(network: Network) -> None:
    network.says = {FIRST: Failed("silent"), SECOND: answer("SERVFAIL"), THIRD: answer("REFUSED")}
    found = network.told()
    assert (found.host, found.number, found.answer.code) == (SECOND, 2, "SERVFAIL")


def test_each_has_its_share_of_the_time_and_no_fourth_is_asked(network: Network) -> None:
    network.says = dict.fromkeys((FIRST, SECOND, THIRD, FOURTH), Failed("silent"))
    whole = network.probe.deadline
    with pytest.raises(Failed):
        network.told()
    assert network.asked == [FIRST, SECOND, THIRD]
    assert network.shares == [10, 15, 30], "of what is left, since nobody took any of it here"
    assert network.probe.deadline is whole


def test_a_connection_is_shut_with_the_whole_attempt(network: Network) -> None:
    ours, theirs = socket.socketpair()

    def ask(host: str) -> tuple[Answer, None]:
        network.probe.deadline.watch(ours)
        return answer(), None

    with ours, theirs:
        servers.asked([FIRST, SECOND], ask, "NOERROR", network.probe)
        network.probe.deadline.end()
        theirs.settimeout(30)
        assert theirs.recv(1) == b""


def test_where_none_answers_each_is_named_with_why(network: Network) -> None:
    network.says = {FIRST: Failed("silent"), SECOND: OSError(errno.ENETUNREACH, "Network is unreachable")}
    with pytest.raises(Failed) as caught:
        network.told()
    assert caught.value.status == DOWN
    assert not caught.value.reached
    assert str(caught.value) == (
        "none of this machine's name servers answers: 192.0.2.1: silent; "
        "192.0.2.2: our own side cannot look: network is unreachable"
    )


def test_a_single_one_is_named_too_and_one_that_refused_was_reached(network: Network) -> None:
    network.says = {FIRST: Failed("connection refused by 192.0.2.1:53", reached=True)}
    with pytest.raises(Failed, match=r"name server 192\.0\.2\.1: connection refused") as caught:
        network.told()
    assert caught.value.reached


def test_where_this_machine_can_ask_nobody_nothing_is_known(network: Network) -> None:
    network.says = dict.fromkeys((FIRST, SECOND), OSError(errno.ENETUNREACH, "Network is unreachable"))
    with pytest.raises(Failed) as caught:
        network.told()
    assert caught.value.status == UNKNOWN


def test_the_servers_are_those_of_the_systems_file(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(f"search example\nnameserver {FIRST}\nnameserver fe80::1%eth0\noptions rotate\n")
    assert asking.system_servers(str(file)) == (FIRST, "fe80::1%eth0")
    for text in ("search example\n", ""):
        file.write_text(text)
        with pytest.raises(Failed, match="no name server in"):
            asking.system_servers(str(file))
    with pytest.raises(Failed, match="no name server in"):
        asking.system_servers(str(tmp_path / "none"))

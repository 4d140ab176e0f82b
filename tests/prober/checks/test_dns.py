"""DNS: a real name server on loopback that knows, lies, says no, says nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from prober import asking
from prober.checks import dns as checks
from prober.checks.dns import Dns
from prober.names import Names
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Failed, Outcome
from tests.ports import free_port
from tests.prober import certs
from tests.prober.nameserver import Zone, serving
from tests.prober.targets import AMPLE, dripping, listening, probe, tried

RECORDS = {
    ("shop.example", "A"): ["192.0.2.1", "192.0.2.2"],
    ("shop.example", "AAAA"): ["2001:db8::1"],
    ("mirror.example", "AAAA"): ["2001:db8::1", "2001:db8::2"],
    ("shop.example", "MX"): ["10 Mail.Example.", "20 backup.example."],
    ("shop.example", "TXT"): ['"v=spf1 -all"'],
    ("mail.example", "TXT"): ['"v=DKIM1; k=rsa; p=abc"'],
    ("long.example", "TXT"): ['"v=DKIM1; k=rsa; " "p=abc"'],
    ("www.shop.example", "CNAME"): ["shop.example."],
}


@pytest.fixture
def zone() -> Zone:
    return Zone(dict(RECORDS))


@pytest.fixture
def port(zone: Zone) -> Iterator[int]:
    with serving(zone) as found:
        yield found


def look(port: int, name: str = "shop.example", *, seconds: float = AMPLE, **more: Any) -> Outcome:
    check = Dns(name="dns", url=f"dns://127.0.0.1:{port}/{name}", **more)
    assert list(check.objections()) == []
    return tried(check, seconds)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_records_that_are_there_are_up(port: int, zone: Zone, transport: str) -> None:
    found = look(port, transport=transport)
    assert (found.status, found.reason, found.reached) == (UP, "", True)
    assert found.metrics == {"answers": 2, "ttl_seconds": 300}
    assert found.phases["first_byte_ms"] > 0
    assert zone.asked == [transport]


@pytest.mark.parametrize(
    "settings",
    [
        {"answers": ("192.0.2.2", "192.0.2.1"), "only": True},
        {"answers": ("192.0.2.2",)},
        {"record": "AAAA", "answers": ("2001:0db8:0::1",), "only": True},
        {"record": "MX", "answers": ("10 mail.example.",)},
        {"record": "TXT", "answers": ('"v=spf1 -all"',), "only": True},
        {"record": "TXT", "answers": ("v=spf1 -all",), "only": True},
        {"record": "TXT", "answers": ("v=DKIM1; k=rsa; p=abc",), "only": True, "name": "mail.example"},
        {"record": "TXT", "answers": ('"v=DKIM1; k=rsa; " "p=abc"',), "only": True, "name": "long.example"},
        {"record": "TXT", "answer_pattern": "spf1"},
        {"authoritative": True},
    ],
)
def test_the_right_answers_are_up(port: int, settings: dict[str, Any]) -> None:
    assert look(port, **settings).status == UP


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"answers": ("192.0.2.9",)}, "the answer is 192.0.2.1, 192.0.2.2, expected 192.0.2.9"),
        ({"answers": ("192.0.2.1",), "only": True}, "192.0.2.2 is among the answers, expected only 192.0.2.1"),
        (
            {"record": "AAAA", "answers": ("2001:db8::1", "2001:db8:0::1"), "only": True, "name": "mirror.example"},
            "2001:db8::2 is among the answers, expected only 2001:db8::1, 2001:db8:0::1",
        ),
        ({"record": "SRV"}, "there is no SRV record of shop.example"),
        ({"answer_pattern": "^10"}, "the answer is 192.0.2.1, 192.0.2.2, expected one that matches /^10/"),
        ({"name": "other.example"}, "it answered NXDOMAIN, expected NOERROR"),
        ({"expected_code": "NXDOMAIN"}, "it answered NOERROR, expected NXDOMAIN"),
    ],
)
def test_a_wrong_answer_is_down_and_named(port: int, settings: dict[str, Any], reason: str) -> None:
    found = look(port, **settings)
    assert (found.status, found.reason) == (DOWN, reason)


def test_a_name_that_must_not_be_is_up_when_it_is_not(port: int) -> None:
    assert look(port, "other.example", expected_code="NXDOMAIN").status == UP


def test_an_alias_is_followed_by_its_server(port: int, zone: Zone) -> None:
    zone.records["www.shop.example", "A"] = ["192.0.2.1"]
    assert look(port, "www.shop.example", answers=("192.0.2.1",)).status == UP
    assert look(port, "www.shop.example", record="CNAME", answers=("SHOP.example.",)).status == UP


def records(*lines: str) -> Callable[[dns.message.Message], dns.message.Message]:
    def answered(answer: dns.message.Message) -> dns.message.Message:
        answer.answer = [dns.rrset.from_text(name, 300, "IN", *rest) for name, *rest in map(str.split, lines)]
        return answer

    return answered


@pytest.mark.parametrize(
    "lines",
    [
        ("SHOP.example. CNAME a.example.", "A.example. CNAME b.example.", "b.example. A 192.0.2.1"),
        ("b.example. A 192.0.2.1", "a.example. CNAME b.example.", "shop.example. CNAME a.example."),
    ],
)
def test_records_of_what_a_name_is_an_alias_of_are_its_own(port: int, zone: Zone, lines: tuple[str, ...]) -> None:
    zone.change = records(*lines)
    found = look(port, answers=("192.0.2.1",), only=True)
    assert (found.status, found.reason) == (UP, "")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    "lines",
    [
        ("other.example. A 192.0.2.1",),
        ("shop.example. CNAME a.example.", "b.example. A 192.0.2.1"),
        ("shop.example. CNAME a.example.", "a.example. CNAME shop.example.", "b.example. A 192.0.2.1"),
    ],
)
def test_records_of_another_name_do_not_count(port: int, zone: Zone, lines: tuple[str, ...], transport: str) -> None:
    zone.change = records(*lines)
    found = look(port, transport=transport)
    assert (found.status, found.reason) == (DOWN, "there is no A record of shop.example")
    assert found.metrics == {"answers": 0}


def test_a_server_that_cannot_is_told(port: int, zone: Zone) -> None:
    def fail(answer: dns.message.Message) -> dns.message.Message:
        answer.set_rcode(dns.rcode.SERVFAIL)
        return answer

    zone.change = fail
    assert look(port).reason == "it answered SERVFAIL, expected NOERROR"


def test_a_server_that_only_repeats_is_told(port: int, zone: Zone) -> None:
    def repeat(answer: dns.message.Message) -> dns.message.Message:
        answer.flags &= ~dns.flags.AA
        return answer

    zone.change = repeat
    assert look(port).status == UP
    assert look(port, authoritative=True).reason == "it does not answer for the zone itself"


@pytest.mark.parametrize("torn", [False, True])
def test_what_is_too_long_comes_by_tcp(port: int, zone: Zone, torn: bool) -> None:
    zone.long, zone.torn = not torn, torn
    assert look(port).status == UP
    assert zone.asked == ["udp", "tcp"]


@pytest.mark.parametrize("code", ["FORMERR", "NOTIMP"])
def test_a_server_that_knows_no_longer_packets_is_asked_as_it_can_be(port: int, zone: Zone, code: str) -> None:
    def old(answer: dns.message.Message) -> dns.message.Message:
        if answer.edns >= 0:
            answer.use_edns(False)
            answer.answer.clear()
            answer.set_rcode(dns.rcode.from_text(code))
        return answer

    zone.change = old
    found = look(port)
    assert (found.status, found.reason, zone.asked) == (UP, "", ["udp", "udp"])


def test_a_lost_packet_is_sent_again(port: int, zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    zone.lost = 1
    assert look(port).status == UP
    assert len(zone.asked) >= 2


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_silent_server_is_down_in_time(port: int, zone: Zone, transport: str) -> None:
    zone.lost = 1000
    start = time.monotonic()
    found = look(port, seconds=1.0, transport=transport)
    assert (found.status, found.reason) == (DOWN, "no answer within 1 s while waiting for its answer")
    assert not (transport == "udp" and found.reached)
    assert time.monotonic() - start < 25


def test_a_drip_over_tcp_is_cut() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"\xff\xff")
        dripping(connection)

    with listening(drip) as port:
        found = look(port, seconds=1.0, transport="tcp")
    assert found.status == DOWN
    assert found.reason.startswith("no answer within 1 s: ")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("raw", [b"", b"nonsense", b"\0" * 12, b"\xff" * 600])
def test_what_is_no_dns_is_down(port: int, zone: Zone, transport: str, raw: bytes) -> None:
    zone.raw = raw
    found = look(port, seconds=1.0, transport=transport)
    assert found.status == DOWN
    assert found.reason


def test_an_answer_to_another_question_does_not_count(port: int, zone: Zone) -> None:
    def other(answer: dns.message.Message) -> dns.message.Message:
        answer.id ^= 1
        return answer

    zone.change = other
    assert look(port, seconds=1.0).status == DOWN
    assert look(port, transport="tcp").reason == "its answer is to another question"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_nobody_there_is_told(transport: str) -> None:
    port = free_port()
    found = look(port, transport=transport)
    assert (found.status, found.reason) == (DOWN, f"connection refused by 127.0.0.1:{port}")
    assert found.reached


def test_over_tls_the_certificate_has_its_say(tmp_path: Path, zone: Zone) -> None:
    authority = certs.authority_file(tmp_path)
    with certs.listening_tls(certs.good(days=3.5), zone.over_tcp) as port:
        found = look(port, transport="tls", tls_authority=authority)
    assert (found.status, found.reason, found.tls_days) == (DEGRADED, "certificate expires in 3 days", 3)
    with certs.listening_tls(certs.good("a.example"), zone.over_tcp) as port:
        found = look(port, transport="tls", tls_authority=authority)
    assert found.reason == "certificate is for a.example, not 127.0.0.1"


def test_a_server_that_may_not_be_reached_is_not_asked(port: int, zone: Zone) -> None:
    found = tried(Dns(name="dns", url=f"dns://127.0.0.1:{port}/shop.example"), allowed=())
    assert found.status == UNKNOWN
    assert "[prober] private_networks" in found.reason
    assert zone.asked == []


@pytest.mark.parametrize("ask", [asking.by_udp, asking.by_tcp])
@pytest.mark.parametrize("host", ["127.0.0.1", "fe80::1%eth0"])
def test_the_server_that_this_machine_asks_needs_no_permission(port: int, host: str, ask: Any) -> None:
    def system(name: str, at: int) -> list[tuple[Any, ...]]:
        assert name == "fe80::1%eth0"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", at))]

    question = asking.Question("shop.example", "A")
    assert ask(host, port, question, probe(allowed=(), names=Names(system)), ours=True).code == "NOERROR"
    with pytest.raises(Failed, match="private_networks"):
        ask(host, port, question, probe(allowed=(), names=Names(system)), ours=False)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_where_the_first_of_this_machines_servers_is_silent_the_next_is_asked(
    port: int, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setitem(checks.PORTS, transport, port)
    monkeypatch.setattr(asking, "system_servers", lambda: ("127.0.0.9", "127.0.0.1"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as quiet, socket.socket() as deaf:
        quiet.bind(("127.0.0.9", port))
        deaf.bind(("127.0.0.9", port))
        found = tried(Dns(name="dns", url="dns:shop.example", transport=transport, record="SRV"), 8.0)
    assert (found.reason, found.metrics["server"]) == ("there is no SRV record of shop.example (by 127.0.0.1)", 2)


def test_an_answer_that_is_no_record_is_told() -> None:
    found = tried(Dns(name="dns", url="dns://127.0.0.1:1/shop.example", record="MX", answers=("mail.example",)))
    assert (found.status, found.reason) == (UNKNOWN, "mail.example is no MX record")
    found = tried(Dns(name="dns", url=f"dns://127.0.0.1:1/{'a' * 64}.example"))
    assert found.status == UNKNOWN
    assert found.reason.endswith("is no name that DNS could know")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "dns://192.0.2.53"}, "url"),
        ({"url": "dns://192.0.2.53/a/b"}, "url"),
        ({"answers": ("shop.example",)}, "answers"),
        ({"answers": ("::1",)}, "answers"),
        ({"record": "AAAA", "answers": ("192.0.2.1",)}, "answers"),
        ({"only": True}, "only"),
        ({"answer_pattern": "("}, "answer_pattern"),
    ],
)
def test_what_cannot_work_is_told_when_it_is_read(settings: dict[str, Any], key: str) -> None:
    assert [one.key for one in Dns(name="dns", **{"url": "dns:shop.example", **settings}).objections()] == [key]

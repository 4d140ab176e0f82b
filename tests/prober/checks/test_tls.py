"""TLS: each thing that can be wrong with a certificate or a version is told by its name."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Any

import pytest
import trustme

from prober.checks.securing import STARTTLS
from prober.checks.tcp import Tcp
from prober.checks.tls import USUAL, Tls
from prober.names import Names
from prober.outcome import DEGRADED, DOWN, UNKNOWN, UP, Outcome
from prober.starttls import PROTOCOLS
from prober.trust import LAST_WORD
from tests.ports import free_port
from tests.prober import certs
from tests.prober.targets import AMPLE, closing, dripping, listening, silent, tried

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")  # they are meant to be old


def look(port: int, folder: Path, host: str = "127.0.0.1", seconds: float = AMPLE, **more: object) -> Outcome:
    check = Tls(
        name="shop",
        url=f"tls://{host}:{port}",
        tls_authority=str(more.pop("tls_authority", certs.authority_file(folder))),
        **more,  # type: ignore[arg-type]
    )
    assert list(check.objections()) == []
    return tried(check, seconds)


def test_a_good_certificate_is_up_with_its_days_and_its_time(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good(days=90.5), closing) as port:
        found = look(port, tmp_path)
    assert (found.status, found.reason, found.tls_days) == (UP, "", 90)
    assert found.phases["tls_ms"] > 0
    assert found.metrics["tls_version"] == 1.3


def test_a_certificate_that_ends_soon_is_degraded(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good(days=3.5), closing) as port:
        found = look(port, tmp_path)
        late = look(port, tmp_path, tls_warn=86_400.0)
        never = look(port, tmp_path, tls_warn=0.0)
    assert (found.status, found.reason, found.tls_days) == (DEGRADED, "certificate expires in 3 days", 3)
    assert (late.status, never.status, never.tls_days) == (UP, UP, 3)


def test_a_server_that_asks_who_we_are_is_told(tmp_path: Path) -> None:
    certificate, key = certs.client_files(tmp_path)
    with certs.listening_tls(certs.asking(certs.good()), closing) as port:
        known = look(port, tmp_path, certificate=certificate, key=key)
        found = look(port, tmp_path)
        plain = Tcp(name="shop", url=f"tcp://127.0.0.1:{port}", tls=True, tls_authority=certs.authority_file(tmp_path))
        port_alone = tried(plain)
    assert (known.status, known.reason) == (UP, "")
    for one in (found, port_alone):
        assert (one.status, one.reason) == (DOWN, "it asks for a client certificate")


def test_a_server_that_finds_our_end_rude_has_no_objection_to_us(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good(), silent) as port:  # OpenSSL says at the end that it cannot decode that
        found = look(port, tmp_path)
    assert (found.status, found.reason) == (UP, "")


def test_a_server_that_does_not_end_what_we_ended_has_no_objection(tmp_path: Path) -> None:
    over = threading.Event()

    def deaf(connection: socket) -> None:
        over.wait(AMPLE)

    with certs.listening_tls(certs.good(), deaf) as port:
        found = look(port, tmp_path)
        over.set()
    assert (found.status, found.reason) == (UP, "")
    assert found.response_ms is not None
    assert found.response_ms <= found.phases["total_ms"] - 1000 * LAST_WORD, "what it took is not what we waited"


@pytest.mark.parametrize(
    ("life", "left", "status"),
    [(6.0, 3.1, UP), (6.0, 1.6, UP), (6.0, 1.4, DEGRADED), (1.1, 0.36, UP), (1.1, 0.2, DEGRADED), (90.0, 7.5, UP)],
)
def test_one_that_lives_for_days_is_degraded_in_the_last_quarter_of_them(
    tmp_path: Path, life: float, left: float, status: str
) -> None:
    with certs.listening_tls(certs.good(days=left, began=left - life), closing) as port:
        found, asked = look(port, tmp_path), look(port, tmp_path, tls_warn=30 * 86_400.0)
    assert found.status == status
    assert found.metrics["tls_left_percent"] == pytest.approx(100 * left / life, abs=0.2)
    assert asked.status == DEGRADED, "who says how long means it"


@pytest.mark.parametrize(
    ("server", "reason", "days"),
    [
        (lambda folder: certs.good(days=-3.5), "certificate expired 3 days ago", -4),
        (lambda folder: certs.good(days=-0.05), "certificate expired 1 hour ago", -1),
        (lambda folder: certs.good(days=9.5, began=2.5), "certificate is not valid yet, but in 2 days", 9),
        (lambda folder: certs.good("a.example"), "certificate is for a.example, not 127.0.0.1", 90),
        (
            lambda folder: certs.good("a.example", "b.example", "c.example", "d.example", "e.example"),
            "certificate is for a.example, b.example, c.example and 2 more, not 127.0.0.1",
            90,
        ),
        (certs.self_signed, "self-signed certificate", 29),
    ],
)
def test_a_bad_certificate_is_down_and_named(
    tmp_path: Path, server: Callable[[Path], ssl.SSLContext], reason: str, days: int
) -> None:
    with certs.listening_tls(server(tmp_path), closing) as port:
        found = look(port, tmp_path)
    assert (found.status, found.reason, found.tls_days) == (DOWN, reason, days)


def test_an_authority_that_is_not_trusted_is_named(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good(), closing) as port:
        found = look(port, tmp_path, tls_authority="")
    assert found.status == DOWN
    assert "which is not trusted" in found.reason
    assert "Testing CA" in found.reason


def test_a_chain_with_a_hole_is_told(tmp_path: Path) -> None:
    with certs.listening_tls(certs.below(whole=True), closing) as port:
        assert look(port, tmp_path).status == UP
    with certs.listening_tls(certs.below(whole=False), closing) as port:
        found = look(port, tmp_path)
    assert found.status == DOWN
    assert "whose certificate is not sent" in found.reason


def test_a_name_is_checked_by_the_one_that_is_asked_for(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good("a.example"), closing) as port:
        assert look(port, tmp_path, tls_name="a.example").status == UP
        found = look(port, tmp_path, tls_name="b.example")
    assert found.reason == "certificate is for a.example, not b.example"


def test_a_name_with_a_dot_behind_it_is_the_same_to_its_certificate(tmp_path: Path) -> None:
    def system(host: str, port: int) -> list[tuple[Any, ...]]:
        return [(AF_INET, SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    trusted = certs.authority_file(tmp_path)
    with certs.listening_tls(certs.good("a.example"), closing) as port:
        whole = Tls(name="shop", url=f"tls://a.example.:{port}", tls_authority=trusted)
        other = Tls(name="shop", url=f"tls://b.example.:{port}", tls_authority=trusted)
        assert tried(whole, names=Names(system)).status == UP
        assert tried(other, names=Names(system)).reason == "certificate is for a.example, not b.example"


def test_without_verification_only_the_days_are_looked_at(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good("a.example", days=20.5), closing) as port:
        found = look(port, tmp_path, tls_verify=False)
    assert (found.status, found.tls_days) == (UP, 20)
    with certs.listening_tls(certs.good(days=-2.5), closing) as port:
        found = look(port, tmp_path, tls_verify=False)
    assert (found.status, found.reason) == (DEGRADED, "certificate expired 2 days ago")


def test_a_name_that_is_no_text_hides_neither_the_fault_nor_the_days(tmp_path: Path) -> None:
    context = certs.self_signed(tmp_path, b"\x82\x09localhost", b"\x82\x06b\xfccher", b"\x86\x04x:/\xe9")
    trusted = str(tmp_path / "self.pem")
    with certs.listening_tls(context, closing) as port:
        good = look(port, tmp_path, host="localhost", tls_authority=trusted)
        other = look(port, tmp_path, tls_authority=trusted)
        nobodys = look(port, tmp_path, host="localhost")
        anyones = look(port, tmp_path, tls_verify=False)
    assert (good.status, good.reason, good.tls_days) == (UP, "", 29)
    assert (other.reason, other.tls_days) == ("certificate is for a name that is no text, not 127.0.0.1", 29)
    assert (nobodys.status, nobodys.reason) == (DOWN, "self-signed certificate")
    assert (anyones.status, anyones.tls_days) == (UP, 29)


def test_the_authorities_of_this_system_are_read_anew_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    with certs.listening_tls(certs.good(), closing) as port:
        for authority, status in ((trustme.CA(), DOWN), (certs.authority(), UP)):
            authority.cert_pem.write_to_path(str(tmp_path / "system.pem"))
            assert look(port, tmp_path, tls_authority="").status == status


def test_an_old_version_is_down_unless_it_may_be_old(tmp_path: Path) -> None:
    with certs.listening_tls(certs.old(certs.good()), closing) as port:
        found = look(port, tmp_path)
        assert (found.status, found.reason) == (DOWN, "it speaks TLS 1.1, expected at least 1.2")
        assert look(port, tmp_path, tls_least="1.1").status == UP
    context = certs.good()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with certs.listening_tls(context, closing) as port:
        assert look(port, tmp_path).metrics["tls_version"] == 1.2
        found = look(port, tmp_path, tls_least="1.3")
    assert found.reason == "it speaks TLS 1.2, expected at least 1.3"


def test_what_speaks_no_tls_is_told(tmp_path: Path) -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        found = look(port, tmp_path)
    assert (found.status, found.reason) == (DOWN, "it does not speak TLS on this port")


@pytest.mark.parametrize("act", [silent, dripping])
def test_a_handshake_that_does_not_end_is_cut(tmp_path: Path, act: Callable[[socket], None]) -> None:
    def slow(connection: socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 kB, of which a byte comes now and then
        act(connection)

    with listening(slow) as port:
        found = look(port, tmp_path, seconds=1.0)
    assert (found.status, found.reason) == (DOWN, "no answer within 1 s while agreeing on TLS")


def test_files_that_cannot_be_read_say_nothing_of_the_target(tmp_path: Path) -> None:
    with certs.listening_tls(certs.good(), closing) as port:
        found = look(port, tmp_path, tls_authority="/nowhere/authority.pem")
        assert (found.status, found.reason) == (UNKNOWN, "/nowhere/authority.pem: no such file or directory")
        found = look(port, tmp_path, certificate="/nowhere/client.pem")
        assert (found.status, found.reason) == (UNKNOWN, "/nowhere/client.pem: no such file or directory")
        (tmp_path / "empty.pem").write_text("nothing")
        found = look(port, tmp_path, certificate=str(tmp_path / "empty.pem"))
        assert found.status == UNKNOWN
        found = look(port, tmp_path, tls_authority=str(tmp_path / "empty.pem"))
        assert found.status == UNKNOWN


def test_a_renewed_authority_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "renewed.pem"
    with certs.listening_tls(certs.good(), closing) as port:
        trustme.CA().cert_pem.write_to_path(str(file))
        assert look(port, tmp_path, tls_authority=file).status == DOWN
        certs.authority().cert_pem.write_to_path(str(file))
        assert look(port, tmp_path, tls_authority=file).status == UP


# -- TLS that is asked for ---


def mail(connection: socket) -> bool:
    connection.sendall(b"220-mail.example\r\n220 ready\r\n")
    connection.recv(100)
    connection.sendall(b"250-mail.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
    connection.recv(100)
    connection.sendall(b"220 go ahead\r\n")
    return True


def talk(*parts: bytes) -> Callable[[socket], bool]:
    """Says the parts, and waits for a word between them."""

    def begin(connection: socket) -> bool:
        for i, part in enumerate(parts):
            if i:
                connection.recv(100)
            connection.sendall(part)
        return True

    return begin


SPEAK: dict[str, Callable[[socket], bool]] = {
    "smtp": mail,
    "lmtp": mail,
    "imap": talk(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", b"* CAPABILITY x\r\na OK begin\r\n"),
    "pop3": talk(b"+OK ready\r\n", b"+OK begin\r\n"),
    "ftp": talk(b"120 wait\r\n220-welcome\r\n4 users of 50\r\n220\r\n", b"234 go\r\n"),
    "nntp": talk(b"200 ready\r\n", b"382 go\r\n"),
    "sieve": talk(b'"IMPLEMENTATION" "x"\r\n"STARTTLS"\r\nOK "ready"\r\n', b'OK "go"\r\n'),
    "postgres": talk(b"", b"S"),
    "ldap": talk(b"", bytes.fromhex("300c02010178070a010004000400")),
}
REFUSE: dict[str, Callable[[socket], bool]] = {
    "smtp": talk(b"220 ready\r\n", b"250 mail.example\r\n", b"454 TLS not available\r\n"),
    "lmtp": talk(b"220 ready\r\n", b"250 mail.example\r\n", b"454 TLS not available\r\n"),
    "imap": talk(b"* OK ready\r\n", b"a BAD unknown\r\n"),
    "pop3": talk(b"+OK ready\r\n", b"-ERR unknown\r\n"),
    "ftp": talk(b"220 ready\r\n", b"502 unknown\r\n"),
    "nntp": talk(b"200 ready\r\n", b"580 cannot\r\n"),
    "sieve": talk(b'OK "ready"\r\n', b'NO "cannot"\r\n'),
    "postgres": talk(b"", b"N"),
    "ldap": talk(b"", bytes.fromhex("300c02010178070a010204000400")),
}


def test_all_protocols_are_tried_here() -> None:
    assert {"", *PROTOCOLS} == set(STARTTLS) == set(USUAL)
    assert SPEAK.keys() == REFUSE.keys() == PROTOCOLS.keys()


@pytest.mark.parametrize("protocol", sorted(SPEAK))
def test_tls_can_be_asked_for(tmp_path: Path, protocol: str) -> None:
    with listening(certs.asked(SPEAK[protocol], certs.good(days=40.5), closing)) as port:
        found = look(port, tmp_path, starttls=protocol)
    assert (found.status, found.reason, found.tls_days) == (UP, "", 40)
    with listening(certs.asked(SPEAK[protocol], certs.good(days=-1.5), closing)) as port:
        assert look(port, tmp_path, starttls=protocol).reason == "certificate expired 1 day ago"


def test_what_is_no_ftp_is_told_at_once(tmp_path: Path) -> None:
    with listening(certs.asked(talk(b"SSH-2.0-OpenSSH_9.2\r\n", b""), certs.good(), closing)) as port:
        found = look(port, tmp_path, starttls="ftp")
    assert found.reason == 'it answered "SSH-2.0-OpenSSH_9.2" to the connection, expected 220'


@pytest.mark.parametrize("protocol", sorted(REFUSE))
def test_tls_that_is_refused_is_told(tmp_path: Path, protocol: str) -> None:
    def refuse(connection: socket) -> None:
        REFUSE[protocol](connection)
        connection.recv(1)

    with listening(refuse) as port:
        found = look(port, tmp_path, starttls=protocol)
    assert found.status == DOWN
    assert "offer TLS" in found.reason or found.reason.startswith("it answered"), found.reason


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@pytest.mark.parametrize("act", [silent, dripping, closing])
def test_a_protocol_that_does_not_come_to_tls_is_cut(
    tmp_path: Path, protocol: str, act: Callable[[socket], None]
) -> None:
    with listening(act) as port:
        found = look(port, tmp_path, seconds=0.3, starttls=protocol)
    assert found.status == DOWN
    assert found.reason


def test_nobody_there_is_told(tmp_path: Path) -> None:
    port = free_port()
    assert look(port, tmp_path).reason == f"connection refused by 127.0.0.1:{port}"

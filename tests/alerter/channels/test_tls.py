"""Channels over TLS: what is trusted is told, and a certificate that is not names its fault, secrets unseen."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from alerter.channels.common import HttpChannel
from alerter.channels.email import Email
from alerter.letters import ALARM, Letter
from alerter.outbox import Delivered, Later, Never, Partly
from alerter.posting import Carrier
from bus.config import Secret
from tests.alerter.channels.test_contract import HTTP, SECRET, letter
from tests.alerter.receiver import Receiver, Reply
from tests.alerter.shapes import burning, item
from tests.ports import free_port
from tests.prober import certs


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    """The file with the authority of the tests."""
    return certs.authority_file(tmp_path)


def sent(channel: HttpChannel, authority: str) -> Any:
    return channel.send(letter(), Carrier(("127.0.0.0/8", "::1"), authority=authority))


@pytest.mark.parametrize("name", HTTP)
def test_a_receiver_with_a_good_certificate_is_told(name: str, trusted: str) -> None:
    with Receiver(certs.good()) as receiver:
        assert isinstance(sent(HTTP[name](receiver.url), trusted), Delivered)
        assert receiver.keys == [letter().key]
        receiver.replies.extend([Reply(429, headers={"Retry-After": "7"}), Reply(503), Reply(404)])
        outcomes = [sent(HTTP[name](receiver.url), trusted) for _ in range(3)]
    assert [type(one) for one in outcomes] == [Later, Later, Never]
    assert outcomes[0].seconds == 7.0


BAD: dict[str, tuple[Callable[[Path], ssl.SSLContext], str]] = {
    "over": (lambda _: certs.good(days=-1), "certificate has expired"),
    "for another name": (lambda _: certs.good("shop.example"), "mismatch"),
    "signed by nobody": (certs.self_signed, "self-signed certificate"),
    "too old a protocol": (lambda _: certs.old(certs.good()), "TLS fails"),
}


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.parametrize("fault", BAD)
def test_a_receiver_with_a_bad_one_is_told_nothing(name: str, fault: str, trusted: str, tmp_path: Path) -> None:
    made, words = BAD[fault]
    with Receiver(made(tmp_path)) as receiver:
        found = sent(HTTP[name](receiver.url), trusted)
    assert isinstance(found, Later), found
    assert not found.maybe
    assert words.lower().replace("-", " ") in found.why.lower().replace("-", " ")
    assert SECRET not in found.why
    assert receiver.requests == []


def test_the_systems_authorities_hold_where_no_other_is_named() -> None:
    with Receiver(certs.good()) as receiver:
        found = sent(HTTP["webhook"](receiver.url), "")
    assert isinstance(found, Later)
    assert "certificate is not trusted" in found.why


# -- mail, by a server that others wrote ---


class Post:
    """Keeps what came; refuses whom the test names."""

    def __init__(self, refused: dict[str, str] | None = None) -> None:
        self.mails: list[bytes] = []
        self.refused = refused or {}

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        self.mails.append(content if isinstance(content, bytes) else str(content).encode())
        return "250 taken"


def let_in(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    """Anna, with her word."""
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"anna", SECRET.encode())
    return AuthResult(success=known, handled=False)


Served = Callable[..., tuple[Post, int]]


@pytest.fixture
def served() -> Iterator[Served]:
    """Starts mail servers."""
    running: list[Controller] = []

    def one(post: Post, tls: ssl.SSLContext, *, at_once: bool = False, **more: Any) -> tuple[Post, int]:
        how: dict[str, Any] = {"tls_context": tls, "require_starttls": True}
        if at_once:
            how = {"ssl_context": tls, "auth_require_tls": False}
        port = free_port()
        controller = Controller(post, hostname="127.0.0.1", port=port, ready_timeout=60.0, **how, **more)
        controller.start()
        running.append(controller)
        return post, port

    yield one
    for controller in running:
        controller.stop()


def mail(port: int, authority: str, **changes: Any) -> Email:
    return replace(
        Email(
            host="localhost",
            port=port,
            sender="guardia@example.org",
            to=("anna@example.org", "bob@example.org"),
            authority=authority,
            user="anna",
            password=Secret(SECRET),
            timeout=20.0,
        ),
        **changes,
    )


def mailed(channel: Email, what: Letter | None = None) -> Any:
    return channel.send(what or letter(), Carrier(()))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_mail_goes_over_tls_with_a_password(security: str, trusted: str, served: Served) -> None:
    post, port = served(Post(), certs.good(), at_once=security == "tls", authenticator=let_in, auth_required=True)
    assert mailed(mail(port, trusted, security=security)) == Delivered("accepted")
    two = Letter(
        "two", (item(burning(), ALARM), item(burning(id="c0ffee0000000009", subject="web-2", display="web-2"), ALARM))
    )
    assert mailed(mail(port, trusted, security=security), two) == Delivered("accepted")
    first, second = post.mails
    assert b"cpu-busy" in first
    assert b"web-2" in second

    wrong = mailed(mail(port, trusted, security=security, password=Secret("another")))
    assert isinstance(wrong, Later)
    assert wrong.why.startswith("535")
    assert "another" not in wrong.why


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_no_password_goes_to_a_server_that_is_not_who_it_says(security: str, trusted: str, served: Served) -> None:
    post, port = served(Post(), certs.good("other.example"), at_once=security == "tls", authenticator=let_in)
    found = mailed(mail(port, trusted, security=security))
    assert isinstance(found, Later)
    assert "certificate is not trusted" in found.why
    assert post.mails == []


def test_one_recipient_of_two_is_better_than_none(trusted: str, served: Served) -> None:
    gone = Post({"bob@example.org": "550 nobody of that name"})
    _, port = served(gone, certs.good(), authenticator=let_in)
    assert mailed(mail(port, trusted)) == Partly(
        (), taken="anna@example.org", refused="bob@example.org: 550: nobody of that name"
    )
    both = Post(dict.fromkeys(("anna@example.org", "bob@example.org"), "452 mailbox full"))
    _, port = served(both, certs.good(), authenticator=let_in)
    assert isinstance(mailed(mail(port, trusted)), Later)


def test_a_file_of_certificates_has_to_be_there() -> None:
    assert [one.key for one in mail(25, "/nowhere/authority.pem").objections()] == ["authority"]

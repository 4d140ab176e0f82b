"""Certificates made for a test: good, about to end, over, for another name, signed by nobody; and servers with them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from socket import SHUT_WR, socket

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.prober.targets import Act, listening

NAMES = ("127.0.0.1", "localhost", "a.example")


@cache
def authority() -> trustme.CA:
    """The one that the tests trust."""
    return trustme.CA(organization_name="Guardia tests")


def authority_file(folder: Path) -> str:
    """A file with its certificate."""
    file = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(file))
    return str(file)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """What a server with this certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good(*names: str, days: float = 90.5, began: float = -365) -> ssl.SSLContext:
    """A server's context; its certificate lasts so many days, and began to be good so many days from now."""
    now = datetime.now(UTC).replace(tzinfo=None)
    made = authority().issue_cert(
        *(names or NAMES), not_before=now + timedelta(days=min(began, days - 1)), not_after=now + timedelta(days=days)
    )
    return serving(made)


def below(*, whole: bool) -> ssl.SSLContext:
    """A certificate that is signed by one between; ``whole``: the server sends that too, as it should."""
    made = authority().create_child_ca().issue_cert(*NAMES)
    if whole:
        return serving(made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with made.private_key_pem.tempfile() as key, made.cert_chain_pems[0].tempfile() as certificate:
        context.load_cert_chain(certificate, key)
    return context


@cache
def signed_by_itself(
    *names: x509.GeneralName | bytes, ends: datetime | None = None
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and its certificate, which nobody else vouches for; a name in bytes is a part of DER as it is."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    odd = b"".join(name for name in names if isinstance(name, bytes))
    alternatives: x509.ExtensionType = x509.SubjectAlternativeName(
        [name for name in names if not isinstance(name, bytes)]
    )
    if odd:
        alternatives = x509.UnrecognizedExtension(alternatives.oid, bytes([0x30, len(odd)]) + odd)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(ends or now + timedelta(days=30))
        .add_extension(alternatives, critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, made


def self_signed(folder: Path, *names: x509.GeneralName | bytes) -> ssl.SSLContext:
    """A certificate that nobody but itself vouches for; in ``folder/self.pem``, with its key."""
    key, made = signed_by_itself(*(names or (x509.DNSName("localhost"),)))
    file = folder / "self.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, of a server that knows nothing newer than TLS 1.1."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def asking(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, of a server that lets in only those who have a certificate of its authority."""
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context


def client_files(folder: Path) -> tuple[str, str]:
    """Files with a client's certificate and its key."""
    made = authority().issue_cert("guardia@example.org")
    certificate, key = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(made.cert_chain_pems[0].bytes())
    key.write_bytes(made.private_key_pem.bytes())
    return str(certificate), str(key)


def secured(context: ssl.SSLContext, act: Act) -> Act:
    """``act`` over TLS."""

    def serve(connection: socket) -> None:
        with (
            suppress(OSError),
            context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as secure,
        ):
            try:
                secure.do_handshake()
            except ssl.SSLError:
                # What was said is read, so that our own last word, why we do not talk, is not lost on its way.
                secure.shutdown(SHUT_WR)
                while socket.recv(secure, 4096):
                    pass
                return
            act(secure)

    return serve


@contextmanager
def listening_tls(context: ssl.SSLContext, act: Act) -> Iterator[int]:
    """A TLS server that does ``act`` with each connection; gives its port."""
    with listening(secured(context, act)) as port:
        yield port


def asked(begin: Callable[[socket], bool], context: ssl.SSLContext, act: Act) -> Act:
    """``act`` over TLS once ``begin`` has agreed to it in the words of a protocol."""

    def serve(connection: socket) -> None:
        if begin(connection):
            secured(context, act)(connection)

    return serve


def turn(context: ssl.SSLContext, folder: Path, *names: str, days: float) -> None:
    """The server of this context has another certificate from now on."""
    key, chain = pair(days, *names)
    file = folder / "turned.pem"
    file.write_bytes(key + chain)
    context.load_cert_chain(file)


def pair(days: float, *names: str) -> tuple[bytes, bytes]:
    """The key and the certificate of a server, which lasts so many days, for those who take no context."""
    now = datetime.now(UTC).replace(tzinfo=None)
    made = authority().issue_cert(
        *(names or NAMES), not_before=now + timedelta(days=-365), not_after=now + timedelta(days=days)
    )
    return made.private_key_pem.bytes(), b"".join(one.bytes() for one in made.cert_chain_pems)

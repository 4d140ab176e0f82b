"""E-mail: SMTP with STARTTLS or TLS from the beginning."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address, HeaderRegistry, MessageIDHeader
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate

from alerter.channels.common import Carries, Channel
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome, Partly, some
from bus.addresses import is_host
from bus.config import Objection, Secret, setting
from bus.deadline import Deadline, within

_MAIL = r"[^\s@<>,;]+@[^\s@<>,;]+"
_MAIL_FORM = "an address such as ops@example.org"
GOING = 421
"""With this the server ends the connection, whomever it says it of: nobody got anything."""
BEYOND = 553, b"the server takes no address with letters beyond ASCII (SMTPUTF8)"
_NO_ADDRESS = (ValueError, MessageError, LookupError, AttributeError, TypeError)
"""What the library raises over what is no address; the last three by mistake."""
_HEADERS = HeaderRegistry()
# Else a long one is written in code, and belongs to no thread any more.
_HEADERS.map_to_type("references", MessageIDHeader)  # type: ignore[arg-type]  # it is mixed with the base there
_POLICY = default.clone(header_factory=_HEADERS)


@dataclass(frozen=True, kw_only=True)
class Email(Channel):
    """Mail to one or several people."""

    host: str = setting(help="The mail server.")
    port: int = setting(587, minimum=1, maximum=65_535, help="Its port: 587 with starttls, 465 with tls, 25 without.")
    security: str = setting("starttls", choices=("starttls", "tls", "none"), help="How the way there is protected.")
    user: str = setting("", help="Who logs in; empty: nobody.")
    password: Secret | None = setting(None, help="The password for it.")
    sender: str = setting(pattern=_MAIL, form=_MAIL_FORM, help="From whom it comes.")
    to: tuple[str, ...] = setting(pattern=_MAIL, form=_MAIL_FORM, help="To whom it goes.")
    authority: str = setting("", help="A file of certificates to trust in place of the system's.")

    def objections(self) -> Iterator[Objection]:
        """Somebody has to get it, and a password does not travel in the open."""
        yield from super().objections()
        if not is_host(self.host):
            yield Objection("host", f'"{self.host}"', "a host name or an address", "its port stands in port = ...")
        if not _can_send(self.sender):
            yield Objection("sender", f'"{self.sender}", which mail cannot come from', _MAIL_FORM)
        if not self.to:
            yield Objection("to", "nobody", "at least one address")
        for one in self.to:
            if not _can_get(one):
                yield Objection("to", f'"{one}", which mail cannot go to', _MAIL_FORM)
        if self.authority and not os.path.isfile(self.authority):
            yield Objection("authority", f"{self.authority}, where no file can be seen", "a file of PEM certificates")
        if self.user and self.password is None:
            yield Objection("password", "nothing", "the password of the user")
        if self.password is not None and self.security == "none":
            yield Objection("security", "none beside a password", "starttls or tls")
        for key, word in (("user", self.user), ("password", self.password.reveal() if self.password else "")):
            if not word.isascii():
                yield Objection(key, f"letters beyond ASCII in the {key}", "what a login to a mail server can carry")

    def notes(self) -> Iterator[str]:
        """Where the port and the way there belong to different customs, the server waits for us and we for it."""
        usual = {465: "tls", 587: "starttls"}.get(self.port, self.security)
        if usual != self.security:
            yield f'security: at port {self.port} servers speak "{usual}", not "{self.security}"'

    @property
    def receivers(self) -> tuple[str, ...]:
        """The people; the server answers for each of them."""
        return self.to

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        """Hand it to the server; what the server calls permanent is refused for good."""
        to = [one for one in dict.fromkeys(self.to) if one in letter.left or not letter.left]
        with within(self.timeout) as deadline:
            try:
                server = self._connected(carrier, deadline)
            except (smtplib.SMTPException, OSError) as error:
                return self._failed(error, deadline, maybe=False)
            try:
                refused = self._refused(server, self.message(letter), to)
            except smtplib.SMTPNotSupportedError:
                return Never(f"{BEYOND[0]}: {_words(BEYOND[1])}")
            except smtplib.SMTPRecipientsRefused as error:
                if not letter.left or GOING in (code for code, _ in error.recipients.values()):
                    return self._failed(error, deadline, maybe=False)
                refused = error.recipients  # others have it already: the server is well
            except (smtplib.SMTPException, OSError) as error:
                return self._failed(error, deadline, maybe=True)
            finally:
                # What it says to a goodbye changes nothing of what it took.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
                server.close()
        return _partly([one for one in to if one not in refused], refused) if refused else Delivered("accepted")

    def _refused(self, server: smtplib.SMTP, mail: EmailMessage, to: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        """Hand it over; whom the server refuses, by address, as it does whom it cannot even be told of."""
        server.ehlo_or_helo_if_needed()
        beyond = {} if server.has_extn("smtputf8") else {one: BEYOND for one in to if not one.isascii()}
        rest = [one for one in to if one not in beyond]
        if not rest:
            raise smtplib.SMTPNotSupportedError
        try:
            return {**server.send_message(mail, self.sender, rest), **beyond}
        except smtplib.SMTPRecipientsRefused as error:
            raise smtplib.SMTPRecipientsRefused({**error.recipients, **beyond}) from None

    def _failed(self, error: Exception, deadline: Deadline, *, maybe: bool) -> Outcome:
        match error:
            case smtplib.SMTPRecipientsRefused():
                code = min((code for code, _ in error.recipients.values()), default=550)
                return _by_code(code, "no recipient is taken")
            case smtplib.SMTPResponseException():
                return _by_code(error.smtp_code, _words(error.smtp_error))
            case ssl.SSLCertVerificationError():
                return Later(None, f"its certificate is not trusted: {error.verify_message}")
            case socket.gaierror(errno=socket.EAI_AGAIN):
                return Later(None, f"the name servers do not answer for {self.host}")
        if deadline.passed:
            return Later(None, f"no answer within {self.timeout:g} s", maybe=maybe)
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Later(None, why.lower()[:160], maybe=maybe)

    def _connected(self, carrier: Carries, deadline: Deadline) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self.authority or None)

        class Plain(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                return carrier.connect(host, port, deadline)

        class Secure(smtplib.SMTP_SSL, Plain):
            """The same over TLS from the first byte."""

        own = carrier.own_name(deadline)
        if self.security == "tls":
            server: smtplib.SMTP = Secure(self.host, self.port, own, timeout=deadline.left(), context=trust)
        else:
            server = Plain(self.host, self.port, own, timeout=deadline.left())
        try:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.password is not None:
                server.login(self.user, self.password.reveal())
        except BaseException:
            server.close()
            raise
        return server

    def message(self, letter: Letter) -> EmailMessage:
        """The mail; what belongs to one incident is one thread, and a second copy has the id of the first."""
        mail = EmailMessage(policy=_POLICY)
        domain = self.sender.rpartition("@")[2]
        mail["Subject"] = " ".join(self.head(letter).split())
        mail["From"] = Address("Guardia", addr_spec=self.sender)
        mail["To"] = ", ".join(self.to)
        mail["Date"] = formatdate(letter.first.at / 1e9)
        mail["Message-ID"] = f"<{letter.key}@{domain}>"
        if letter.alone:
            mail["References"] = f"<{letter.first.incident.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.body(letter) + "\n")
        return mail


def _can_send(address: str) -> bool:
    try:
        Address(addr_spec=address)
    except _NO_ADDRESS:
        return False
    return True


def _can_get(address: str) -> bool:
    """Whether it is one address, and not several, or a group of them, in the eyes of who reads a mail's head."""
    mail = EmailMessage()
    try:
        mail["To"] = address
        found = [one.addr_spec.replace('"', "") for one in mail["To"].addresses if one.username and one.domain]
    except _NO_ADDRESS:
        return False
    return found == [address.replace('"', "")]


def _partly(taken: Sequence[str], refused: Mapping[str, tuple[int, bytes | str]]) -> Partly:
    """What it means that the server took a mail for some, and refused it for others."""
    judged = {one: _by_code(code, _words(text)) for one, (code, text) in refused.items()}
    left = tuple(one for one, outcome in judged.items() if isinstance(outcome, Later))
    never = [f"{one}: {outcome.why}" for one, outcome in judged.items() if isinstance(outcome, Never)]
    return Partly(
        left,
        why=judged[left[0]].why if left else "",
        taken=some(taken) if taken else "",
        refused=some(never) if never else "",
    )


def _words(text: bytes | str) -> str:
    """What the server says, at most 160 characters of it."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(words.split())[:160]


def _by_code(code: int, text: str) -> Later | Never:
    why = f"{code}: {text}"
    return Never(why) if 500 <= code < 600 and code != 535 else Later(None, why)

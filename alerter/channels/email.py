"""E-mail: SMTP with STARTTLS or TLS from the beginning."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path

from alerter.channels.common import Carries, Channel
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome
from bus.config import Objection, Secret, setting

_MAIL = r"[^\s@<>,;]+@[^\s@<>,;]+"
_MAIL_FORM = "an address such as ops@example.org"


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
        if not self.to:
            yield Objection("to", "nobody", "at least one address")
        if self.authority and not Path(self.authority).is_file():
            yield Objection("authority", f"{self.authority}, which is no file", "a file of PEM certificates")
        if self.user and self.password is None:
            yield Objection("password", "nothing", "the password of the user")
        if self.password is not None and self.security == "none":
            yield Objection("security", "none beside a password", "starttls or tls")

    def send(self, letter: Letter, carrier: Carries, link: str = "") -> Outcome:
        """Hand it to the server; what the server calls permanent is refused for good."""
        try:
            with self._connected() as server:
                refused = server.send_message(self.message(letter, link), self.sender, list(self.to))
        except smtplib.SMTPRecipientsRefused as error:
            return _by_code(min((code for code, _ in error.recipients.values()), default=550), "no recipient is taken")
        except smtplib.SMTPResponseException as error:
            text = error.smtp_error
            words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
            return _by_code(error.smtp_code, " ".join(words.split())[:160])
        except ssl.SSLCertVerificationError as error:
            return Later(None, f"its certificate is not trusted: {error.verify_message}")
        except (smtplib.SMTPException, OSError) as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else getattr(error, "strerror", None)
            return Later(None, (why or str(error) or type(error).__name__).lower()[:160], maybe=True)
        if refused:
            return Delivered(f"{len(self.to) - len(refused)} of {len(self.to)} recipients")
        return Delivered("accepted")

    def _connected(self) -> smtplib.SMTP:
        trust = ssl.create_default_context(cafile=self.authority or None)
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=trust)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.security == "starttls":
                server.starttls(context=trust)
            if self.password is not None:
                server.login(self.user, self.password.reveal())
        except BaseException:
            server.close()
            raise
        return server

    def message(self, letter: Letter, link: str = "") -> EmailMessage:
        """The mail; what belongs to one incident is one thread, and a second copy has the id of the first."""
        mail = EmailMessage()
        domain = self.sender.rpartition("@")[2]
        mail["Subject"] = " ".join(self.head(letter, link).split())
        mail["From"] = Address("Guardia", addr_spec=self.sender)
        mail["To"] = ", ".join(self.to)
        mail["Date"] = formatdate(letter.first.at / 1e9)
        mail["Message-ID"] = f"<{letter.key}@{domain}>"
        if letter.alone:
            mail["References"] = f"<{letter.first.incident.id}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(self.body(letter, link) + "\n")
        return mail


def _by_code(code: int, text: str) -> Outcome:
    why = f"{code}: {text}"
    return Never(why) if 500 <= code < 600 and code != 535 else Later(None, why)

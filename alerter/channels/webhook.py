"""Any receiver of JSON: the first Guardia's body, with more beside it, signed where a secret is given."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from alerter import phrases
from alerter.channels.common import URL, URL_FORM, HttpChannel, Post, json_headers, packed
from alerter.letters import TEST, Item, Letter
from bus.addresses import unlike_url
from bus.config import Objection, Secret, setting
from bus.headers import header
from bus.messages import DRILL

SIGNATURE_HEADER = "X-Guardia-Signature"


@dataclass(frozen=True, kw_only=True)
class Webhook(HttpChannel):
    """Any receiver of JSON over HTTP."""

    # Receivers of the first Guardia's bodies expect one host or service in each.
    GROUPS: ClassVar[bool] = False
    MARKDOWN: ClassVar[bool] = True
    ADDRESS: ClassVar[str] = "url"

    url: str = setting("", pattern=f"({URL})?", form=URL_FORM, help="Where it is sent.")
    secret_url: Secret | None = setting(None, help="The address, if it must not be seen, in place of url.")
    secret: Secret | None = setting(None, help="Signs each body, so that the receiver knows who sent it.")
    old_secret: Secret | None = setting(None, help="While the secret is changed: the one before, which signs too.")
    headers: dict[str, str] = setting({}, help='Further headers: { X-Team = "ops" }.')
    secret_headers: dict[str, Secret] = setting({}, help="Further headers that must not be seen: Authorization.")

    def objections(self) -> Iterator[Objection]:
        """It has one address, and headers that can be sent."""
        yield from super().objections()
        if bool(self.url) == (self.secret_url is not None):
            yield Objection("url", "both addresses" if self.url else "no address", "url or secret_url")
        yield from unlike_url("secret_url", self.secret_url)
        for name, text in self.headers.items():
            yield from header("headers", name, text)
        for name, secret in self.secret_headers.items():
            yield from header("secret_headers", name, secret.reveal())

    def request(self, letter: Letter) -> Post:
        """The body as the first Guardia's receivers know it, and more."""
        body = packed(self.message(letter))
        headers = {**json_headers(letter), **self.headers}
        headers |= {name: value.reveal() for name, value in self.secret_headers.items()}
        secrets = [one.reveal() for one in (self.secret, self.old_secret) if one]
        if secrets:
            headers[SIGNATURE_HEADER] = signature(body, secrets, int(time.time()))
        return Post(self.secret_url.reveal() if self.secret_url else self.url, body, headers)

    def message(self, letter: Letter) -> dict[str, Any]:
        """The body: that of the one notice, or of the first of several with all of them under ``notices``."""
        notices = [self._notice(item, letter.link) for item in letter.items]
        if letter.alone:
            return notices[0]
        return {**notices[0], "message": f"{self.head(letter)}\n{self.body(letter)}", "notices": notices}

    def _notice(self, item: Item, link: str) -> dict[str, Any]:
        """What is said of one incident."""
        incident = item.incident
        one = Letter(item.key, (item,), link=link)
        words = self.body(one) if self.text else self.shown(sentence(item))
        old: dict[str, Any] = {"message": words, "server": incident.display or incident.subject}
        if incident.kind == "service":
            old = {
                "message": words,
                "service": incident.display or incident.subject,
                "url": incident.url,
                "status": phrases.status(incident),
                "error": incident.error or None,
            }
        more = {
            "timestamp": phrases.time_text(item.at),
            "id": incident.id,
            "key": item.key,
            "event": phrases.what(item),
            "transition": incident.transition,
            "state": incident.state,
            "severity": incident.severity,
            "kind": incident.kind,
            "subject": incident.subject,
            "rule": incident.rule,
            "instance": incident.instance,
            "value": incident.value,
            "threshold": incident.threshold,
            "started_at": phrases.time_text(incident.started_at),
            "ended_at": phrases.time_text(incident.ended_at) if incident.ended_at else None,
            "reason": incident.reason,
            **phrases.advised(item),
            "labels": incident.labels,
            "acknowledged_by": incident.acknowledged.owner if incident.acknowledged else None,
            "links": {"incident": phrases.address(item, link)} if link else {},
        }
        marks = {"test": True} if item.about == TEST or incident.subject == DRILL else {}
        return {**old, **more, **marks}


def sentence(item: Item) -> str:
    """The message with the marks that chat rooms show: an emoji, the rule in bold, the name in back-ticks."""
    incident = item.incident
    head = f"{phrases.emoji(item)} **{incident.rule} {phrases.what(item)}** `{phrases.place(item)}`"
    return "\n".join(filter(None, (f"{head}: {incident.reason}", phrases.advice(item), incident.url)))


def signature(body: bytes, secrets: list[str], now: int) -> str:
    """``t=UNIX,v1=HEX`` with HMAC-SHA256 over ``UNIX.BODY``, once for each secret."""
    signed = f"{now}.".encode() + body
    return ",".join([f"t={now}", *(f"v1={hmac.digest(secret.encode(), signed, 'sha256').hex()}" for secret in secrets)])

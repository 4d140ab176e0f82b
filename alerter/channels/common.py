"""What all channels share: settings, the request and its answer, the meaning of an answer. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import quote, quote_plus, unquote, urlsplit

from alerter import phrases, templates
from alerter.incidents import SEVERITIES
from alerter.letters import RECOVERY, Letter
from alerter.outbox import Delivered, Later, Never, Outcome
from bus.addresses import is_url
from bus.config import Objection, Settings, setting
from bus.harmless import safe
from bus.logs import redacted
from bus.secret import Unavailable

if TYPE_CHECKING:
    from socket import socket

    from bus.deadline import Deadline

KEY_HEADER = "Idempotency-Key"
URL = r"https?://[^\s@/]+(/\S*)?"
URL_FORM = "an address such as https://example.org/hook, without name and password"
LEAST_SECRET = 6
"""Shorter parts of an address are no secrets: leaving them out would make errors unreadable."""
_BETWEEN = re.compile(r"[/@:?&=#]+")
"""What stands between the parts of an address."""


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request; it is full of secrets, and shows none."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names are in small letters, the body is cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class Unreached(Exception):
    """No answer came; ``maybe``: the request may have arrived all the same. The text has no secrets."""

    def __init__(self, why: str, *, maybe: bool = False) -> None:
        super().__init__(why)
        self.maybe = maybe


class Refused(Exception):
    """It is not even tried; the text says why."""


class Carries(Protocol):
    """What carries a request, or leads to a server."""

    def post(self, post: Post, seconds: float) -> Answer:
        """The answer; raises ``Unreached`` or ``Refused``."""
        ...

    def connect(self, host: str, port: int, deadline: Deadline) -> socket:
        """A connection to ``host``; raises ``OSError``."""
        ...

    def own_name(self, deadline: Deadline) -> str:
        """What this machine calls itself."""
        ...


@dataclass(frozen=True, kw_only=True)
class Channel:
    """The settings of every channel, and how it is used: ``send`` a letter, in a thread of its own.

    One that tells several, each of whom may take it or not, says who they are by ``receivers``. It may answer
    ``Partly``, and then has to tell a letter that has ``left`` to those alone.
    """

    GROUPS: ClassVar[bool] = True
    """Whether it tells several things in one unless ``group`` says otherwise."""
    MARKDOWN: ClassVar[bool] = False
    """Whether what it tells may be shown as such."""

    severity: str = setting("info", choices=SEVERITIES, help="What is less severe than this is not told here.")
    fallback: str = setting("", help="The channel that is told when this one refuses, or takes nothing for long.")
    timeout: float = setting(10.0, unit="s", minimum=0.1, maximum=60, help="One attempt lasts at most so long.")
    group: bool | None = setting(None, help="Whether what comes together is told in one; else as suits its type.")
    title: str = setting("", help="A title in your own words, with {fields} as docs/channels.md lists them.")
    text: str = setting("", help="A text in your own words, with {fields}.")

    def objections(self) -> Iterator[Objection]:
        """Templates are read now, not at night."""
        for key in ("title", "text"):
            yield from templates.objection(key, getattr(self, key))

    @property
    def groups(self) -> bool:
        """Whether several things may go out in one letter."""
        return self.GROUPS if self.group is None else self.group

    @property
    def receivers(self) -> tuple[str, ...]:
        """Who is told, where each may take it or not; empty: it is one."""
        return ()

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        """Try once to tell; takes at most ``timeout`` seconds, and raises nothing that is foreseen."""
        raise TypeError(f"{type(self).__name__} cannot send")

    def tell(self, letter: Letter, carrier: Carries) -> Outcome:
        """``send``; where a secret is lacking, or nobody who is left is told here any more, that is why it was not."""
        if letter.left and not set(letter.left) & set(self.receivers):
            return Never("told here no longer")
        try:
            return self.send(letter, carrier)
        except Unavailable as lacking:
            return Later(None, str(lacking))

    def head(self, letter: Letter) -> str:
        """The title, in the operator's words if there are any."""
        if self.title and letter.alone:
            return templates.filled(self.title, self._fields(letter))
        return self.shown(phrases.head(letter))

    def body(self, letter: Letter) -> str:
        """The text, in the operator's words if there are any."""
        if self.text and letter.alone:
            return templates.filled(self.text, self._fields(letter))
        return self.shown(phrases.body(letter))

    def _fields(self, letter: Letter) -> dict[str, str]:
        return {name: self.shown(value) for name, value in phrases.fields(letter.first, letter.link).items()}

    def shown(self, text: str) -> str:
        """``text``, which may be a strange page's, so that where it leads somewhere one sees where."""
        return text.replace("](", "] (") if self.MARKDOWN else text


@dataclass(frozen=True, kw_only=True)
class HttpChannel(Channel):
    """A channel that is one HTTP request: it says which, and may know better what an answer means."""

    ADDRESS: ClassVar[str] = ""
    """The setting that holds its address, if that may be seen."""

    def objections(self) -> Iterator[Objection]:
        """A form is not all that makes an address: a port may be too high, a bracket may lack its other."""
        yield from super().objections()
        address = getattr(self, self.ADDRESS) if self.ADDRESS else ""
        if address and not is_url(address):
            yield Objection(self.ADDRESS, f'"{address}"', URL_FORM)

    def request(self, letter: Letter) -> Post:
        """The request that tells the letter."""
        raise TypeError(f"{type(self).__name__} has no request")

    def judge(self, answer: Answer) -> Outcome:
        """What the answer means."""
        return judged(answer)

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        """Send the request, and judge the answer."""
        try:
            return self.judge(carrier.post(self.request(letter), self.timeout))
        except Unreached as error:
            return Later(None, str(error), maybe=error.maybe)
        except Refused as error:
            return Never(str(error))


def judged(answer: Answer) -> Outcome:
    """2xx is delivered; 408, 429 and 5xx may work later; all else is refused for good."""
    status = answer.status
    if 200 <= status < 300:
        return Delivered(str(status))
    if status in (408, 429) or status >= 500:
        return Later(retry_after(answer), f"{status}{_words(answer)}", maybe=status >= 500)
    if 300 <= status < 400:
        return Never(f"{status}: it leads elsewhere, which is not followed; write the address it leads to")
    return Never(f"{status}{_words(answer)}")


def retry_after(answer: Answer) -> float | None:
    """The seconds of patience that the receiver asks for, as a number or as a date beside its own.

    Who asks for less than a second asks for none: it would be told hundreds of times a second, for a day.
    """
    text = answer.headers.get("retry-after", "").strip()
    try:
        asked = float(text)
        return asked if asked >= 1 else 0.0
    except ValueError:
        pass
    try:
        at, sent = parsedate_to_datetime(text), parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (at - sent).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _words(answer: Answer) -> str:
    text = safe(redacted(" ".join(answer.body[:2000].decode("utf-8", "replace").split())))[:160]
    return f": {text}" if text else ""


def packed(body: Any) -> bytes:
    """JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_headers(letter: Letter) -> dict[str, str]:
    """The headers of every JSON request; the key tells a receiver what it has had already."""
    return {"Content-Type": "application/json", KEY_HEADER: letter.key}


def gravest(letter: Letter) -> str:
    """How severe the gravest thing is that the letter tells and that is not over; empty where all is."""
    found = {item.incident.severity for item in letter.items if item.about != RECOVERY}
    return next((severity for severity in reversed(SEVERITIES) if severity in found), "")


def secrets_of(channel: Channel) -> tuple[str, ...]:
    """All that must not be seen of a channel: its secrets, and the telling parts of those that are addresses."""
    return hidden(Settings(Path(), {"channel": channel}).secrets())


def hidden(secrets: Iterable[str]) -> tuple[str, ...]:
    """The secrets, the telling parts of those that are addresses, and the forms in which they may be seen."""
    found: set[str] = set()
    for secret in secrets:
        found.add(secret)
        if "://" in secret:
            try:
                parts = urlsplit(secret)
            except ValueError:  # as by a bracket in a password
                found |= set(_BETWEEN.split(secret))
                continue
            found |= {parts.username or "", parts.password or "", parts.query, parts.path, parts.fragment}
            found |= set(parts.path.split("/"))
            found |= {one.partition("=")[2] for one in parts.query.split("&")}
    found |= {form(text) for text in list(found) for form in (quote, quote_plus, unquote)}
    return tuple(sorted((text for text in found if len(text) >= LEAST_SECRET), key=len, reverse=True))


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """``text`` without the secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return safe(redacted(text))

"""ntfy: a topic on ntfy.sh or on a server of one's own, published as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from alerter import phrases
from alerter.channels.common import URL, URL_FORM, HttpChannel, Post, gravest, json_headers, packed
from alerter.letters import Letter
from bus.config import Objection, Secret, setting
from bus.harmless import cut
from bus.headers import header

PRIORITY = {"critical": 5, "warning": 4, "info": 3}
MOST_TITLE = 250
MOST_BYTES = 4000
"""Of a text with more than 4,096 a server makes a file, or refuses it where it keeps none."""


@dataclass(frozen=True, kw_only=True)
class Ntfy(HttpChannel):
    """A topic."""

    ADDRESS: ClassVar[str] = "server"

    topic: Secret = setting(help="The topic; whoever knows its name can read it.")
    server: str = setting("https://ntfy.sh", pattern=URL, form=URL_FORM, help="The server.")
    token: Secret | None = setting(None, help="An access token, where the topic needs one.")

    def objections(self) -> Iterator[Objection]:
        """A token is sent in a header."""
        yield from super().objections()
        if self.token is not None:
            yield from header("token", "Authorization", self.token.reveal())

    def request(self, letter: Letter) -> Post:
        """The message, as loud as it is severe."""
        body: dict[str, Any] = {
            "topic": self.topic.reveal(),
            "title": cut(self.head(letter), MOST_TITLE),
            "message": _fitting(self.body(letter)),
            "priority": PRIORITY.get(gravest(letter), 2),
        }
        address = phrases.address(letter.first, letter.link)
        if address:
            body["click"] = address
        headers = json_headers(letter)
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.reveal()}"
        return Post(self.server, packed(body), headers)


def _fitting(text: str) -> str:
    told = text.encode("utf-8", "replace")
    return text if len(told) <= MOST_BYTES else told[:MOST_BYTES].decode(errors="ignore") + "…"

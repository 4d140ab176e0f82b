"""Slack, and what takes its incoming webhooks (Mattermost, Rocket.Chat): one attachment with a colour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from alerter.channels.common import HttpChannel, Post, gravest, json_headers, packed
from alerter.letters import Letter
from bus.addresses import unlike_url
from bus.config import Objection, Secret, setting
from bus.harmless import cut
from bus.timing import SECOND

COLOURS = {"critical": "#d32f2f", "warning": "#f57c00", "info": "#1976d2"}
GREEN = "#388e3c"
MOST_TITLE, MOST_TEXT = 250, 3000


@dataclass(frozen=True, kw_only=True)
class Slack(HttpChannel):
    """A channel of a Slack workspace."""

    MARKDOWN: ClassVar[bool] = True

    url: Secret = setting(help="The incoming webhook's address.")
    username: str = setting("", help="Under which name it writes, where the webhook allows that.")

    def objections(self) -> Iterator[Objection]:
        """An address has to be one."""
        yield from super().objections()
        yield from unlike_url("url", self.url)

    def request(self, letter: Letter) -> Post:
        """A message whose text is plain, so that nothing in it is a command or a mention."""
        head = escaped(cut(self.head(letter), MOST_TITLE))
        attachment = {
            "fallback": head,
            "color": COLOURS.get(gravest(letter), GREEN),
            "title": head,
            "text": escaped(cut(self.body(letter), MOST_TEXT)),
            "ts": letter.first.at // SECOND,
        }
        body = {"text": "", "attachments": [attachment], **({"username": self.username} if self.username else {})}
        return Post(self.url.reveal(), packed(body), json_headers(letter))


def escaped(text: str) -> str:
    """Slack's three signs of markup as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Discord: a webhook of one of its channels, told as an embed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from alerter import phrases
from alerter.channels.common import HttpChannel, Post, gravest, json_headers, packed
from alerter.letters import Letter
from bus.addresses import unlike_url
from bus.config import Objection, Secret, setting
from bus.harmless import cut

COLOURS = {"critical": 0xD32F2F, "warning": 0xF57C00, "info": 0x1976D2}
GREEN = 0x388E3C
MOST_TITLE, MOST_TEXT, MOST_FIELD = 256, 4000, 1024
"""Characters that Discord takes."""
MOST_EMBED = 6000
"""And of all texts in an embed together."""


@dataclass(frozen=True, kw_only=True)
class Discord(HttpChannel):
    """A channel of a Discord server."""

    MARKDOWN: ClassVar[bool] = True

    url: Secret = setting(help="The webhook's address, as Discord shows it under Integrations.")
    username: str = setting("Guardia", help="Under which name it writes.")
    user_id: str = setting(
        "", pattern=r"(&?\d{1,20})?", form="an id such as 80351110224678912", help="Who is mentioned; &ID is a role."
    )

    def objections(self) -> Iterator[Objection]:
        """An address has to be one."""
        yield from super().objections()
        yield from unlike_url("url", self.url)

    def request(self, letter: Letter) -> Post:
        """One embed; nobody but ``user_id`` is mentioned, whatever a host's name looks like."""
        title, facts, footer = cut(self.head(letter), MOST_TITLE), _facts(letter, self.shown), _footer(letter)
        around = len(title) + len(footer) + sum(len(one["name"]) + len(one["value"]) for one in facts)
        embed = {
            "title": title,
            "description": cut(self.body(letter), min(MOST_TEXT, MOST_EMBED - around)),
            "color": COLOURS.get(gravest(letter), GREEN),
            "fields": facts,
            "footer": {"text": footer},
            "timestamp": phrases.time_text(letter.first.at),
        }
        body: dict[str, Any] = {"username": self.username, "embeds": [embed], "allowed_mentions": {"parse": []}}
        if self.user_id:
            body = {"content": f"<@{self.user_id}> {embed['title']}", **body}
            kind = "roles" if self.user_id.startswith("&") else "users"
            body["allowed_mentions"] = {"parse": [], kind: [self.user_id.lstrip("&")]}
        return Post(self.url.reveal(), packed(body), json_headers(letter))


def _facts(letter: Letter, shown: Callable[[str], str]) -> list[dict[str, Any]]:
    """Of one notice: the value and its limit, or the service, its address, its status and what went wrong."""
    if not letter.alone:
        return []
    incident = letter.first.incident
    if incident.kind == "service":
        found = [("Service", incident.display or incident.subject, True), ("URL", incident.url, False)]
        found += [("Status", phrases.status(incident), True), ("Error", incident.error, False)]
    else:
        numbers = phrases.fields(letter.first)
        found = [("Value", numbers["value"], True), ("Limit", numbers["threshold"], True)]
    return [
        {"name": name, "value": cut(shown(text), MOST_FIELD), "inline": inline} for name, text, inline in found if text
    ]


def _footer(letter: Letter) -> str:
    incident = letter.first.incident
    host = letter.alone and incident.kind != "service"
    return f"{incident.display or incident.subject}, {incident.subject}" if host else "Guardia"

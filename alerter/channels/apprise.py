"""Everything else: an address of the ``apprise`` library, which knows more than a hundred services."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from alerter.channels.common import Carries, Channel, gravest
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Outcome
from bus.config import Objection, Secret, setting

KINDS = {"critical": "failure", "warning": "warning", "info": "info"}


@dataclass(frozen=True, kw_only=True)
class Apprise(Channel):
    """A service that the library knows."""

    MARKDOWN: ClassVar[bool] = True

    url: Secret = setting(help="The address in the library's own form, as tgram://TOKEN/CHAT.")

    def objections(self) -> Iterator[Objection]:
        """The library has to be installed, and to know the address."""
        yield from super().objections()
        if importlib.util.find_spec("apprise") is None:
            yield Objection("type", '"apprise" without its library', "pip install 'guardia[apprise]'")
            return
        import apprise

        if apprise.Apprise.instantiate(self.url.reveal(), suppress_exceptions=True) is None:
            yield Objection(
                "url", "an address that the library does not know", "one of its forms, as tgram://TOKEN/CHAT"
            )

    def send(self, letter: Letter, carrier: Carries, link: str = "") -> Outcome:
        """Let the library tell it; it says whether it could, and not why."""
        import apprise

        kind = KINDS.get(gravest(letter), "success")
        asset = apprise.AppriseAsset(app_id="Guardia", secure_logging=True)
        library = apprise.Apprise(asset=asset)
        library.add(self.url.reveal())
        told = library.notify(body=self.body(letter, link), title=self.head(letter, link), notify_type=kind)
        return Delivered("told") if told else Later(None, "the library could not tell it", maybe=True)

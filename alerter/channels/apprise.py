"""Everything else: an address of the ``apprise`` library, which knows more than a hundred services."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Thread
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

    @cached_property
    def _under_way(self) -> list[Thread]:
        """The attempt that the library has not ended yet."""
        return []

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        """Let the library tell it; it says whether it could, and not why. It knows no end: nobody waits longer."""
        until = time.monotonic() + self.timeout
        late = Later(None, f"the library was not done within {self.timeout:g} s", maybe=True)
        # A receiver that drips would else have one more thread with each attempt.
        if any(_lasts(one, until) for one in self._under_way):
            return replace(late, maybe=False)
        found: list[bool | BaseException] = []

        def tell() -> None:
            try:
                found.append(self._told(letter))
            except BaseException as error:  # handed to who waits
                found.append(error)

        self._under_way[:] = [Thread(target=tell, daemon=True)]
        self._under_way[0].start()
        if _lasts(self._under_way[0], until):
            return late
        if isinstance(found[0], BaseException):
            raise found[0]
        return Delivered("told") if found[0] else Later(None, "the library could not tell it", maybe=True)

    def _told(self, letter: Letter) -> bool:
        import apprise

        kind = KINDS.get(gravest(letter), "success")
        asset = apprise.AppriseAsset(app_id="Guardia", secure_logging=True)
        library = apprise.Apprise(asset=asset)
        library.add(self.url.reveal())
        return bool(library.notify(body=self.body(letter), title=self.head(letter), notify_type=kind))


def _lasts(attempt: Thread, until: float) -> bool:
    """Whether it is still under way at that time (s of the clock that only grows)."""
    attempt.join(max(0.0, until - time.monotonic()))
    return attempt.is_alive()

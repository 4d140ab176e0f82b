"""Many questions to the hub of another machine, through its API; answers are those that ``bus.asking`` gets here."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests

from bus.hub_api import HINT, HubApi, Refused
from bus.hubs import Hub, with_remedy
from bus.judging import Objected
from bus.open_questions import MEDIA, TOO_MUCH, Now, OtherVersion, read_answer, told
from bus.questions import TooMuch, Unanswered
from bus.reasons import reason

PAUSE = 1.0
"""Seconds until a broken connection is tried again; a hub that is busy says itself when to come back."""


class Afar:
    """Asks as ``bus.asking.Asking`` does.

    A hub that says that it is busy, or whose connection breaks after it has answered before, is asked again until
    ``seconds`` have passed: questions change nothing. Whoever is not there at all is told of at once.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = HubApi(hub, "guardia")
        self._seconds = seconds
        self._clock = clock
        self._pause = pause
        self._heard = False

    def __enter__(self) -> Afar:
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def now(self) -> int:
        """What time it is there, ns; raises ``Unanswered``."""
        return int(self.ask(Now()).at)

    def ask(self, question: Any) -> Any:
        """The answer to ``question``; raises ``Unanswered``."""
        until = self._clock() + self._seconds
        while True:
            try:
                answer = self._api.request("/questions", (), "POST", told(question), patience=self._seconds)
                break
            except Refused as refusal:
                again, failure = refusal.again, self._refused(refusal)
            except (requests.RequestException, OSError, ValueError) as error:  # a name may be none
                again = PAUSE if self._heard else None
                failure = Unanswered(with_remedy(reason(error, self._api.address)))
            if again is None or self._clock() + again > until:
                raise failure
            self._pause(again)
        self._heard = True
        if answer.headers.get("Content-Type") != MEDIA:
            raise Unanswered(f"{self._api.address} does not answer as a hub does{HINT}")
        try:
            return read_answer(question, answer.content)
        except OtherVersion:
            raise self._other_version("answers otherwise than this version expects") from None

    def _refused(self, refusal: Refused) -> Unanswered:
        if refusal.status in (404, 405) and refusal.known:
            return self._other_version("does not know how to answer this from another machine")
        if refusal.code == TOO_MUCH:
            return TooMuch(str(refusal))
        return Objected(str(refusal)) if refusal.status == 400 and refusal.known else Unanswered(str(refusal))

    def _other_version(self, what: str) -> Unanswered:
        return Unanswered(f"the hub at {self._api.address} {what}: have the same version of Guardia there and here")

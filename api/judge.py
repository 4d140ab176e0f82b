"""The alerter's answers: what burns, why, and what somebody wants held back."""

from __future__ import annotations

from typing import Any, Protocol

from api.lines import BusLine
from bus.judging import NotThere, Objected, Question, read_answer
from bus.questions import Unanswered, pack_question


class AlerterAway(Exception):
    """The alerter did not answer; the text says why."""


class Judge(Protocol):
    """Who is asked about alarms."""

    async def answer(self, question: Question) -> Any:
        """The answer that belongs to the question; raises ``AlerterAway``.

        Raises ``NotThere`` for what there is not, ``Objected`` for what cannot be done as it is asked for.
        """
        ...


class JudgeLine(BusLine):
    """The judge over a socket."""

    whom = "it"

    async def answer(self, question: Question) -> Any:
        """See ``Judge``."""
        try:
            return read_answer(question, await self.asked(pack_question(question)))
        except (NotThere, Objected):
            raise
        except Unanswered as failure:
            raise AlerterAway(str(failure)) from None

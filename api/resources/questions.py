"""``/questions``: what Guardia's own commands ask from another machine."""

from __future__ import annotations

from typing import Any

from api.bodies import object_in
from api.errors import Problem, not_found
from api.leaving import while_here
from api.resources.base import Request, Resource, Response
from bus.availability import Watched, watched
from bus.open_questions import MEDIA, OF_THE_ALERTER, Moment, Now, Unknown, pack_answer, question_in, refusal_in
from bus.questions import TooMuch, pack_question


class Questions(Resource):
    """A question, answered by whoever on this machine knows. It changes nothing."""

    writes = "read"

    async def on_post(self, req: Request, resp: Response, **params: Any) -> None:
        """Answer it."""
        question = await self.body_as(req, _read)
        resp.content_type = MEDIA
        resp.data = await while_here(req, self._answer(question))  # its body was read to the end

    async def _answer(self, question: Any) -> bytes:
        hub = self.hub
        if isinstance(question, Now):
            return pack_answer(Moment(hub.clock()))
        if isinstance(question, Watched):
            return pack_answer(watched(hub.directory.services.values(), hub.directory.maintenance))
        if isinstance(question, OF_THE_ALERTER):
            return pack_answer(await hub.judge.answer(question))
        answer = await hub.ask_store(pack_question(question))
        refusal = refusal_in(answer)
        if isinstance(refusal, TooMuch):
            raise refusal
        if refusal is not None:
            # It was asked and has answered: to ask the same again is of no use.
            raise Problem(503, "unanswered", f"the store does not answer this: {refusal}")
        return answer


def _read(data: bytes) -> Any:
    try:
        return question_in(object_in(data))
    except Unknown as fault:
        raise not_found(str(fault)) from None

"""Which questions a hub answers by HTTP as well, at ``/api/v1/questions``; how they travel there and back. Pure.

A question is an object of JSON whose ``ask`` names it, with its fields beside that. Its answer is what programs on the
hub's machine get: msgpack, so that records are as they came and numbers lose nothing on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgpack

from bus import judging, questions
from bus.availability import Apart, Watch, Watched, WatchedAnswer
from bus.fields import Unfit, build, plain
from bus.questions import Availability, Gaps, Holdings, Layouts, Range, Series, Subjects, TooMuch, Unanswered

MEDIA = "application/msgpack"
"""What answers are."""
TOO_MUCH = "too_much"
"""The word of the error for a question whose answer would be too large."""


@dataclass(frozen=True, slots=True)
class Now:
    """What time it is on the hub's clock."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The answer to ``Now``, ns."""

    at: int


OF_THE_STORE: tuple[type[Any], ...] = (Subjects, Range, Layouts, Series, Availability, Holdings, Gaps)
"""The store's reader answers these; it has more, of which the API has calls of its own."""
OF_THE_ALERTER: tuple[type[Any], ...] = (judging.Rules,)
OF_THE_API: tuple[type[Any], ...] = (Now, Watched)
KNOWN: dict[str, type[Any]] = {one.__name__: one for one in (*OF_THE_STORE, *OF_THE_ALERTER, *OF_THE_API)}


class Unknown(Unfit):
    """Nobody knows such a question; the text names it."""


class OtherVersion(Exception):
    """What came is no answer that this version knows."""


def told(question: Any) -> dict[str, Any]:
    """The object that travels."""
    return {"ask": type(question).__name__, **plain(question)}


def question_in(value: Mapping[str, Any]) -> Any:
    """The question in such an object; raises ``Unfit``."""
    name = value.get("ask")
    if type(name) is not str:
        raise Unfit("ask: expected the name of a question")
    if name not in KNOWN:
        raise Unknown(f"nobody here knows the question {name[:40]!r}")
    return build(KNOWN[name], value, "body")


def pack_answer(answer: Any) -> bytes:
    """The bytes of an answer that is made here."""
    return msgpack.packb(plain(answer))  # type: ignore[no-any-return]


def refusal_in(data: bytes) -> Unanswered | None:
    """Why the store answered nothing; None where it did."""
    if not data.startswith(_REFUSALS):
        return None
    value = msgpack.unpackb(data, strict_map_key=False)
    return (TooMuch if value.get("much") else Unanswered)(str(value["error"]))


_REFUSALS = tuple(questions.pack_refusal("", much=much).partition(b"error")[0] + b"error" for much in (False, True))


def read_answer(question: Any, data: bytes) -> Any:
    """The answer that belongs to ``question``; raises ``OtherVersion``."""
    try:
        if isinstance(question, OF_THE_STORE):
            return questions.read_answer(question, data)
        if isinstance(question, OF_THE_ALERTER):
            return judging.read_answer(question, data)
        value = msgpack.unpackb(data, use_list=False)
        if isinstance(question, Now):
            return Moment(int(value["at"]))
        return WatchedAnswer(
            tuple(Watch(**row) for row in value["services"]), tuple(Apart(**row) for row in value["maintenance"])
        )
    except (questions.Unanswered, ValueError, TypeError, KeyError, msgpack.UnpackException) as fault:
        raise OtherVersion(str(fault)) from None

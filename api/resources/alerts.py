"""``/alerts``, ``/incidents``, ``/why`` and ``/silences``: what the alerter knows and what it is told."""

from __future__ import annotations

from typing import Any

from api.alert_shapes import DoneShape, TrialShape
from api.bodies import NewSilence, Remark, Trial
from api.errors import Problem
from api.filters import MAX_GLOB, BadParameter, Query, parse_time
from api.leaving import while_here
from api.resources.base import Request, Resource, Response, query_of, send, who
from api.views.alerts import alerts, page, rules, silences, why
from bus.judging import (
    LONGEST_SILENCE,
    MAX_INCIDENTS,
    Acknowledge,
    AddSilence,
    Alarms,
    Done,
    EndSilence,
    Incidents,
    Objected,
    Rules,
    Silences,
    Why,
)
from bus.timing import SECOND

ROWS = 100
WEEK = 7 * 24 * 3600 * SECOND
MOST_MATCHES = 50
LONGEST_TEXT = 1000


class Alerts(Resource):
    """What is not quiet now."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, alerts(await self.hub.judge.answer(Alarms(query_of(req).text("subject") or None))))


class IncidentsResource(Resource):
    """What fired, the newest first, in pages."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query = query_of(req)
        now = self.hub.clock()
        until = query.time("until", now, now)
        since = query.time("since", max(0, until - WEEK), now)
        limit = query.limit("limit", ROWS, MAX_INCIDENTS, of="rows")
        asked = Incidents(since, until, query.text("subject"), limit, query.text("cursor") or "")
        try:
            send(resp, page(await self.hub.judge.answer(asked)))
        except Objected as fault:
            raise BadParameter("cursor", str(fault)) from None


class Acknowledgement(Resource):
    """An incident that somebody takes care of."""

    async def on_post(self, req: Request, resp: Response, **params: Any) -> None:
        """Acknowledge."""
        remark = await self.body_of(req, Remark)
        asked = Acknowledge(params["id"], who(req, _owner(remark.owner)), _text("note", remark.note, empty=True))
        send(resp, _done(await self.hub.judge.answer(asked)))


class WhyResource(Resource):
    """Why there was an alarm, or none."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        query = query_of(req)
        subject, rule = _glob(query, "subject"), _glob(query, "rule")
        if not subject:
            raise BadParameter("subject", "missing; name a host or a service, as subject=web-1")
        asked = Why(subject, rule, query.moment("at", self.hub.clock()))
        send(resp, why(subject, await self.hub.judge.answer(asked)))


class RulesResource(Resource):
    """The rules in force."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, rules(await self.hub.judge.answer(Rules())))


class SilencesResource(Resource):
    """The silences; POST makes one."""

    async def on_get(self, req: Request, resp: Response, **params: Any) -> None:
        send(resp, silences(await self.hub.judge.answer(Silences(query_of(req).flag("past")))))

    async def on_post(self, req: Request, resp: Response, **params: Any) -> None:
        """Make one that begins now, or later."""
        new = await self.body_of(req, NewSilence)
        if not 0 < new.seconds <= LONGEST_SILENCE:
            raise _bad("seconds", f"{new.seconds:g}, expected more than 0 and at most a year: a silence has an end")
        if not 0 < len(new.matches) <= MOST_MATCHES:
            raise _bad("matches", f"{len(new.matches)} globs, expected 1 to {MOST_MATCHES}")
        matches = tuple(_text("matches", glob) for glob in new.matches)
        starts = _starts(new.starts)
        until = (self.hub.clock() if starts is None else starts) + int(new.seconds * SECOND)
        asked = AddSilence(who(req, _owner(new.owner)), _text("reason", new.reason), until, matches, starts)
        done = await self.hub.judge.answer(asked)
        await self.hub.hear_of_silences()
        resp.status = 201
        resp.set_header("Location", f"/api/v1/silences/{done.id}")
        send(resp, _done(done))


class SilenceResource(Resource):
    """One silence."""

    async def on_delete(self, req: Request, resp: Response, **params: Any) -> None:
        """End it."""
        done = await self.hub.judge.answer(EndSilence(params["id"], who(req, None)))
        await self.hub.hear_of_silences()
        send(resp, _done(done))


def _glob(query: Query, name: str) -> str:
    text = query.text(name) or ""
    if len(text) > MAX_GLOB:  # the answer tells of it, in a text that has room for so much
        raise BadParameter(name, f"{len(text)} characters, at most {MAX_GLOB}")
    return text


def _done(done: Done) -> DoneShape:
    return {"id": done.id, "text": done.text}


def _text(parameter: str, text: str, *, empty: bool = False) -> str:
    if not empty and not text.strip():
        raise _bad(parameter, "empty, expected some words")
    if len(text) > LONGEST_TEXT:
        raise _bad(parameter, f"{len(text)} characters, at most {LONGEST_TEXT}")
    return text


def _owner(named: str | None) -> str | None:
    return None if named is None else _text("owner", named, empty=True)


def _starts(text: str | None) -> int | None:
    try:
        return None if text is None else parse_time(text, "starts")
    except BadParameter as fault:
        raise Problem(400, "bad_body", str(fault), parameter="starts") from None


def _bad(parameter: str, text: str) -> Problem:
    return Problem(400, "bad_body", f"{parameter}: {text}", parameter=parameter)


class BacktestResource(Resource):
    """A rule tried on the past; it changes nothing."""

    writes = "read"

    async def on_post(self, req: Request, resp: Response, **params: Any) -> None:
        """Try it."""
        trial = await self.body_of(req, Trial)
        lines = await while_here(req, self.hub.tries(trial))  # its body was read to the end
        found: TrialShape = {"rule": trial.rule, "seconds": trial.seconds, "lines": lines}
        send(resp, found)

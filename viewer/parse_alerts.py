"""The hub's JSON about alarms and about itself, turned into what the viewer knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from viewer.events import IncidentsTold, LabelsTold, RulesTold, RuleTold, WhyTold
from viewer.incidents import Hub, Incident, Ledger, Opening, Part, Program, Silence, Verdict
from viewer.names import natural
from viewer.parse import load, number, numbers, seconds, text
from viewer.wishes import AskIncidents, AskWhy

MAX_ROWS = 20_000


def alarms(body: str) -> tuple[Incident, ...]:
    """What is not quiet."""
    return tuple(one for row in _listed(load(body), "alerts") if (one := _incident(row)))


def incidents(body: str, wish: AskIncidents) -> IncidentsTold:
    """What burned."""
    found, following = page(body)
    return IncidentsTold(wish, found, bool(following))


def page(body: str) -> tuple[tuple[Incident, ...], str]:
    """A page of incidents, and the cursor of the next; empty on the last."""
    found = load(body)
    rows = tuple(one for row in _listed(found, "incidents") if (one := _incident(row)))
    return rows, text(found.get("next"))


def silences(body: str, *, past: bool = False) -> tuple[Silence, ...]:
    """The silences that hold or will; with ``past`` all."""
    found = []
    for row in _listed(load(body), "silences"):
        until = seconds(row.get("until"))
        revoked = row.get("revoked") is True
        if until is None or (revoked and not past):
            continue
        starts = seconds(row.get("starts"))
        found.append(
            Silence(
                text(row.get("id")),
                text(row.get("owner")),
                text(row.get("reason")),
                until if starts is None else starts,
                until,
                _globs(row),
                revoked,
            )
        )
    return tuple(found)


def maintenance(body: str) -> tuple[Opening, ...]:
    """When the maintenance windows are open, or will be; a hub of an earlier version tells none."""
    return tuple(
        Opening(text(row.get("name")), starts, until, _globs(row))
        for row in _rows(load(body).get("maintenance"))
        if (starts := seconds(row.get("starts"))) is not None and (until := seconds(row.get("until"))) is not None
    )


def _globs(row: Mapping[str, Any]) -> tuple[str, ...]:
    matches = row.get("matches")
    return tuple(text(glob) for glob in matches if isinstance(glob, str)) if isinstance(matches, list) else ()


def why(body: str, wish: AskWhy) -> WhyTold:
    """The verdicts of the rules."""
    found = load(body)
    rows = found.get("verdicts")
    verdicts = []
    for row in _rows(rows if isinstance(rows, list) else [found]):
        chain = tuple(
            (seconds(step.get("at")) or 0.0, text(step.get("decision")), text(step.get("detail")))
            for step in _rows(row.get("chain"))
        )
        verdicts.append(
            Verdict(
                text(row.get("rule")),
                text(row.get("subject")),
                text(row.get("instance")),
                text(row.get("verdict")),
                text(row.get("detail")),
                chain,
            )
        )
    return WhyTold(wish, tuple(verdicts))


def backtest(body: str) -> tuple[str, ...]:
    """What a back-test found, a line each."""
    found = load(body)
    lines = found.get("lines")
    return tuple(text(line) for line in lines[:MAX_ROWS] if isinstance(line, str)) if isinstance(lines, list) else ()


def done(body: str) -> tuple[str, str]:
    """The sentence with which an act is answered, and the id of what was changed."""
    found = load(body)
    return text(found.get("text")) or "done", text(found.get("id"))


def hub(health: str, stats: str | None, gaps: str | None, rooms: str | None, refused: str = "") -> Hub:
    """How the hub is, from four answers; all but the first None where they were not given, ``refused`` why."""
    checks = load(health).get("checks")
    parts = [
        Part(text(name), text(part.get("status")) or "unknown", text(part.get("reason")))
        for name, part in (checks.items() if isinstance(checks, dict) else ())
        if isinstance(part, dict)
    ]
    told = load(gaps) if gaps else {}
    ledgers = sorted(
        map(_ledger, _rows(told.get("producers"))), key=lambda one: (-one.lost, -one.waiting, natural(one.source))
    )
    programs = tuple(_program(row) for row in _rows(load(rooms).get("rooms"))) if rooms else ()
    flat = _flat(load(stats)) if stats else {}
    return Hub(tuple(parts), flat, tuple(ledgers), int(number(told.get("lost")) or 0), programs, refused)


def rules(body: str) -> RulesTold:
    """The rules in force."""
    return RulesTold(
        tuple(
            RuleTold(
                text(row.get("name")),
                text(row.get("when")),
                text(row.get("severity")),
                number(row.get("for_seconds")) or 0.0,
                tuple(text(glob) for glob in row["subjects"]) if isinstance(row.get("subjects"), list) else ("*",),
            )
            for row in _listed(load(body), "rules")
        )
    )


def labels(body: str) -> LabelsTold:
    """What kind of host and service each is, as ``role=db``."""
    found = load(body)
    return LabelsTold(_tags(found.get("hosts")), _tags(found.get("services")))


def _tags(found: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(found, dict):
        return {}
    return {
        text(name): tuple(f"{text(key)}={text(value)}" for key, value in row.items())
        for name, row in found.items()
        if isinstance(row, dict)
    }


def _program(row: Mapping[str, Any]) -> Program:
    return Program(
        text(row.get("program")).removeprefix("guardia."),
        seconds(row.get("heard_at")),
        {name: value for name, value in numbers(row.get("values")).items() if value is not None},
    )


def _incident(row: Mapping[str, Any]) -> Incident | None:
    subject = row.get("subject")
    if not isinstance(subject, str):
        return None
    who = row.get("acknowledged")
    who = who if isinstance(who, dict) else {}
    started = seconds(row.get("started_at"))
    since = seconds(row.get("since")) or seconds(row.get("changed_at")) or started
    return Incident(
        id=text(row.get("id")),
        rule=text(row.get("rule")),
        subject=text(subject),
        severity=text(row.get("severity")) or "warning",
        state=text(row.get("state")) or "unknown",
        since=since or 0.0,
        started=started,
        ended=seconds(row.get("ended_at")),
        kind=text(row.get("kind")) or "host",
        display=text(row.get("display")),
        instance=text(row.get("instance")),
        value=number(row.get("value")),
        threshold=number(row.get("threshold")),
        reason=text(row.get("reason")),
        owner=text(who.get("owner")),
        note=text(who.get("note")),
        holds=tuple(text(hold.get("detail")) for hold in _rows(row.get("holds"))),
        advice=text(row.get("advice")),
    )


def _ledger(row: Mapping[str, Any]) -> Ledger:
    def whole(key: str) -> int:
        return int(number(row.get(key)) or 0)

    reasons = row.get("reasons")
    named = [(text(name), int(number(n) or 0)) for name, n in reasons.items()] if isinstance(reasons, dict) else []
    return Ledger(
        source=text(row.get("source")),
        sent=whole("sent"),
        stored=whole("stored"),
        lost=whole("lost"),
        waiting=whole("waiting"),
        rejected=whole("rejected"),
        seen=seconds(row.get("last_seen")),
        reasons=tuple(sorted(named, key=lambda one: -one[1])),
    )


def _flat(found: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    values: dict[str, float] = {}
    for key, value in found.items():
        if isinstance(value, dict) and not prefix:
            values.update(_flat(value, f"{key}."))
        elif (known := number(value)) is not None:
            values[f"{prefix}{text(key)}"] = known
    return values


def _listed(found: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The rows of a list that every answer of a hub has: without it there would seem to be none."""
    if not isinstance(found.get(key), list):
        raise ValueError(f"no list of {key}")
    return _rows(found[key])


def _rows(found: object) -> list[dict[str, Any]]:
    return [row for row in found[:MAX_ROWS] if isinstance(row, dict)] if isinstance(found, list) else []

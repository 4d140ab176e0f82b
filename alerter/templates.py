"""Words of an operator's own for notices: text with {fields} of a fixed set, checked when it is read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import Formatter

from bus.config import Objection
from bus.faults import did_you_mean, listed

FIELDS = {
    "what": "alert, recovery, reminder, escalation, acknowledged, test",
    "emoji": "a coloured dot for its severity, green for a recovery",
    "severity": "info, warning or critical",
    "state": "firing or resolved",
    "kind": "host, service or hub",
    "subject": "its name",
    "display": "what people call it",
    "rule": "the rule",
    "instance": "which disk, which interface; may be empty",
    "reason": "the sentence that says why",
    "value": "the number that decided; may be empty",
    "threshold": "its limit; may be empty",
    "url": "the service's address; may be empty",
    "error": "the service's error; may be empty",
    "advice": "what its rule says to do; may be empty",
    "started": "when it began, as 2026-11-24T12:00:00.000Z",
    "duration": "for how long it has lasted, as 2h30m",
    "link": "where people see it; may be empty",
    "id": "the incident's id",
}
"""The fields and what they are."""


def parsed(template: str) -> list[tuple[str, str | None]]:
    """Literal text and the field after it, in turn; raises ``ValueError`` in words for what is no template."""
    parts = []
    try:
        for literal, name, form, conversion in Formatter().parse(template):
            if name is not None and (form or conversion or name not in FIELDS):
                near = did_you_mean(name, FIELDS)
                raise Unknown(name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else ""), near)
            parts.append((literal, name))
    except Unknown:
        raise
    except ValueError as error:
        raise ValueError(f"a brace without its other half ({error})") from None
    return parts


class Unknown(ValueError):
    """A field that is not there."""

    def __init__(self, name: str, near: str) -> None:
        super().__init__(f"the field {{{name}}}")
        self.near = near


def filled(template: str, fields: Mapping[str, str]) -> str:
    """The template with its fields filled in; values are text, never templates themselves."""
    return "".join(literal + (fields.get(name, "") if name else "") for literal, name in parsed(template))


def objection(key: str, template: str) -> Iterator[Objection]:
    """What is wrong with a template, for the configuration's reader."""
    try:
        parsed(template)
    except Unknown as unknown:
        yield Objection(key, str(unknown), f"one of the fields {listed(FIELDS)}", unknown.near)
    except ValueError as error:
        yield Objection(key, str(error), "{field}, or {{ for a brace", "")

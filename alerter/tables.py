"""Answers as text for people. Pure."""

from __future__ import annotations

from bus import timing
from bus.judging import RuleList, RuleShown
from bus.terminal import aligned


def rules(answer: RuleList) -> str:
    """The rules in force."""
    return (
        aligned(
            [
                ("RULE", "SEVERITY", "FOR", "OF", "CHANNELS", "WHEN", "CLEAR"),
                *(
                    (
                        one.name + ("" if one.own else " *"),
                        one.severity,
                        timing.in_words(one.seconds) if one.seconds else "",
                        _concerned(one),
                        ", ".join(one.channels),
                        one.when,
                        one.clear + (f" for {timing.in_words(one.clear_seconds)}" if one.clear_seconds else ""),
                    )
                    for one in answer.rules
                ),
            ]
        )
        + "\n\n* brought by Guardia; a rule of that name in [[rules]] changes it, enabled = false switches it off."
    )


def _concerned(rule: RuleShown) -> str:
    kind = "room" if rule.kind == "hub" else rule.kind
    labels = "".join(f" {name}={value}" for name, value in rule.labels.items())
    return f"{kind}s {', '.join(rule.subjects)}{labels}"

"""Answers as text for people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from bus import timing
from bus.judging import Chain, RuleList, SilenceList, WhyAnswer
from bus.terminal import aligned


def when(at: int | None) -> str:
    """A time in UTC."""
    return datetime.fromtimestamp(at / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at else ""


def chains(answer: WhyAnswer) -> str:
    """Each rule with its outcome, and how it came to that."""
    return "\n\n".join(_chain(chain) for chain in answer.chains)


def _chain(chain: Chain) -> str:
    instance = f" [{chain.instance}]" if chain.instance else ""
    lines = [f"{chain.rule or 'no rule'} on {chain.subject}{instance}: {spoken(chain.verdict)}", f"  {chain.text}"]
    lines += [f"    {when(step.at)}  {spoken(step.verdict):<12} {step.text}" for step in chain.steps]
    return "\n".join(lines)


def spoken(verdict: str) -> str:
    """A verdict for people; programs compare it as it is."""
    return verdict.replace("_", " ")


def rules(answer: RuleList) -> str:
    """The rules in force."""
    return (
        aligned(
            [
                ("RULE", "SEVERITY", "FOR", "OF", "WHEN", "CLEAR"),
                *(
                    (
                        one.name + ("" if one.own else " *"),
                        one.severity,
                        timing.in_words(one.seconds) if one.seconds else "",
                        f"{'room' if one.kind == 'hub' else one.kind}s {', '.join(one.subjects)}",
                        one.when,
                        one.clear + (f" for {timing.in_words(one.clear_seconds)}" if one.clear_seconds else ""),
                    )
                    for one in answer.rules
                ),
            ]
        )
        + "\n\n* brought by Guardia; a rule of that name in [[rules]] changes it, enabled = false switches it off."
    )


def silences(answer: SilenceList) -> str:
    """What is held back."""
    if not answer.silences:
        return "There are no silences."
    return aligned(
        [
            ("ID", "OWNER", "FROM", "UNTIL", "MATCHES", "REASON"),
            *(
                (one.id, one.owner, when(one.starts), when(one.until), " ".join(one.matches), one.reason)
                for one in answer.silences
            ),
        ]
    )

"""Why there was an alarm, or none, and what is held back: the alerter's answers for people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from bus.judging import NO_RULE, UNKNOWN_SUBJECT, Chain, SilenceList, WhyAnswer
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


def misnamed(answer: WhyAnswer) -> str:
    """What is wrong with the names that were asked for; empty where there is something of these names."""
    first = answer.chains[0] if answer.chains else None
    wrong = first is not None and (first.verdict == UNKNOWN_SUBJECT or (first.verdict == NO_RULE and first.rule))
    return first.text if first is not None and wrong else ""


def silences(answer: SilenceList) -> str:
    """What is held back, and when maintenance does so."""
    told = _silences(answer) if answer.silences else "There are no silences."
    if not answer.maintenance:
        return told
    rows = [(one.name, when(one.starts), when(one.until), " ".join(one.matches)) for one in answer.maintenance]
    return f"{told}\n\n{aligned([('MAINTENANCE', 'FROM', 'UNTIL', 'MATCHES'), *rows])}"


def _silences(answer: SilenceList) -> str:
    return aligned(
        [
            ("ID", "OWNER", "FROM", "UNTIL", "MATCHES", "REASON"),
            *(
                (one.id, one.owner, when(one.starts), when(one.until), " ".join(one.matches), one.reason)
                for one in answer.silences
            ),
        ]
    )

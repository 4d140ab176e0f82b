"""What an alarm is to people: an incident with its holds and who acknowledged it. Pure.

An incident begins when an alarm fires and ends when it is resolved. Its id follows from the rule, the subject, the
instance and the moment it fired, so that a back-test finds the very same incidents as the live run did. Its shape
stands in ``bus.judging``, because other rooms ask for it.
"""

from __future__ import annotations

from _blake2 import blake2b
from dataclasses import replace

from bus.judging import FIRING, RESOLVED, SEVERITIES, Acknowledgement, Hold, Incident

__all__ = ["FIRING", "RESOLVED", "SEVERITIES", "Acknowledgement", "Hold", "Incident", "incident_id", "resolved"]


def incident_id(rule: str, subject: str, instance: str, fired_at: int) -> str:
    """The id of the incident that this alarm began at ``fired_at``."""
    parts = "\n".join((rule, subject, instance, str(fired_at)))
    return blake2b(parts.encode(), digest_size=8).hexdigest()


def resolved(incident: Incident, now: int, reason: str, value: float | None) -> Incident:
    """The incident after its end."""
    return replace(
        incident,
        state=RESOLVED,
        transition=incident.transition + 1,
        changed_at=now,
        ended_at=now,
        reason=reason,
        value=incident.value if value is None else value,
    )

"""PagerDuty: Events API v2; an incident there is triggered, acknowledged and resolved with ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from alerter import phrases
from alerter.channels.common import URL, URL_FORM, HttpChannel, Post, json_headers, packed
from alerter.letters import ACKNOWLEDGED, RECOVERY, Letter
from bus.config import Secret, setting
from bus.harmless import cut

SEVERITY = {"critical": "critical", "warning": "warning", "info": "info"}
MOST_SUMMARY = 1024


@dataclass(frozen=True, kw_only=True)
class PagerDuty(HttpChannel):
    """A service of PagerDuty."""

    # An event there is about one incident.
    GROUPS: ClassVar[bool] = False
    ADDRESS: ClassVar[str] = "url"

    routing_key: Secret = setting(help="The integration key of the service (Events API v2).")
    url: str = setting(
        "https://events.pagerduty.com/v2/enqueue", pattern=URL, form=URL_FORM, help="Where events are sent."
    )

    def request(self, letter: Letter) -> Post:
        """The event; the incident's id is its key there, so that whatever comes twice is one."""
        item = letter.first
        action = {RECOVERY: "resolve", ACKNOWLEDGED: "acknowledge"}.get(item.about, "trigger")
        body: dict[str, Any] = {
            "routing_key": self.routing_key.reveal(),
            "event_action": action,
            "dedup_key": item.incident.id,
        }
        if action == "trigger":
            body["payload"] = {
                "summary": cut(self.head(letter), MOST_SUMMARY),
                "source": item.incident.display or item.incident.subject,
                "severity": SEVERITY.get(item.incident.severity, "warning"),
                "timestamp": phrases.time_text(item.incident.started_at),
                "component": item.incident.instance or item.incident.subject,
                "group": item.incident.kind,
                "class": item.incident.rule,
                "custom_details": {"reason": item.incident.reason, **phrases.advised(item), **item.incident.labels},
            }
            address = phrases.address(item, letter.link)
            body["links"] = [{"href": address, "text": "Guardia"}] if address else []
        return Post(self.url, packed(body), json_headers(letter))

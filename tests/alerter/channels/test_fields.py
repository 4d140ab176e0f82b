"""What each chat and pager is told, field by field: a wrong one wakes nobody, or is refused as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from alerter.channels.common import Channel
from alerter.channels.discord import Discord
from alerter.channels.ntfy import Ntfy
from alerter.channels.pagerduty import PagerDuty
from alerter.channels.slack import Slack
from alerter.channels.webhook import Webhook
from alerter.letters import ACKNOWLEDGED, ALARM, DRILL, ESCALATION, RECOVERY, REMINDER, TEST, Letter
from bus.config import Secret
from tests.alerter.shapes import burning, item, over, service_down

LINK = "https://guardia.example"
INCIDENT = f"{LINK}/#alerts/c0ffee0000000001"
TEXT = f"cpu.percent is 93.1 %, above 90 %\nsince 2026-11-24T11:55:00.000Z\n{INCIDENT}"


def told(channel: Any, *what: Any, link: str = LINK) -> dict[str, Any]:
    """What is sent of these."""
    found = what or (item(),)
    sent: dict[str, Any] = json.loads(channel.request(Letter("key", found, link=link)).body)
    return sent


def facts(*what: Any) -> dict[str, str]:
    """The fields that Discord shows."""
    (embed,) = told(Discord(url=Secret("https://discord.example/1")), *what)["embeds"]
    return {one["name"]: one["value"] for one in embed["fields"]}


def test_discord_shows_no_field_that_is_empty_since_it_would_refuse_the_whole() -> None:
    assert facts(item(service_down(url="", error=""))) == {"Service": "shop", "Status": "down"}
    assert facts(item(service_down(display="Shop"))) | {"Error": ""} == {
        "Service": "Shop",
        "URL": "https://shop.example/health",
        "Status": "down",
        "Error": "",
    }
    assert facts(item(service_down(display="")))["Service"] == "shop"
    assert facts(item(burning(value=None, threshold=None))) == {}


def test_discord_shows_a_services_name_and_status_side_by_side_and_long_words_below() -> None:
    (embed,) = told(Discord(url=Secret("https://discord.example/1")), item(service_down()))["embeds"]
    assert [one["inline"] for one in embed["fields"]] == [True, False, True, False]


def test_of_several_discord_shows_no_ones_own_readings() -> None:
    (embed,) = told(Discord(url=Secret("https://discord.example/1")), item(), item(service_down()))["embeds"]
    assert (embed["fields"], embed["footer"]) == ([], {"text": "Guardia"})
    (embed,) = told(Discord(url=Secret("https://discord.example/1")), item(burning(display="")))["embeds"]
    assert embed["footer"] == {"text": "web-1, web-1"}


def test_slack_is_told_who_writes_when_and_what() -> None:
    title = "🟠 Web 1: cpu-busy: warning"
    assert told(Slack(url=Secret("https://slack.example/1"), username="hub")) == {
        "text": "",
        "attachments": [
            {"fallback": title, "color": "#f57c00", "title": title, "text": TEXT, "ts": 1_795_521_600},
        ],
        "username": "hub",
    }
    assert "username" not in told(Slack(url=Secret("https://slack.example/1")))


def test_pagerduty_is_told_what_is_wrong_since_when_and_where_to_look() -> None:
    pager = PagerDuty(routing_key=Secret("key"))
    incident = burning(instance="/var", severity="critical", labels={"role": "shop"})
    assert told(pager, item(incident)) == {
        "routing_key": "key",
        "event_action": "trigger",
        "dedup_key": "c0ffee0000000001",
        "payload": {
            "summary": "🔴 Web 1 [/var]: cpu-busy: critical",
            "source": "Web 1",
            "severity": "critical",
            "timestamp": "2026-11-24T11:55:00.000Z",
            "component": "/var",
            "group": "host",
            "class": "cpu-busy",
            "custom_details": {"reason": "cpu.percent is 93.1 %, above 90 %", "role": "shop"},
        },
        "links": [{"href": INCIDENT, "text": "Guardia"}],
    }
    plain = told(pager, item(burning(display="", severity="grave")), link="")
    assert (plain["payload"]["source"], plain["payload"]["component"]) == ("web-1", "web-1")
    assert (plain["payload"]["severity"], plain["links"]) == ("warning", [])


@pytest.mark.parametrize(
    ("about", "action"),
    [
        (ALARM, "trigger"),
        (REMINDER, "trigger"),
        (ESCALATION, "trigger"),
        (TEST, "trigger"),
        (DRILL, "trigger"),
        (ACKNOWLEDGED, "acknowledge"),
        (RECOVERY, "resolve"),
    ],
)
def test_what_pagerduty_does_follows_from_what_is_told(about: str, action: str) -> None:
    sent = told(PagerDuty(routing_key=Secret("key")), item(about=about))
    assert sent["event_action"] == action
    assert ("payload" in sent) == (action == "trigger"), "an end of what it does not know begins nothing there"


def test_ntfy_is_told_how_loud_to_be_and_where_a_touch_leads() -> None:
    channel = Ntfy(topic=Secret("hub"), server="https://ntfy.example", token=Secret("tk_42"))
    post = channel.request(Letter("key", (item(),), link=LINK))
    assert post.url == "https://ntfy.example"
    assert post.headers["Authorization"] == "Bearer tk_42"
    assert json.loads(post.body) == {
        "topic": "hub",
        "title": "🟠 Web 1: cpu-busy: warning",
        "message": TEXT,
        "priority": 4,
        "click": INCIDENT,
    }
    quiet = Ntfy(topic=Secret("hub")).request(Letter("key", (item(over(burning())),)))
    assert "Authorization" not in quiet.headers
    assert "click" not in json.loads(quiet.body)
    assert json.loads(quiet.body)["priority"] == 2


def test_ntfy_is_told_all_that_it_takes() -> None:
    for count in (3900, 5000):
        one = item(burning(reason="x" * count))
        message = told(Ntfy(topic=Secret("hub")), one, link="")["message"]
        assert message.endswith("…") == (count == 5000)
        assert len(message.encode()) > 3900


def test_a_webhook_is_told_of_several_what_is_said_and_each_by_itself() -> None:
    sent = told(Webhook(url="https://x.example/"), item(), item(service_down(display="")))
    assert sent["message"].startswith("🔴 2 alarms\n")
    assert [one["subject"] for one in sent["notices"]] == ["web-1", "shop"]
    assert (sent["server"], sent["notices"][1]["service"]) == ("Web 1", "shop")
    assert told(Webhook(url="https://x.example/"), item(service_down(display="Shop")))["service"] == "Shop"
    assert told(Webhook(url="https://x.example/"), item(burning(display="")))["server"] == "web-1"


def test_a_webhook_says_of_a_drill_and_of_a_test_that_they_are_none_of_the_real_ones() -> None:
    hook = Webhook(url="https://x.example/")
    assert told(hook, item(burning(kind="hub", subject="guardia.drill")))["test"] is True
    assert told(hook, item(about=TEST))["test"] is True
    assert "test" not in told(hook)


def test_a_webhook_in_the_operators_words_says_these_of_each() -> None:
    hook = Webhook(url="https://x.example/", text="{subject} is on fire")
    assert told(hook)["message"] == "web-1 is on fire"
    sent = told(hook, item(), item(burning(id="c0ffee0000000003", subject="web-2", display="web-2")), link="")
    assert [one["message"] for one in sent["notices"]] == ["web-1 is on fire", "web-2 is on fire"]
    assert sent["links"] == {}


@pytest.mark.parametrize("channel", [Webhook(url="https://x.example/"), PagerDuty(routing_key=Secret("key"))])
def test_what_belongs_to_one_incident_is_not_joined_with_others_unless_asked_for(channel: Channel) -> None:
    assert not channel.groups
    assert Slack(url=Secret("https://slack.example/1")).groups
    assert not Slack(url=Secret("https://slack.example/1"), group=False).groups

"""What a rule says to do reaches those who are told of it, until somebody is at it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerter import phrases
from alerter.channels.discord import Discord
from alerter.channels.email import Email
from alerter.channels.ntfy import Ntfy
from alerter.channels.pagerduty import PagerDuty
from alerter.channels.slack import Slack
from alerter.channels.webhook import Webhook
from alerter.config import MOST_ADVICE, RuleTable
from alerter.incidents import Incident
from alerter.letters import ACKNOWLEDGED, ESCALATION, RECOVERY, REMINDER
from alerter.rules import in_force
from bus.config import Secret
from tests.alerter.given import World
from tests.alerter.shapes import acknowledged, burning, item, letter, over

ADVICE = "https://wiki.example/cpu-busy"
URL = Secret("https://x.example/hook")
CHANNELS = (
    Webhook(url="https://x.example/"),
    Discord(url=URL),
    Slack(url=URL),
    PagerDuty(routing_key=URL),
    Ntfy(topic=Secret("ops")),
)


def advised() -> Incident:
    return burning(advice=ADVICE)


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: type(channel).__name__)
def test_every_channel_tells_it(channel: Webhook | Discord | Slack | PagerDuty | Ntfy) -> None:
    for about in ("", REMINDER, ESCALATION):
        assert ADVICE.encode() in channel.request(letter(item(advised(), about))).body
    for incident, about in ((over(advised()), RECOVERY), (acknowledged(advised()), ACKNOWLEDGED)):
        assert ADVICE.encode() not in channel.request(letter(item(incident, about))).body


def test_a_mail_and_a_command_are_told_it_too() -> None:
    one = letter(item(advised()))
    assert ADVICE in Email(host="mail", sender="a@b.example", to=("c@d.example",)).body(one).splitlines()
    assert phrases.fields(item(advised()))["advice"] == ADVICE


def test_what_somebody_acknowledged_needs_no_advice_any_more() -> None:
    told = phrases.text(item(acknowledged(advised()), ACKNOWLEDGED))
    assert ADVICE not in told
    assert "I am on it" in told


def test_an_incident_has_the_advice_of_its_rule_also_of_one_that_guardia_brings() -> None:
    changed = RuleTable(name="out-of-memory", advice=ADVICE)
    world = World(*in_force([changed]))
    world.sample(0, "web-1", {"memory.oom_kills_per_s": 0.1})
    [incident] = [one.incident for one in world.decisions if one.change and one.incident]
    assert (incident.rule, incident.advice) == ("out-of-memory", ADVICE)
    [shown] = [rule.shown() for rule in in_force([changed]) if rule.name == "out-of-memory"]
    assert shown.advice == ADVICE


def test_one_that_is_too_long_is_told_when_it_is_read() -> None:
    rule = RuleTable(name="a", when="cpu.percent > 1", advice="x" * MOST_ADVICE)
    assert list(rule.objections()) == []
    assert [one.key for one in replace(rule, advice=rule.advice + "x").objections()] == ["advice"]

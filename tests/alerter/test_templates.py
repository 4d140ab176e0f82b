"""Words of an operator's own: fields are filled in, mistakes are found when they are read, values are no templates."""

from __future__ import annotations

import pytest

from alerter import phrases, templates
from alerter.channels.slack import Slack
from bus.config import Secret
from tests.alerter.shapes import burning, item, letter, over, service_down


def test_every_field_has_a_value() -> None:
    words = "|".join(f"{name}={{{name}}}" for name in templates.FIELDS)
    for incident in (burning(instance="/"), service_down(), over(burning())):
        told = templates.filled(words, phrases.fields(item(incident), "https://guardia.example"))
        assert f"subject={incident.subject}" in told
        assert "{" not in told


def test_a_channel_speaks_in_these_words_of_one_thing_and_in_its_own_of_several() -> None:
    channel = Slack(
        url=Secret("https://x.example/"), title="{rule} on {display}!", text="{reason} since {duration} {{now}}"
    )
    one = letter(item())
    assert channel.head(one) == "cpu-busy on Web 1!"
    assert channel.body(one) == "cpu.percent is 93.1 %, above 90 % since 5m {now}"
    assert channel.head(letter(item(), item(service_down()))).endswith("2 alarms")


def test_a_value_is_text_and_never_a_template() -> None:
    told = templates.filled("{reason}", phrases.fields(item(burning(reason="{id} {0.__class__}"))))
    assert told == "{id} {0.__class__}"


@pytest.mark.parametrize(
    ("template", "found", "hint"),
    [
        ("{hosst}", "the field {hosst}", ""),
        ("{subjekt} is ill", "the field {subjekt}", "did you mean subject?"),
        ("{value:.3f}", "the field {value:.3f}", "did you mean value?"),
        ("{subject.__class__}", "the field {subject.__class__}", ""),
        ("{subject", "a brace without its other half", ""),
        ("{}", "the field {}", ""),
    ],
)
def test_a_mistake_is_found_when_it_is_read(template: str, found: str, hint: str) -> None:
    (objection,) = Slack(url=Secret("https://x.example/"), text=template).objections()
    assert objection.key == "text"
    assert objection.found.startswith(found)
    assert hint in objection.remedy

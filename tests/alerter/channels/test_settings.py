"""What a channel has against its settings, which would else be found out by the first alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerter.channels.command import Command
from alerter.channels.common import Channel
from alerter.channels.email import Email
from alerter.channels.ntfy import Ntfy
from alerter.channels.webhook import Webhook
from alerter.letters import Letter
from bus.config import Secret
from tests.alerter.shapes import burning, item


@pytest.mark.parametrize(
    ("command", "environment", "keys"),
    [
        (("/usr/bin/logger", "-t", "a=b"), {"TEAM": Secret("a=b"), "with space": Secret("")}, []),
        ((), {}, ["command"]),
        (("logger",), {}, ["command"]),
        (("/usr/bin/logger", "a\0b"), {}, ["command"]),
        (("/usr/bin/log\0ger",), {}, ["command"]),
        (("/usr/bin/logger",), {"TEAM=ops": Secret("x")}, ["environment"]),
        (("/usr/bin/logger",), {"": Secret("x"), "TE\0AM": Secret("x")}, ["environment", "environment"]),
    ],
)
def test_a_command_is_one_that_can_be_started(
    command: tuple[str, ...], environment: dict[str, Secret], keys: list[str]
) -> None:
    assert [one.key for one in Command(command=command, environment=environment).objections()] == keys


@pytest.mark.parametrize(("name", "text"), [("X-Team", "日本"), ("X-Team", "a\nb"), ("X Team", "ops"), ("", "ops")])
def test_a_header_that_cannot_be_sent_is_found_out_before_the_first_alarm(name: str, text: str) -> None:
    url = "https://example.org/hook"
    assert keys(Webhook(url=url, headers={"X-Team": "büro", name: text})) == ["headers"]
    assert keys(Webhook(url=url, secret_headers={"X-Team": Secret("büro"), name: Secret(text)})) == ["secret_headers"]
    assert keys(Ntfy(topic=Secret("ops"), token=Secret(text))) == (["token"] if text != "ops" else [])


def mail(*to: str, sender: str = "guardia@example.org", **more: str) -> Email:
    return Email(host="mail.example", sender=sender, to=to or ("ops@example.org",), **more)  # type: ignore[arg-type]


def keys(channel: Channel) -> list[str]:
    return [one.key for one in channel.objections()]


@pytest.mark.parametrize(
    "address",
    [
        *("ops@example.org", "anna.b+guardia@mail.example.org", "x_y-z@[192.0.2.1]", "o'neill@example.org"),
        *("büro@example.org", "ops@büro.example", "a=b@example.org", "root@localhost"),
    ],
)
def test_addresses_as_people_have_them_may_be_told(address: str) -> None:
    assert keys(mail("anna@example.org", address)) == []


@pytest.mark.parametrize(
    ("user", "word", "found"),
    [("anna", "s3same", []), ("änna", "s3same", ["user"]), ("anna", "pässword", ["password"])],
)
def test_a_login_that_no_mail_server_can_be_told_is_found_out_before_the_first_alarm(
    user: str, word: str, found: list[str]
) -> None:
    channel = replace(mail(), user=user, password=Secret(word))
    assert keys(channel) == found
    assert word not in "".join(one.found + one.expected for one in channel.objections())


@pytest.mark.parametrize("address", ["ops@[192.0.2.1", "team:ops@example.org", "(ops)@:", "ops@example.org)", ".:@_"])
def test_what_is_no_address_is_found_out_before_the_first_alarm(address: str) -> None:
    assert keys(mail("anna@example.org", address)) == ["to"]
    assert keys(mail(sender=address)) == ["sender"]


NAMES = st.text("ab.[]()\":\\'=?ü-_1", min_size=1, max_size=6)


@given(NAMES, NAMES)
def test_what_may_be_told_can_be_written_in_a_mail(name: str, domain: str) -> None:
    channel = mail(f"{name}@{domain}")
    if not keys(channel):
        one = item(burning())
        told = channel.message(Letter(one.key, (one,)))
        assert told["To"].addresses[0].domain
        assert told.as_bytes()


def test_a_long_name_of_the_senders_domain_leaves_an_incident_one_thread() -> None:
    domain = "guardia.monitoring.internal.a-company-with-a-long-name.eu-central-1.example.com"
    one = item(burning())
    head = mail(sender=f"guardia@{domain}").message(Letter(one.key, (one,))).as_string()

    assert f"References: <{one.incident.id}@{domain}>\n" in head


def test_an_authority_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    assert keys(mail(authority=str(file))) == ["authority"]
    assert keys(mail(authority=str(tmp_path))) == ["authority"]
    assert keys(mail(authority="x" * 5000)) == ["authority"]
    file.touch()
    assert keys(mail(authority=str(file))) == []


@pytest.mark.parametrize("channel", [mail(title="{nonsense}"), Command(command=("/bin/true",), title="{nonsense}")])
def test_words_of_ones_own_are_looked_through(channel: Email | Command) -> None:
    assert keys(channel) == ["title"]

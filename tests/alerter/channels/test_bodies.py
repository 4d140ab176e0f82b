"""What receivers rely on, byte for byte: the bodies of the first Guardia's webhooks, and Discord's."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from alerter.channels.discord import Discord
from alerter.channels.email import Email
from alerter.channels.ntfy import Ntfy
from alerter.channels.slack import Slack
from alerter.channels.webhook import Webhook
from alerter.letters import Item, Letter
from alerter.outbox import MOST_IN_A_LETTER, Lane, Policy, turn
from bus.config import Secret
from tests.alerter.shapes import NOON, acknowledged, burning, item, over, service_down

LINK = "https://guardia.example"
MORE = (
    '"id":"c0ffee0000000001","key":"c0ffee0000000001.1.ops","event":"alert","transition":1,"state":"firing",'
    '"severity":"warning","kind":"host","subject":"web-1","rule":"cpu-busy","instance":"","value":93.1,"threshold":90.0,'
    '"started_at":"2026-11-24T11:55:00.000Z","ended_at":null,"reason":"cpu.percent is 93.1 %, above 90 %","labels":{},'
    '"acknowledged_by":null,"links":{"incident":"https://guardia.example/#alerts/c0ffee0000000001"}}'
)
HOST = (
    '{"message":"🟠 **cpu-busy alert** `Web 1`: cpu.percent is 93.1 %, above 90 %","server":"Web 1",'
    f'"timestamp":"2026-11-24T12:00:00.000Z",{MORE}'
)
SERVICE_KEYS = ["message", "service", "url", "status", "error", "timestamp"]


def body(channel: Any, incident: Any) -> bytes:
    """What is sent of an incident."""
    one = item(incident)
    return channel.request(Letter(one.key, (one,), link=LINK)).body  # type: ignore[no-any-return]


def test_a_host_is_told_in_these_bytes() -> None:
    assert body(Webhook(url="https://x.example/"), burning()).decode() == HOST


def test_a_body_is_signed_by_each_secret_and_goes_with_all_headers() -> None:
    one = Letter("key", (item(),))
    words = ("new-word", "old-word")
    hook = Webhook(
        secret_url=Secret("https://x.example/hook"),
        secret=Secret(words[0]),
        old_secret=Secret(words[1]),
        headers={"X-Team": "ops"},
        secret_headers={"Authorization": Secret("Bearer 42")},
    )
    post = hook.request(one)
    told = dict(post.headers)
    time, *signs = told.pop("X-Guardia-Signature").split(",")
    signed = time.removeprefix("t=").encode() + b"." + post.body
    assert signs == [f"v1={hmac.new(word.encode(), signed, hashlib.sha256).hexdigest()}" for word in words]
    assert (post.url, told) == (
        "https://x.example/hook",
        {
            "Content-Type": "application/json",
            "Idempotency-Key": "key",
            "X-Team": "ops",
            "Authorization": "Bearer 42",
        },
    )
    assert "X-Guardia-Signature" not in Webhook(url="https://x.example/").request(one).headers


def test_a_webhook_says_when_it_ended_and_who_acknowledged_it() -> None:
    told = json.loads(body(Webhook(url="https://x.example/"), over(acknowledged(burning()))))
    assert (told["ended_at"], told["acknowledged_by"]) == ("2026-11-24T12:10:00.000Z", "anna")


def test_a_test_says_that_it_is_one_and_a_services_message_ends_with_its_address() -> None:
    test, host, service = (
        Webhook(url="https://x.example/").message(Letter("key", (one,)))
        for one in (item(about="test"), item(), item(service_down()))
    )
    assert (test["test"], "test" in host) == (True, False)
    assert service["message"].endswith("service.state is down\nhttps://shop.example/health")


def test_a_webhook_has_one_address() -> None:
    both = Webhook(url="https://x.example/", secret_url=Secret("https://y.example/"))
    assert [one.found for hook in (Webhook(), both) for one in hook.objections()] == ["no address", "both addresses"]
    assert list(Webhook(url="https://x.example/").objections()) == []


@pytest.mark.parametrize(
    ("incident", "status", "error"),
    [
        (service_down(), "down", "503 Service Unavailable"),
        (service_down(reason="service.state is degraded"), "degraded", "503 Service Unavailable"),
        (service_down(reason="service.state is down: answered 503 Degraded"), "down", "503 Service Unavailable"),
        (service_down(reason="service.status is degraded: it was down"), "degraded", "503 Service Unavailable"),
        (service_down(reason="service.state is up and response.ms is 900 ms", error=""), "degraded", None),
        (service_down(reason="tls.days is 13 days, below 14 days", error=""), "degraded", None),
        (service_down(reason="avg(response.ms, 5m) is 900 ms, above 500 ms", error=""), "degraded", None),
        (service_down(reason="places(down) is 2, at or above 2", error=""), "down", None),
        (over(service_down()), "up", "503 Service Unavailable"),
        (over(service_down(error="")), "up", None),
    ],
)
def test_a_service_has_the_six_keys_first(incident: Any, status: str, error: str | None) -> None:
    told = json.loads(body(Webhook(url="https://x.example/"), incident))
    assert list(told)[:6] == SERVICE_KEYS
    assert (told["service"], told["url"]) == ("shop", "https://shop.example/health")
    assert (told["status"], told["error"], told["timestamp"]) == (status, error, "2026-11-24T12:00:00.000Z")


def test_discord_is_told_in_these_bytes() -> None:
    channel = Discord(url=Secret("https://discord.example/1"), user_id="4711")
    assert body(channel, burning()).decode() == (
        '{"content":"<@4711> 🟠 Web 1: cpu-busy: warning","username":"Guardia","embeds":[{"title":"🟠 Web 1: cpu-busy:'
        ' warning","description":"cpu.percent is 93.1 %, above 90 %\\nsince 2026-11-24T11:55:00.000Z\\n'
        'https://guardia.example/#alerts/c0ffee0000000001","color":16088064,"fields":[{"name":"Value","value":"93.1",'
        '"inline":true},{"name":"Limit","value":"90","inline":true}],"footer":{"text":"Web 1, web-1"},'
        '"timestamp":"2026-11-24T12:00:00.000Z"}],"allowed_mentions":{"parse":[],"users":["4711"]}}'
    )


def test_all_texts_of_an_embed_together_are_no_more_than_discord_takes() -> None:
    long = service_down(reason="r" * 16_000, error="e" * 16_000, url="https://shop.example/" + "u" * 2000)
    (embed,) = json.loads(body(Discord(url=Secret("https://d.example/"), title="{reason}"), long))["embeds"]
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for one in embed["fields"] for text in (one["name"], one["value"])]
    assert sum(map(len, texts)) == 6000
    assert len(embed["description"]) > 3500


def test_discord_shows_a_service_with_its_address_and_fault_and_mentions_a_role_only_where_told() -> None:
    told = json.loads(body(Discord(url=Secret("https://discord.example/1"), user_id="&42"), service_down()))
    assert told["content"].startswith("<@&42> ")
    assert told["allowed_mentions"] == {"parse": [], "roles": ["42"]}
    assert [(one["name"], one["value"]) for one in told["embeds"][0]["fields"]] == [
        ("Service", "shop"),
        ("URL", "https://shop.example/health"),
        ("Status", "down"),
        ("Error", "503 Service Unavailable"),
    ]
    assert told["embeds"][0]["footer"] == {"text": "Guardia"}
    silent = json.loads(body(Discord(url=Secret("https://discord.example/1")), service_down()))
    assert "content" not in silent


@pytest.mark.parametrize(
    ("ended", "fires", "colour", "priority"),
    [
        ("critical", ("info", "critical"), "#d32f2f", 5),
        ("critical", ("info",), "#1976d2", 3),
        ("critical", (), "#388e3c", 2),
    ],
)
def test_a_notice_of_several_is_as_loud_as_the_gravest_that_is_not_over(
    ended: str, fires: tuple[str, ...], colour: str, priority: int
) -> None:
    items = [item(over(burning(severity=ended)))]
    items += [item(burning(id=f"{place:016x}", severity=one)) for place, one in enumerate(fires)]
    letter = Letter("several", tuple(items))
    (attachment,) = json.loads(Slack(url=Secret("https://slack.example/1")).request(letter).body)["attachments"]
    (embed,) = json.loads(Discord(url=Secret("https://discord.example/1")).request(letter).body)["embeds"]
    assert (attachment["color"], f"#{embed['color']:06x}") == (colour, colour)
    assert json.loads(Ntfy(topic=Secret("hub")).request(letter).body)["priority"] == priority


def test_a_mail_says_from_whom_of_which_incident_and_that_no_person_wrote_it() -> None:
    one, other = item(burning()), item(service_down())
    mail = CHATS[3].message(Letter(one.key, (one,), link=LINK))
    assert [mail[name] for name in ("From", "To", "Date", "Message-ID", "References", "Auto-Submitted")] == [
        "Guardia <hub@guardia.example>",
        "ops@guardia.example",
        "Tue, 24 Nov 2026 12:00:00 -0000",
        f"<{one.key}@guardia.example>",
        "<c0ffee0000000001@guardia.example>",
        "auto-generated",
    ]
    several = CHATS[3].message(Letter("several", (one, other), link=LINK))
    assert several["References"] is None


def test_ntfy_is_told_no_more_bytes_than_it_takes_in_whatever_letters() -> None:
    one = item(burning(reason="ж" * 3000))
    message = json.loads(Ntfy(topic=Secret("hub")).request(Letter(one.key, (one,))).body)["message"]
    assert len(message.encode()) <= 4096
    assert message.endswith("ж…")


CHATS = (
    Discord(url=Secret("https://discord.example/1")),
    Slack(url=Secret("https://slack.example/1")),
    Ntfy(topic=Secret("hub")),
    Email(host="mail.example", sender="hub@guardia.example", to=("ops@guardia.example",)),
)


def storm(count: int, name: str = "web-{}", **more: Any) -> list[Item]:
    """So many hosts that burn at once."""
    return [
        item(
            burning(id=f"{number:016x}", subject=name.format(number), display=name.format(number), **more), order=number
        )
        for number in range(count)
    ]


def told(channel: Any, letter: Letter) -> str:
    """All that somebody reads of the letter."""
    if isinstance(channel, Email):
        return str(channel.message(replace(letter, link=LINK)).get_content())
    return str(json.loads(channel.request(replace(letter, link=LINK)).body))


@pytest.mark.parametrize("channel", CHATS, ids=lambda channel: type(channel).__name__)
@pytest.mark.parametrize(
    "items",
    [
        storm(MOST_IN_A_LETTER + 20),
        storm(30, reason="x" * 1500),
        storm(60, "shop-of-a-customer-with-a-long-name.frankfurt.example-{}"),
        storm(25, f"{'shop-of-a-customer.' * 5}example-{{}}"),
        [replace(one, incident=replace(one.incident, rule=f"rule-{one.order}")) for one in storm(90)],
        storm(90, "東京の店の在庫のデータベースの予備の機械-{}"),
        storm(28, "東京の店の在庫のデータベース-{}", reason="磁" * 400),
    ],
    ids=["very many", "long reasons", "long names", "few very long names", "many rules", "many bytes", "bytes"],
)
def test_in_a_storm_every_alarm_is_named(channel: Any, items: list[Item]) -> None:
    left = list(items)
    while left:
        letter = turn(left, {}, Lane(), Policy(), 0.0, NOON).letter
        assert letter is not None
        words = told(channel, letter)
        for one in letter.items:
            assert re.search(rf"{re.escape(one.incident.display)}\b", words), one.incident.display
            assert re.search(rf"{one.incident.rule}\b", words), one.incident.rule
        left = [one for one in left if one not in letter.items]

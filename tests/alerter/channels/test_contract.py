"""What every channel keeps to: delivered, refused or later, never a secret in its words, one key for one thing."""

from __future__ import annotations

import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alerter.channels import CHANNELS
from alerter.channels.apprise import Apprise
from alerter.channels.command import Command, unstarted
from alerter.channels.common import Channel, HttpChannel, scrubbed, secrets_of
from alerter.channels.discord import Discord
from alerter.channels.email import Email
from alerter.channels.ntfy import Ntfy
from alerter.channels.pagerduty import PagerDuty
from alerter.channels.slack import Slack, escaped
from alerter.channels.webhook import Webhook
from alerter.letters import ACKNOWLEDGED, ALARM, RECOVERY, Letter
from alerter.outbox import Delivered, Later, Never
from alerter.posting import Carrier
from bus.config import Secret
from bus.running import MOST_HEARD, Ran, ran
from tests.alerter.channels.mailer import Mailer
from tests.alerter.receiver import Receiver, Reply, drip
from tests.alerter.shapes import acknowledged, burning, item, over, service_down

SECRET = "s3same-open-9"
HTTP: dict[str, Callable[[str], HttpChannel]] = {
    "webhook": lambda url: Webhook(secret_url=Secret(f"{url}/{SECRET}"), secret=Secret(SECRET), timeout=10.0),
    "discord": lambda url: Discord(url=Secret(f"{url}/{SECRET}"), timeout=10.0),
    "slack": lambda url: Slack(url=Secret(f"{url}/{SECRET}"), timeout=10.0),
    "pagerduty": lambda url: PagerDuty(url=url, routing_key=Secret(SECRET), timeout=10.0),
    "ntfy": lambda url: Ntfy(server=url, topic=Secret(SECRET), timeout=10.0),
}
CARRIER = Carrier(("127.0.0.0/8",))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def letter(about: str = ALARM, *more: Any) -> Letter:
    """One thing, or several."""
    incident = over(burning()) if about == RECOVERY else burning()
    items = (item(acknowledged(incident) if about == ACKNOWLEDGED else incident, about, channel="ops"), *more)
    return Letter(items[0].key, items)


def sent(channel: Channel, what: Letter | None = None) -> Any:
    return channel.send(replace(what or letter(), link="https://guardia.example"), CARRIER)


def test_every_channel_is_tried_here() -> None:
    assert set(CHANNELS) == {*HTTP, "email", "command", "apprise"}


@pytest.mark.parametrize("name", HTTP)
def test_what_is_taken_is_delivered_under_its_key(name: str, receiver: Receiver) -> None:
    assert isinstance(sent(HTTP[name](receiver.url)), Delivered)

    assert receiver.keys == [letter().key]
    assert "cpu-busy" in receiver.requests[0].body.decode()


@pytest.mark.parametrize("name", HTTP)
def test_a_recovery_and_an_acknowledgement_are_told_as_such(name: str, receiver: Receiver) -> None:
    for about in (RECOVERY, ACKNOWLEDGED):
        assert isinstance(sent(HTTP[name](receiver.url), letter(about)), Delivered)
    assert len(set(receiver.keys)) == 2
    first, second = (one.body for one in receiver.requests)
    assert first != second


@pytest.mark.parametrize("name", HTTP)
@pytest.mark.parametrize(("status", "outcome"), [(404, Never), (302, Never), (429, Later), (500, Later), (503, Later)])
def test_each_answer_has_its_meaning(name: str, status: int, outcome: type, receiver: Receiver) -> None:
    receiver.usual = Reply(status, b"no", {"Retry-After": "7"})
    found = sent(HTTP[name](receiver.url))
    assert isinstance(found, outcome)
    if isinstance(found, Later):
        assert found.seconds == 7.0


@pytest.mark.parametrize("name", HTTP)
def test_a_receiver_that_drips_does_not_keep_us(name: str, receiver: Receiver) -> None:
    receiver.usual = Reply(act=drip)
    found = sent(replace(HTTP[name](receiver.url), timeout=2.0))
    assert isinstance(found, Later)
    assert found.maybe


@pytest.mark.parametrize("name", HTTP)
def test_an_address_that_is_not_public_is_not_told_unless_allowed(name: str, receiver: Receiver) -> None:
    found = HTTP[name](receiver.url).send(letter(), Carrier(()))
    assert isinstance(found, Never)
    assert "private_networks" in found.why
    assert receiver.requests == []


@pytest.mark.parametrize("name", HTTP)
def test_what_is_left_for_some_of_other_receivers_is_told_to_nobody(name: str, receiver: Receiver) -> None:
    channel = HTTP[name](receiver.url)
    assert isinstance(channel.tell(replace(letter(), left=("bob@example.org",)), CARRIER), Never)
    assert (receiver.requests, channel.receivers) == ([], ())


@pytest.mark.parametrize("name", HTTP)
def test_no_secret_is_in_what_it_says(name: str, receiver: Receiver) -> None:
    channel = HTTP[name](receiver.url)
    receiver.usual = Reply(400, f"{SECRET} is wrong, and so is /{SECRET}".encode())
    found = sent(channel)
    assert SECRET not in scrubbed(found.why, secrets_of(channel))
    assert SECRET not in repr(channel)


@pytest.mark.parametrize("password", ["pa[ssword", "pass]word", "p\u2100ssword"])
def test_a_password_is_hidden_where_its_address_is_none_to_who_takes_it_apart(password: str) -> None:
    command = Command(command=("/bin/true",), environment={"DB": Secret(f"postgres://anna:{password}@db-1/shop")})
    assert password not in scrubbed(f"{password} is wrong", secrets_of(command))


def test_several_things_go_to_a_chat_in_one(receiver: Receiver) -> None:
    two = letter(ALARM, item(burning(id="c0ffee0000000009", subject="web-2", display="web-2"), ALARM, channel="ops"))
    for name in ("discord", "slack", "ntfy"):
        assert isinstance(sent(HTTP[name](receiver.url), two), Delivered)
    for request in receiver.requests:
        assert "2 alarms" in request.body.decode()
        assert "web-2" in request.body.decode()


def test_an_incident_of_pagerduty_is_the_same_from_its_trigger_to_its_end(receiver: Receiver) -> None:
    for about in (ALARM, ACKNOWLEDGED, RECOVERY):
        sent(HTTP["pagerduty"](receiver.url), letter(about))
    bodies = [one.json() for one in receiver.requests]
    assert [body["event_action"] for body in bodies] == ["trigger", "acknowledge", "resolve"]
    assert len({body["dedup_key"] for body in bodies}) == 1
    assert bodies[0]["payload"]["severity"] == "warning"


def test_nobody_is_mentioned_by_a_hosts_name(receiver: Receiver) -> None:
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    sent(HTTP["discord"](receiver.url))
    assert receiver.requests[0].json()["allowed_mentions"] == {"parse": []}


def leaves(body: Any) -> list[str]:
    """All texts in it."""
    if isinstance(body, dict | list):
        return [text for one in (body.values() if isinstance(body, dict) else body) for text in leaves(one)]
    return [body] if isinstance(body, str) else []


@pytest.mark.parametrize("text", ["", "{what}: {reason} {error}"])
@pytest.mark.parametrize("several", [False, True])
def test_what_a_page_answers_is_no_link_under_other_words(text: str, several: bool, receiver: Receiver) -> None:
    bait = "500 [log in](https://phish.example)"
    incident = service_down(reason=f"answered {bait}", error=bait)
    one = item(incident, channel="ops")
    told = Letter(one.key, (one, item(burning(), channel="ops")) if several else (one,))
    sent(Discord(url=Secret(receiver.url), text=text, title=text), told)
    sent(Slack(url=Secret(receiver.url), text=text, title=text), told)
    sent(Webhook(url=receiver.url, text=text), told)
    discord, slack, webhook = (request.json() for request in receiver.requests)
    shown = [*leaves(discord), *leaves(slack), webhook["message"]]
    assert any("[log in] (https" in words for words in shown)
    assert not any("](" in words for words in shown)
    assert webhook["error"] == bait, "for programs it is as it came"


@pytest.mark.parametrize(("user_id", "mentions"), [("42", {"users": ["42"]}), ("&7", {"roles": ["7"]})])
def test_whom_the_operator_names_is_mentioned_and_nobody_else(
    receiver: Receiver, user_id: str, mentions: dict[str, list[str]]
) -> None:
    sent(Discord(url=Secret(receiver.url), user_id=user_id))
    body = receiver.requests[0].json()
    assert body["content"].startswith(f"<@{user_id}> ")
    assert body["allowed_mentions"] == {"parse": [], **mentions}


# -- a command ---


def script(folder: Path, text: str) -> str:
    file = folder / "tell"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_a_command_gets_the_notice_and_not_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SECRET", SECRET)
    tell = script(tmp_path, f"cat > {tmp_path}/in; env > {tmp_path}/env")
    assert sent(Command(command=(tell, "ops"), environment={"TEAM": Secret("blue")})) == Delivered("exit code 0")

    told = json.loads((tmp_path / "in").read_text())
    environment = (tmp_path / "env").read_text()
    assert (told["rule"], told["event"]) == ("cpu-busy", "alert")
    assert "GUARDIA_SUBJECT=web-1" in environment
    assert "TEAM=blue" in environment
    assert SECRET not in environment


@pytest.mark.parametrize(
    ("text", "outcome"),
    [("exit 75", Later), ("echo no >&2; exit 1", Later), ("echo never >&2; exit 3", Never), ("kill -9 $$", Later)],
)
def test_a_commands_exit_code_says_what_to_do(tmp_path: Path, text: str, outcome: type) -> None:
    assert isinstance(sent(Command(command=(script(tmp_path, text),))), outcome)


def alive(file: Path) -> bool:
    """Whether the process whose number stands in ``file`` does anything yet."""
    try:
        stat = Path(f"/proc/{int(file.read_text())}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, ValueError):  # it may have been ended before it wrote its number
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def gone(file: Path) -> None:
    """Wait until the process whose number stands in ``file`` is no more."""
    end = time.monotonic() + 30
    while alive(file):
        assert time.monotonic() < end, "it lives on"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "begun", ["sleep 60 &", "sleep 60 2>/dev/null &", "setsid sleep 60 &", "(setsid sh -c 'sleep 60')&"]
)
def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path, begun: str) -> None:
    tell = script(tmp_path, f"{begun} echo $! > {tmp_path}/child; echo $$ > {tmp_path}/self; wait; sleep 60")
    found = sent(Command(command=(tell,), timeout=1.0))
    assert found == Later(None, "it was not done within 1 s", maybe=True)
    gone(tmp_path / "self")
    gone(tmp_path / "child")


def test_a_command_is_told_of_a_storm_whose_reasons_are_long(tmp_path: Path) -> None:
    tell = script(tmp_path, f"cat > {tmp_path}/in")
    items = [item(burning(id=f"c0ffee{number}", reason="資" * 4000)) for number in range(30)]
    storm = Letter("storm", tuple(items))
    assert sent(Command(command=(tell,)), storm) == Delivered("exit code 0")
    assert len(json.loads((tmp_path / "in").read_text())["notices"]) == 30


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [("exit 0", Delivered("exit code 0")), ("echo no such room >&2; exit 2", Never("exit code 2: no such room"))],
)
@pytest.mark.parametrize("output", ["", "2>/dev/null"])
def test_a_command_is_over_when_itself_is_and_what_it_leaves_running_has_until_the_timeout(
    tmp_path: Path, ends: str, outcome: Delivered | Never, output: str
) -> None:
    left = tmp_path / "left"
    tell = script(tmp_path, f"sleep 60 {output} & echo $! > {left}; {ends}")
    assert sent(Command(command=(tell,), timeout=6.0)) == outcome
    assert alive(left), "nobody waited for what it left: that has until then"
    gone(left)


def test_what_a_command_puts_into_a_session_of_its_own_goes_on(tmp_path: Path) -> None:
    left = tmp_path / "left"
    tell = script(
        tmp_path, f"setsid sh -c 'echo $$ > {left}; exec sleep 60' & while ! [ -s {left} ]; do sleep 0.01; done"
    )
    assert sent(Command(command=(tell,), timeout=30.0)) == Delivered("exit code 0")
    assert alive(left)
    os.kill(int(left.read_text()), signal.SIGKILL)


def test_a_command_that_floods_is_ended_in_time_and_little_of_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "yes").write_text(f"#!/bin/sh\necho $$ > {tmp_path}/self\nexec yes >&2\n")
    (tmp_path / "yes").chmod(0o755)
    began, used = time.monotonic(), time.process_time()
    found = ran((str(tmp_path / "yes"),), {"PATH": os.environ["PATH"]}, b"", 1.0)
    assert found == Ran(None, (b"y\n" * MOST_HEARD)[:MOST_HEARD])
    assert time.monotonic() - began < 20
    assert time.process_time() - used < 0.5, "a flood is let in slowly"
    gone(tmp_path / "self")


def test_a_command_that_says_much_and_ends_is_heard_as_it_began(tmp_path: Path) -> None:
    tell = script(tmp_path, "echo no such room >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 2")
    found = sent(Command(command=(tell,), timeout=30.0))
    assert isinstance(found, Never)
    assert found.why.startswith("exit code 2: no such room xxx")
    assert len(found.why) < 200


def test_a_command_that_does_not_read_what_it_is_told_is_judged_by_its_exit_code(tmp_path: Path) -> None:
    assert ran((script(tmp_path, "exit 3"),), {}, bytes(1_000_000), 30.0) == Ran(3, b"")
    assert ran((script(tmp_path, "exec <&-; sleep 0.1; exit 4"),), {}, bytes(1_000_000), 30.0) == Ran(4, b"")
    assert ran((script(tmp_path, "wc -c >&2"),), dict(os.environ), bytes(1_000_000), 30.0) == Ran(0, b"1000000\n")


def test_a_command_that_cannot_be_started_now_is_tried_again() -> None:
    assert unstarted("/bin/tell", OSError(errno.EAGAIN, "Try again")) == Later(None, "/bin/tell: try again")
    assert unstarted("/bin/tell", OSError(errno.EACCES, "Permission denied")) == Never("/bin/tell: permission denied")


def test_a_command_that_is_not_there_is_refused() -> None:
    found = sent(Command(command=("/nowhere/tell",)))
    assert found == Never("/nowhere/tell: no such file or directory")
    assert [str(one.key) for one in Command(command=("tell",)).objections()] == ["command"]


# -- mail ---


def mail(port: int, **changes: Any) -> Email:
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "guardia@example.org", "timeout": 20.0}
    return Email(to=("anna@example.org", "bob@example.org"), **{**settings, **changes})


def test_a_mail_has_one_thread_for_an_incident_and_one_id_for_a_notice() -> None:
    with Mailer() as server:
        assert sent(mail(server.port)) == Delivered("accepted")
        assert isinstance(sent(mail(server.port), letter(RECOVERY)), Delivered)
    first, second = server.mails
    assert first["To"] == "anna@example.org, bob@example.org"
    assert "cpu-busy" in first["Subject"]
    assert first["References"] == second["References"]
    assert first["Message-ID"] == f"<{letter().key}@example.org>" != second["Message-ID"]


@pytest.mark.parametrize(("answer", "outcome"), [("450 later", Later), ("550 nobody", Never), ("421 away", Later)])
def test_what_the_mail_server_says_has_its_meaning(answer: str, outcome: type) -> None:
    with Mailer(recipient=answer) as server:
        assert isinstance(sent(mail(server.port)), outcome)


def test_a_mail_server_that_is_not_there_or_says_nothing_is_tried_again() -> None:
    with Mailer(mute=True) as server:
        assert sent(mail(server.port, timeout=0.3)) == Later(None, "no answer within 0.3 s")
        port = server.port
    assert sent(mail(port)) == Later(None, "connection refused")


def test_a_mail_server_that_never_comes_to_the_end_of_its_words_keeps_nobody_from_the_fallback() -> None:
    with Mailer(endless=True) as server:
        assert sent(mail(server.port, timeout=0.3)) == Later(None, "no answer within 0.3 s")


@pytest.mark.parametrize("bye", ["421 too busy to say goodbye", "550 no", ""])
def test_a_mail_that_was_taken_is_told_whatever_the_server_says_to_a_goodbye(bye: str) -> None:
    with Mailer(bye=bye) as server:
        assert sent(mail(server.port)) == Delivered("accepted")
    assert len(server.mails) == 1


def test_a_mail_needs_a_server_that_speaks_tls_when_it_is_asked_for() -> None:
    with Mailer() as server:
        found = sent(mail(server.port, security="starttls"))
    assert isinstance(found, Later)
    assert server.mails == []


def test_a_password_does_not_travel_in_the_open() -> None:
    channel = mail(25, user="anna", password=Secret(SECRET))
    assert [one.key for one in channel.objections()] == ["security"]
    assert [one.key for one in replace(mail(25), to=()).objections()] == ["to"]


# -- the library ---


def test_what_the_library_knows_is_told_through_it(receiver: Receiver) -> None:
    channel = Apprise(url=Secret(f"json://127.0.0.1:{receiver.port}/{SECRET}"))
    assert list(channel.objections()) == []
    assert sent(channel) == Delivered("told")
    assert "cpu-busy" in receiver.requests[0].body.decode()

    receiver.usual = Reply(500)
    assert isinstance(sent(channel), Later)


def test_an_address_that_the_library_does_not_know_is_told_at_once() -> None:
    (one,) = Apprise(url=Secret("nonsense")).objections()
    assert one.key == "url"
    assert "nonsense" not in one.found

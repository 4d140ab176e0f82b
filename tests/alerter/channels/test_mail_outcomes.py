"""What becomes of a mail that a server takes in part, refuses for now or for good, or of which it does not say."""

from __future__ import annotations

import pytest

from alerter.channels.email import Email
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome
from alerter.posting import Carrier
from tests.alerter.channels.mailer import Mailer
from tests.alerter.shapes import burning, item


def sent(server: Mailer) -> Outcome:
    """What becomes of one mail to two people."""
    one = item(burning())
    channel = Email(
        host="127.0.0.1",
        port=server.port,
        security="none",
        sender="guardia@example.org",
        to=("anna@example.org", "bob@example.org"),
        timeout=10.0,
    )
    return channel.send(Letter(one.key, (one,)), Carrier())


def test_a_mail_that_somebody_gets_is_delivered_and_it_is_said_to_how_many() -> None:
    with Mailer(["250 ok", "550 nobody"]) as server:
        assert sent(server) == Delivered("1 of 2 recipients")
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["450 later", "550 nobody"], Later(None, "450: no recipient is taken")),
        (["550 nobody", "451 later"], Later(None, "451: no recipient is taken")),
        (["550 nobody", "553 never"], Never("550: no recipient is taken")),
        (["500 what"], Never("500: no recipient is taken")),
        (["535 who are you"], Later(None, "535: no recipient is taken")),
    ],
)
def test_a_mail_that_nobody_gets_is_tried_again_while_one_of_them_may(answers: list[str], outcome: Outcome) -> None:
    with Mailer(answers) as server:
        assert sent(server) == outcome
    assert server.mails == []


def test_a_mail_of_which_the_server_does_not_say_that_it_took_it_may_have_arrived() -> None:
    with Mailer(breaks=True) as server:
        found = sent(server)

    assert isinstance(found, Later)
    assert found.maybe

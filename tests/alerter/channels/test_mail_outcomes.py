"""What becomes of a mail that a server takes in part, refuses for now or for good, or of which it does not say."""

from __future__ import annotations

import pytest

from alerter.channels.email import Email
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome, Partly
from alerter.posting import Carrier
from tests.alerter.channels.mailer import Mailer
from tests.alerter.shapes import burning, item

ANNA, BOB, CARL = "anna@example.org", "bob@example.org", "carl@example.org"
DORA = "dóra@example.org"
ASCII = "553: the server takes no address with letters beyond ASCII (SMTPUTF8)"


def sent(server: Mailer, *left: str, to: tuple[str, ...] = (ANNA, BOB)) -> Outcome:
    """What becomes of one mail to two people, or to those of them who are left."""
    one = item(burning(), left=left)
    channel = Email(
        host="127.0.0.1", port=server.port, security="none", sender="guardia@example.org", to=to, timeout=10.0
    )
    return channel.tell(Letter(one.key, (one,), left), Carrier())


def test_a_mail_that_somebody_gets_is_delivered_and_it_is_said_to_whom() -> None:
    with Mailer(["250 ok", "550 nobody"]) as server:
        assert sent(server) == Partly((), taken=ANNA, refused=f"{BOB}: 550: nobody")
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["250 ok", "451 greylisted"], Partly((BOB,), "451: greylisted", taken=ANNA)),
        (["452 full", "250 ok"], Partly((ANNA,), "452: full", taken=BOB)),
        (["250 ok", "450 later", "550 nobody"], Partly((BOB,), "450: later", ANNA, f"{CARL}: 550: nobody")),
        (["250 ok", "450 later", "452 full"], Partly((BOB, CARL), "450: later", ANNA)),
    ],
)
def test_who_is_refused_for_now_is_left_and_who_is_for_good_is_not(answers: list[str], outcome: Outcome) -> None:
    with Mailer(answers) as server:
        assert sent(server, to=(ANNA, BOB, CARL)[: len(answers)]) == outcome
    assert len(server.mails) == 1


def test_a_mail_for_those_who_are_left_goes_to_nobody_else_and_is_the_same_mail() -> None:
    with Mailer() as server:
        assert sent(server) == Delivered("accepted")
        assert sent(server, BOB) == Delivered("accepted")
        assert sent(server, BOB, CARL) == Delivered("accepted")
    assert server.recipients == [ANNA, BOB, BOB, BOB]
    assert len({mail["Message-ID"] for mail in server.mails}) == 1


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (["451 greylisted"], Partly((BOB, CARL), "451: greylisted")),
        (["451 greylisted", "550 nobody"], Partly((BOB,), "451: greylisted", refused=f"{CARL}: 550: nobody")),
        (["550 nobody"], Partly((), refused=f"{BOB}: 550: nobody and {CARL}: 550: nobody")),
        (["421 going down"], Later(None, "421: no recipient is taken")),
    ],
)
def test_a_server_that_refuses_those_who_are_left_is_not_ill_for_that(answers: list[str], outcome: Outcome) -> None:
    with Mailer(answers) as server:
        assert sent(server, BOB, CARL, to=(ANNA, BOB, CARL)) == outcome
    assert server.mails == []


def test_who_is_taken_out_of_the_settings_meanwhile_gets_nothing() -> None:
    with Mailer() as server:
        assert sent(server, BOB, to=(ANNA,)) == Never("told here no longer")
    assert server.recipients == []


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


@pytest.mark.parametrize(
    ("left", "outcome"),
    [
        ((), Partly((), taken=ANNA, refused=f"{DORA}: {ASCII}")),
        ((ANNA, DORA), Partly((), taken=ANNA, refused=f"{DORA}: {ASCII}")),
        ((DORA,), Never(ASCII)),
    ],
)
def test_whom_a_server_cannot_be_told_of_keeps_nobody_from_a_mail(left: tuple[str, ...], outcome: Outcome) -> None:
    with Mailer() as server:
        assert sent(server, *left, to=(DORA, ANNA)) == outcome
    assert server.recipients == ([ANNA] if ANNA in left or not left else [])


def test_a_server_that_cannot_be_told_of_anybody_refuses_for_good() -> None:
    with Mailer(["450 later"]) as server:
        assert sent(server, to=(DORA,)) == Never(ASCII)
        assert sent(server, to=(DORA, ANNA)) == Later(None, "450: no recipient is taken")
    assert server.mails == []


def test_a_mail_of_which_the_server_does_not_say_that_it_took_it_may_have_arrived() -> None:
    with Mailer(breaks=True) as server:
        found = sent(server)

    assert isinstance(found, Later)
    assert found.maybe

"""Commands behind the colon, and how they are completed."""

from __future__ import annotations

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import HubInMemory, session
from tests.viewer.test_acts import burning, typed
from viewer.commands import COMMANDS, completions
from viewer.session import Session
from viewer.wishes import Acknowledge, AddSilence


def commanded(text: str, *, screen: str = "hosts") -> Session:
    found = session(HubInMemory(fleet(5)), screen=screen)
    typed(found, f":{text}", "enter")
    return found


def wrong(found: Session) -> str:
    return found.model.prompt.wrong if found.model.prompt else ""


def test_a_command_goes_to_a_screen_and_a_beginning_is_enough() -> None:
    assert commanded("alerts").model.screen == "alerts"
    assert commanded("al").model.screen == "alerts"


def test_a_host_is_opened_by_its_name() -> None:
    found = commanded("host db-1")
    host = found.model.host()
    assert (found.model.screen, host and host.name) == ("host", "db-1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("host db-9", "the hub knows no host db-9; did you mean db-1?"),
        ("alrets", "there is no command alrets; did you mean alerts?"),
        ("sort colour", "there is no column colour"),
        ("window 4m", "there is no window 4m; there are 5m, 15m"),
        ("silence 1h", "write silence DURATION REASON"),
        ("silence soon later", "no duration such as"),
        ("ack", "nothing that fires"),
        ("end", "choose a silence to end"),
        ("mark some", "write mark all or mark none"),
        ("service shop", "the hub knows no service shop"),
    ],
)
def test_what_cannot_be_obeyed_stays_and_says_why(text: str, said: str) -> None:
    found = commanded(text)
    assert said in wrong(found)
    assert said[:20] in found.draw(160, 24).text()


def test_tab_completes_to_what_is_shared_then_goes_round() -> None:
    found = session(HubInMemory(fleet(5)), ":", "s", "i", "tab")
    assert found.model.prompt is not None
    assert found.model.prompt.text == "silence "
    typed(found, "", "ctrl-u")
    typed(found, "host ", "tab")
    assert set(found.model.prompt.offered) == {"backup-1", "cache-1", "db-1", "queue-1", "web-1"}
    typed(found, "", "tab", "tab")
    assert found.model.prompt.text == "host cache-1"
    typed(found, "", "enter")
    assert found.model.hosts.chosen == "cache-1"


def test_commands_that_were_typed_come_back() -> None:
    found = commanded("window 1h")
    typed(found, ":", "up")
    assert found.model.prompt is not None
    assert found.model.prompt.text == "window 1h"


def test_acts_can_be_typed_as_commands() -> None:
    hub, found = burning(":", *"ack I look", "enter", ":", *"silence 2h new disk", "enter")
    assert hub.acts == [Acknowledge("i1", "I look"), AddSilence(("web-1", "rule=disk-full"), 7200.0, "new disk")]
    assert found.model.prompt is None


def test_marking_all_and_none() -> None:
    found = commanded("mark all")
    assert len(found.model.hosts.marked) == 5
    typed(found, ":mark none", "enter")
    assert found.model.hosts.marked == set()


def test_sorting_and_filtering_by_command() -> None:
    found = commanded("sort cpu reverse")
    assert (found.model.hosts.sort, found.model.hosts.reverse) == ("cpu", True)
    typed(found, ":filter db", "enter")
    assert [host.name for host in found.model.rows(0)] == ["db-1"]


def test_an_empty_command_and_escape_do_nothing() -> None:
    found = commanded("")
    typed(found, ":quit", "escape")
    assert (found.model.prompt, found.model.quit) == (None, False)
    typed(found, ":quit", "enter")
    assert found.model.quit


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_offered_and_its_words_are_text(name: str) -> None:
    found = session(HubInMemory(fleet(2)))
    assert name in completions(found.model, name[:1])
    assert all(isinstance(word, str) for word in completions(found.model, f"{name} "))

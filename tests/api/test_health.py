"""How hosts, services and the hub are."""

from __future__ import annotations

import pytest

from api.health import Limits, StoreSeen, host_health, hub_health, overall, service_health
from api.live import HostNow, Live
from bus.messages import Check, Facts
from tests.api.given import FACTS, MINUTE, NOON, SECOND, UP, heard, reading

LIMITS = Limits(down=120, stale=300)


def host(*, received: int = NOON, at: int | None = None, facts: Facts | None = None) -> HostNow:
    live = Live()
    sample = reading()[1]
    live.hear(heard(sample, at=received if at is None else at, received=received))
    if facts is not None:
        live.hear(heard(facts, at=received, received=received))
    return live.hosts["web-1"]


@pytest.mark.parametrize(("seconds", "word"), [(0, "up"), (119, "up"), (121, "down"), (3600, "down")])
def test_a_silent_host_is_down_after_two_minutes(seconds: int, word: str) -> None:
    assert host_health(NOON + seconds * SECOND, host(), LIMITS)[0] == word


def test_a_host_never_seen_is_unknown() -> None:
    assert host_health(NOON, None, LIMITS) == ("unknown", None)
    assert host_health(NOON, HostNow(heard=NOON), LIMITS) == ("unknown", None)


def test_a_host_that_sends_only_what_it_kept_during_a_cut_is_stale() -> None:
    told = heard(reading()[1], at=NOON - 10 * MINUTE, received=NOON)._replace(sent=NOON)
    now = HostNow(heard=NOON, newest=told)
    assert host_health(NOON, now, LIMITS) == ("stale", "the newest sample is 10 min old")


def test_a_host_with_a_wrong_clock_is_still_up() -> None:
    assert host_health(NOON, host(received=NOON, at=NOON - 3600 * SECOND), LIMITS)[0] == "up"
    assert host_health(NOON, host(received=NOON, at=NOON + 3600 * SECOND), LIMITS)[0] == "up"


def test_a_slow_host_gets_three_of_its_own_intervals() -> None:
    slow, usual = host(facts=Facts(interval=60.0)), host(facts=FACTS)
    assert host_health(NOON + 170 * SECOND, slow, LIMITS)[0] == "up"
    assert host_health(NOON + 170 * SECOND, usual, LIMITS)[0] == "down"
    assert host_health(NOON + 181 * SECOND, slow, LIMITS)[0] == "down"


def test_what_is_wrong_is_said_in_a_sentence() -> None:
    assert host_health(NOON + 130 * SECOND, host(), LIMITS)[1] == "nothing received for 2 min"


def test_a_service_is_as_its_last_check_until_that_is_old() -> None:
    live = Live()
    live.hear(heard(UP, subject="shop"))
    now = live.places["shop"]
    assert service_health(NOON, now, LIMITS) == ("up", "up")
    assert service_health(NOON + 301 * SECOND, now, LIMITS) == ("stale", "up")
    assert service_health(NOON, {}, LIMITS) == ("unknown", None)


def test_a_check_that_could_not_be_made_leaves_the_service_unknown() -> None:
    live = Live()
    live.hear(heard(Check("unknown", error="not permitted"), subject="shop"))
    assert service_health(NOON, live.places["shop"], LIMITS) == ("unknown", None)


EXPECTED = {"store": ("guardia.store-writer",), "collector": ("guardia.collector",)}
ANSWERS = StoreSeen(0.001, None)


def rooms(*names: str, heard_at: int = NOON) -> Live:
    return Live(rooms={name: HostNow(heard=heard_at) for name in names})


def telling(program: str, reading_name: str, number: float) -> Live:
    """The program is heard at noon, with this number, and so are all that make up the hub's store."""
    live = rooms("guardia.store-writer", "guardia.collector")
    for message in reading({reading_name: number}):
        live.hear(heard(message, subject=program))
    return live


def test_the_hub_is_ok_when_all_its_programs_are_heard() -> None:
    parts = hub_health(NOON, NOON, ANSWERS, rooms("guardia.store-writer", "guardia.collector"), EXPECTED)
    assert overall(parts) == "ok"


def test_without_answers_the_store_is_down_and_so_is_the_hub() -> None:
    parts = hub_health(
        NOON, NOON, StoreSeen(None, "no answer"), rooms("guardia.store-writer", "guardia.collector"), EXPECTED
    )
    assert parts["store"] == {"status": "down", "reason": "no answer"}
    assert overall(parts) == "down"


def test_a_reader_without_a_writer_is_half_a_store() -> None:
    now = NOON + 40 * SECOND
    there = rooms("guardia.store-writer")
    there.rooms |= rooms("guardia.collector", heard_at=now).rooms
    parts = hub_health(now, NOON, ANSWERS, there, EXPECTED)
    assert parts["store"]["status"] == "degraded"
    assert parts["store"]["reason"] == "guardia.store-writer has not been heard for 40 s"
    assert overall(parts) == "degraded"


def test_a_worker_that_just_began_listening_calls_nobody_silent() -> None:
    assert overall(hub_health(NOON + 30 * SECOND, NOON, ANSWERS, Live(), EXPECTED)) == "ok"
    assert overall(hub_health(NOON + 36 * SECOND, NOON, ANSWERS, Live(), EXPECTED)) == "degraded"


def test_programs_that_tell_their_vitals_seldom_are_given_more_time() -> None:
    heard_now = rooms("guardia.store-writer", "guardia.collector")
    slow = {
        seconds: hub_health(NOON + seconds * SECOND, NOON, ANSWERS, heard_now, EXPECTED, None, 60.0)
        for seconds in (209, 211)
    }
    assert overall(slow[209]) == "ok"
    assert slow[211]["collector"]["reason"] == "guardia.collector has not been heard for 4 min"


def test_a_store_that_lacks_something_is_degraded_and_says_what() -> None:
    away = "the archive /mnt/large is not there: is its disk mounted?"
    parts = hub_health(NOON, NOON, StoreSeen(0.1, None, away), Live(), {})
    assert parts["store"] == {"status": "degraded", "reason": away}
    assert overall(parts) == "degraded"


def test_a_store_that_cannot_remove_something_is_degraded_and_says_where_it_is_named() -> None:
    for stuck, what in ((1, "a file or folder"), (3, "3 files and folders")):
        there = telling("guardia.store-sealer", "sealer.unremoved", stuck)
        parts = hub_health(NOON, NOON, ANSWERS, there, EXPECTED)
        assert parts["store"] == {"status": "degraded", "reason": f"it cannot remove {what}: its log names them"}


def test_an_alerter_with_channels_that_lack_a_secret_is_degraded() -> None:
    expected = {"alerter": ("guardia.alerter",)}
    for broken, what in ((1, "a channel lacks"), (2, "2 channels lack")):
        there = telling("guardia.alerter", "channels.broken", broken)
        parts = hub_health(NOON, NOON, ANSWERS, there, expected)
        reason = f"{what} a secret and can tell nobody: guardia check says which"
        assert parts["alerter"] == {"status": "degraded", "reason": reason}
        assert overall(parts) == "degraded"
    gone = hub_health(NOON + 60 * SECOND, NOON, ANSWERS, there, expected)
    assert "has not been heard" in str(gone["alerter"]["reason"])


def test_a_prober_with_services_that_lack_a_secret_is_degraded() -> None:
    expected = {"prober": ("guardia.prober",)}
    for unwatched, what in ((1, "a service lacks a secret and is"), (2, "2 services lack a secret and are")):
        there = telling("guardia.prober", "prober.lacking", unwatched)
        parts = hub_health(NOON, NOON, ANSWERS, there, expected)
        reason = f"{what} not checked: guardia check says which"
        assert parts["prober"] == {"status": "degraded", "reason": reason}
        assert overall(parts) == "degraded"
    gone = hub_health(NOON + 60 * SECOND, NOON, ANSWERS, there, expected)
    assert "has not been heard" in str(gone["prober"]["reason"])


def test_an_alerter_whose_disk_takes_nothing_is_degraded() -> None:
    there, expected = telling("guardia.alerter", "alerter.full", 1), {"alerter": ("guardia.alerter",)}
    parts = hub_health(NOON, NOON, ANSWERS, there, expected)
    reason = "its disk is full or read-only: what it decides is kept in memory alone"
    assert parts["alerter"] == {"status": "degraded", "reason": reason}
    gone = hub_health(NOON + 60 * SECOND, NOON, ANSWERS, there, expected)
    assert "has not been heard" in str(gone["alerter"]["reason"])


def test_a_store_whose_disk_is_full_is_degraded_and_says_so_at_once() -> None:
    now = NOON + 5 * SECOND
    there = telling("guardia.store-writer", "store.full", 1)
    parts = hub_health(now, NOON, ANSWERS, there, EXPECTED)
    assert parts["store"]["status"] == "degraded"
    assert str(parts["store"]["reason"]).startswith("its disk is full")
    assert overall(parts) == "degraded"
    later = hub_health(now + 60 * SECOND, NOON, ANSWERS, there, EXPECTED)
    assert "has not been heard" in str(later["store"]["reason"]), "what it said last is old"

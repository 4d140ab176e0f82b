"""The list of agents: one in, one out, seen at once; names and keys belong together."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bus import enrolled, keys
from bus.enrolled import Agent, Enrolled
from bus.keys import KeysFault

NOON = 1_769_860_800 * 10**9
HOUR = 3600 * 10**9


def test_keys_are_in_use_from_the_first_agent_on_and_stay_so_without_any(tmp_path: Path) -> None:
    assert not enrolled.in_use(tmp_path)
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    assert enrolled.in_use(tmp_path)
    enrolled.revoke(tmp_path, "web-1")
    assert enrolled.in_use(tmp_path), "losing the last agent must not open the door"


def test_the_hub_keeps_its_key_and_shows_its_public_half(tmp_path: Path) -> None:
    key = enrolled.hub_key(tmp_path)
    assert enrolled.hub_key(tmp_path) == key
    assert key.public in (tmp_path / "keys" / "hub.pub").read_text()
    assert key.secret not in (tmp_path / "keys" / "hub.pub").read_text()


def test_the_list_is_seen_to_change_without_being_told(tmp_path: Path) -> None:
    seen = Enrolled(tmp_path)
    assert not seen.names
    first, second = keys.new().public, keys.new().public
    enrolled.admit(tmp_path, "web-1", first, NOON)
    enrolled.admit(tmp_path, "web-2", second, NOON)

    assert seen.refresh() == frozenset()
    assert seen.names == {first: "web-1", second: "web-2"}

    enrolled.revoke(tmp_path, "web-1")
    assert seen.refresh() == {"web-1"}
    assert seen.names == {second: "web-2"}
    assert seen.refresh() == frozenset()


def test_two_changes_within_a_tick_of_the_clock_for_files_are_both_seen(tmp_path: Path) -> None:
    seen = Enrolled(tmp_path)
    for number in range(50):
        public = keys.new().public
        enrolled.admit(tmp_path, "web-1", public, NOON, again=number > 0)
        seen.refresh()
        assert seen.names == {public: "web-1"}


def test_a_key_that_was_replaced_is_gone_under_its_name(tmp_path: Path) -> None:
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    seen = Enrolled(tmp_path)
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON, again=True)
    assert seen.refresh() == {"web-1"}


@pytest.mark.parametrize("name", ["", "web 1", "../web", "guardia.api", ".web", "x" * 129, "web/1"])
def test_a_name_that_is_none_is_not_let_in(tmp_path: Path, name: str) -> None:
    with pytest.raises(KeysFault, match="no name"):
        enrolled.admit(tmp_path, name, keys.new().public, NOON)
    assert not enrolled.agents(tmp_path)


def test_one_name_has_one_key_and_one_key_one_name(tmp_path: Path) -> None:
    public = keys.new().public
    enrolled.admit(tmp_path, "web-1", public, NOON)
    with pytest.raises(KeysFault, match="enroll web-1 --again"):
        enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    with pytest.raises(KeysFault, match="that is the key of web-1"):
        enrolled.admit(tmp_path, "web-2", public, NOON)
    with pytest.raises(KeysFault, match="hub's own key"):
        enrolled.admit(tmp_path, "web-2", enrolled.hub_key(tmp_path).public, NOON)
    assert enrolled.agents(tmp_path) == {"web-1": Agent("web-1", public, NOON)}


def test_revoking_somebody_unknown_names_the_nearest_else_those_who_are_known(tmp_path: Path) -> None:
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    with pytest.raises(KeysFault, match=r"no agent 'web-2'; did you mean web-1\?"):
        enrolled.revoke(tmp_path, "web-2")
    with pytest.raises(KeysFault, match=r"no agent 'shop'; there are: web-1"):
        enrolled.revoke(tmp_path, "shop")


@pytest.mark.parametrize("text", ["", "name web-2\n", "name web-1\npublic short\nat 1\nstate admitted\n"])
def test_a_damaged_file_lets_nobody_in_and_hinders_nobody_else(tmp_path: Path, text: str) -> None:
    public = keys.new().public
    enrolled.admit(tmp_path, "web-2", public, NOON)
    keys.write_private(enrolled.folder_of(tmp_path) / "web-1.pub", text)
    seen = Enrolled(tmp_path)
    assert seen.names == {public: "web-2"}
    assert len(seen.faults) == 1


def test_whose_file_got_the_mode_that_the_fault_asks_for_is_let_in_at_once(tmp_path: Path) -> None:
    """The folder does not show it: nothing in it was made, renamed or removed."""
    public = keys.new().public
    enrolled.admit(tmp_path, "web-1", public, NOON)
    folder = enrolled.folder_of(tmp_path)
    (folder / "web-1.pub").chmod(0o644)
    os.utime(folder, ns=(NOON, NOON))
    seen = Enrolled(tmp_path)
    assert "chmod 600" in seen.faults[0]
    assert (seen.refresh(), dict(seen.names)) == (frozenset(), {})

    (folder / "web-1.pub").chmod(0o600)

    assert seen.refresh() == frozenset()
    assert (seen.names, seen.faults) == ({public: "web-1"}, ())


def test_somebody_who_was_not_let_in_yet_is_not_let_in(tmp_path: Path) -> None:
    path = enrolled.folder_of(tmp_path) / "web-1.pub"
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    keys.write_private(path, path.read_text().replace("admitted", "pending"))
    assert not Enrolled(tmp_path).names


def test_what_is_being_written_is_not_read(tmp_path: Path) -> None:
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    folder = enrolled.folder_of(tmp_path)
    os.link(folder / "web-1.pub", folder / ".half.new")
    assert [*enrolled.agents(tmp_path)] == ["web-1"]


def test_a_new_hub_key_replaces_the_old_one(tmp_path: Path) -> None:
    old = enrolled.hub_key(tmp_path)
    young = enrolled.rotate(tmp_path)
    assert enrolled.hub_key(tmp_path) == young != old
    assert young.public in (tmp_path / "keys" / "hub.pub").read_text()


def test_who_comes_too_late_for_the_first_time_stays_outside(tmp_path: Path) -> None:
    key = keys.new().public
    enrolled.admit(tmp_path, "web-1", key, NOON, until=NOON + HOUR)

    assert Enrolled(tmp_path).comes(key, NOON + HOUR)
    other = keys.new().public
    enrolled.admit(tmp_path, "web-2", other, NOON, until=NOON + HOUR)
    assert not Enrolled(tmp_path).comes(other, NOON + HOUR + 1)


def test_who_came_once_may_come_for_ever_also_after_a_restart(tmp_path: Path) -> None:
    key = keys.new().public
    enrolled.admit(tmp_path, "web-1", key, NOON, until=NOON + HOUR)
    assert Enrolled(tmp_path).comes(key, NOON)

    assert Enrolled(tmp_path).comes(key, NOON + 1000 * HOUR)


def test_a_new_key_has_to_come_in_its_own_time(tmp_path: Path) -> None:
    first, second = keys.new().public, keys.new().public
    enrolled.admit(tmp_path, "web-1", first, NOON, until=NOON + HOUR)
    listed = Enrolled(tmp_path)
    assert listed.comes(first, NOON)

    enrolled.admit(tmp_path, "web-1", second, NOON, again=True, until=NOON + HOUR)
    listed.refresh()

    assert not listed.comes(second, NOON + 2 * HOUR)
    assert listed.comes(second, NOON + HOUR)


def test_a_place_stays_one_under_another_key_until_it_is_revoked(tmp_path: Path) -> None:
    enrolled.admit(tmp_path, "berlin", keys.new().public, NOON, place=True)
    enrolled.admit(tmp_path, "web-1", keys.new().public, NOON)
    seen = Enrolled(tmp_path)
    assert (seen.is_place("berlin"), seen.is_place("web-1"), seen.is_place("nobody")) == (True, False, False)

    enrolled.admit(tmp_path, "berlin", keys.new().public, NOON, again=True)
    seen.refresh()
    assert seen.is_place("berlin")

    enrolled.revoke(tmp_path, "berlin")
    enrolled.admit(tmp_path, "berlin", keys.new().public, NOON)
    seen.refresh()
    assert not seen.is_place("berlin")

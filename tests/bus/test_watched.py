"""What the watchdog sees of programs, and which files count as a change of their configuration."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bus import home
from bus.watchdog import Watch
from bus.watched import EXITED, RUNNING, Homes, changed, mute
from tests.bus.test_watchdog import NOON, SETTINGS, acts

NONE = Path("/nowhere/tokens.json")


def test_a_secret_that_was_missing_or_open_to_others_is_a_change_too(tmp_path: Path) -> None:
    file, secret = tmp_path / "guardia.toml", tmp_path / "slack.url"
    assert changed(file, NONE) == 0.0
    file.write_text("[channels.ops]\ntype = 'slack'\nurl = \"file:slack.url\"  # file:no.url\n")
    assert changed(file, NONE) == file.stat().st_ctime > NOON
    touched_after(secret, file)
    assert changed(file, NONE) == secret.stat().st_ctime
    touched_after(file, secret)
    assert changed(file, NONE) == file.stat().st_ctime
    file.write_bytes(b"\xff")
    assert changed(file, NONE) == file.stat().st_ctime


def test_a_token_is_a_change_too(tmp_path: Path) -> None:
    file, tokens = tmp_path / "guardia.toml", tmp_path / "tokens.json"
    file.write_text('[api]\nbind = "0.0.0.0"\n')
    touched_after(tokens, file)
    assert changed(file, tokens) == tokens.stat().st_ctime
    touched_after(file, tokens)
    assert changed(file, tokens) == file.stat().st_ctime


def test_a_former_version_that_is_put_back_is_a_change_though_it_was_written_long_ago(tmp_path: Path) -> None:
    file, link, former = tmp_path / "guardia.toml", tmp_path / "link.toml", tmp_path / "guardia.toml.bak"
    file.write_text("[api]\nprot = 8080\n")
    former.touch()
    os.utime(former, (NOON, NOON))
    former.rename(file)
    assert changed(file, NONE) == file.stat().st_ctime > NOON

    while not link.is_symlink() or link.lstat().st_ctime <= file.stat().st_ctime:
        link.unlink(missing_ok=True)
        link.symlink_to(file)
    assert changed(link, NONE) == link.lstat().st_ctime


def touched_after(file: Path, other: Path) -> None:
    """Touch it until that is later than ``other`` was: the kernel's clock for files ticks coarsely."""
    file.touch()
    while file.stat().st_ctime <= other.stat().st_ctime:
        file.touch()


class Place:
    """A supervisord of a host whose prober has a configuration of its own."""

    def __init__(self, path: Path) -> None:
        self.asked = 0
        self.infos = [
            {"name": "agent", "state": RUNNING, "pid": 7, "start": NOON, "stop": 0, "exitstatus": 0},
            {"name": "prober", "state": RUNNING, "pid": 8, "start": NOON, "stop": 0, "exitstatus": 0},
            {"name": "watchdog", "state": RUNNING, "pid": 9, "start": NOON, "stop": 0, "exitstatus": 0},
        ]
        self.commands = {
            "agent": "/usr/bin/env guardia agent",
            "prober": f'/usr/bin/env guardia prober --config "{path}"',
            "watchdog": "/usr/bin/env guardia watchdog",
        }

    def getAllProcessInfo(self) -> object:  # noqa: N802, as supervisord has it
        return self.infos

    def getAllConfigInfo(self) -> object:  # noqa: N802, as supervisord has it
        self.asked += 1
        return [{"name": name, "command": command} for name, command in self.commands.items()]


@pytest.fixture
def place(tmp_path: Path) -> tuple[Place, Homes]:
    """With a beat of each program where it has its files."""
    own, other = tmp_path / "etc dir" / "agent.toml", tmp_path / "etc dir" / "prober" / "guardia.toml"
    for path, name in ((own, "agent"), (other, "prober")):
        run = path.parent / "var" / "run"
        run.mkdir(parents=True)
        path.touch()
        (run / f"{name}.beat").touch()
        os.utime(run / f"{name}.beat", (NOON + 60, NOON + 60))
    url = {"SUPERVISOR_SERVER_URL": "unix:///etc/var/supervisor.sock"}
    return Place(other), Homes(own, own.parent / "var", url)


def test_a_place_beside_an_agent_is_seen_by_its_own_beat_and_finds_its_supervisord(place: tuple[Place, Homes]) -> None:
    supervisor, homes = place
    assert {one.name: one.beat for one in homes.programs(supervisor)} == {"agent": NOON + 60, "prober": NOON + 60}
    there = homes.of(homes.others["prober"])
    assert home.supervisor_socket(there) == Path("/etc/var/supervisor.sock")

    homes.programs(supervisor)
    assert supervisor.asked == 1
    supervisor.infos[1]["pid"] = 10
    homes.programs(supervisor)
    assert supervisor.asked == 2


def test_a_command_that_supervisord_cannot_read_either_keeps_nobody_else_from_being_watched(
    place: tuple[Place, Homes],
) -> None:
    supervisor, homes = place
    supervisor.commands["agent"] = '/bin/sh -c "echo'
    assert [one.name for one in homes.programs(supervisor)] == ["agent", "prober"]
    assert homes.others.keys() == {"prober"}


def test_a_place_that_ended_for_a_mistake_waits_for_its_own_file_to_change(place: tuple[Place, Homes]) -> None:
    supervisor, homes = place
    supervisor.infos[1] |= {"state": EXITED, "pid": 0, "stop": NOON, "exitstatus": 100}
    assert acts(Watch(SETTINGS), NOON + 60, *homes.programs(supervisor)) == [("start", "prober")]
    supervisor.infos[1] |= {"stop": 2 * NOON}
    assert acts(Watch(SETTINGS), NOON + 60, *homes.programs(supervisor)) == []


def until(seen: Callable[[], object]) -> None:
    """Wait for it; fails after half a minute."""
    end = time.monotonic() + 30
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_where_no_beat_can_be_written_it_is_seen_of_who_would_write_it_there(place: tuple[Place, Homes]) -> None:
    supervisor, homes = place
    homes.programs(supervisor)
    there, why = homes.of(homes.others["prober"]), [errno.EROFS]

    def touch(path: Path) -> None:
        if why and path.is_relative_to(there):
            raise OSError(why[0], os.strerror(why[0]))

    def seen() -> dict[str, str]:
        return {one.name: one.mute for one in homes.programs(supervisor)}

    homes.touch = touch
    until(lambda: seen()["prober"])
    assert seen() == {"agent": "", "prober": f"cannot write {there}/run/supervisord: read-only file system"}
    why.clear()
    until(lambda: not seen()["prober"])


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR])
def test_what_is_another_users_or_is_not_there_says_nothing_about_the_disk(tmp_path: Path, code: int) -> None:
    def touch(path: Path) -> None:
        raise OSError(code, os.strerror(code))

    assert mute(tmp_path, touch) == ""


def test_a_home_of_which_nothing_is_known_is_not_mute(tmp_path: Path) -> None:
    assert mute(tmp_path) == ""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "supervisord").touch()
    assert mute(tmp_path) == ""

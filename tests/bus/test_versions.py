"""Versions of the hosts: risen for everybody who looks, never trusted where nobody raises them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.versions import SIZE, Seen, Versions

HOSTS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.versions"


@pytest.fixture
def versions(path: Path) -> Iterator[Versions]:
    made = Versions(path)
    yield made
    made.close()


def looking(path: Path) -> Seen:
    seen = Seen(path)
    seen.look()
    return seen


def test_a_host_that_changed_has_another_version_and_the_rest_keep_theirs(versions: Versions, path: Path) -> None:
    one, other = looking(path), looking(path)
    before = one.of("web-1"), one.of("web-2")
    versions.changed([b"web-1"])
    assert one.of("web-1") == other.of("web-1") != before[0]
    assert one.of("web-2") == before[1] is not None


@given(told=st.lists(HOSTS, max_size=5), name=st.text(min_size=1, max_size=8))
def test_a_version_never_stays_and_never_comes_again_where_something_changed(
    tmp_path_factory: pytest.TempPathFactory, told: list[list[str]], name: str
) -> None:
    path = tmp_path_factory.mktemp("v") / "store.versions"
    versions = Versions(path)
    seen = looking(path)
    before = [seen.of(name)]
    for hosts in told:
        versions.changed([host.encode() for host in hosts])
        if name in hosts:
            assert seen.of(name) not in before
        before.append(seen.of(name))
    versions.close()


def test_the_next_writer_goes_on_in_the_same_file_and_nothing_of_before_holds(versions: Versions, path: Path) -> None:
    seen = looking(path)
    versions.changed([b"web-1"])
    before = {name: seen.of(name) for name in ("web-1", "web-2")}
    versions.close()
    following = Versions(path)
    assert all(seen.of(name) not in (None, version) for name, version in before.items())
    again = seen.of("web-1")
    following.changed([b"web-1"])
    assert seen.of("web-1") not in (again, before["web-1"])
    following.close()


def test_nobody_tells_versions_until_there_is_a_writer(path: Path) -> None:
    seen = looking(path)
    assert seen.of("web-1") is None
    versions = Versions(path)
    assert seen.of("web-1") is None, "it was not looked for"
    seen.look()
    assert seen.of("web-1") is not None
    versions.close()


@pytest.mark.parametrize("found", [b"", b"x" * 100, bytes(SIZE), bytes(SIZE + 8)])
def test_a_file_that_is_none_of_ours_is_not_trusted_and_is_made_anew(path: Path, found: bytes) -> None:
    path.write_bytes(found)
    assert looking(path).of("web-1") is None
    versions = Versions(path)
    assert path.stat().st_size == SIZE
    assert path.stat().st_mode & 0o777 in (0o600, 0o644)
    assert looking(path).of("web-1") is not None
    versions.close()


def test_a_file_that_went_or_was_replaced_is_not_trusted_any_more(versions: Versions, path: Path) -> None:
    seen = looking(path)
    path.rename(path.with_suffix(".old"))
    seen.look()
    assert seen.of("web-1") is None
    other = Versions(path)
    other.changed([b"web-1"])
    seen.look()
    assert seen.of("web-1") == looking(path).of("web-1") is not None
    other.close()


def test_without_room_there_are_none_and_what_was_there_is_gone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Versions(path).close()
    seen = looking(path)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        Versions(path)
    assert not path.exists()
    seen.look()
    assert seen.of("web-1") is None


def test_odd_names_have_versions(versions: Versions, path: Path) -> None:
    seen = looking(path)
    for name in ("", "ä" * 40_000, "\x00"):
        before = seen.of(name)
        versions.changed([name.encode()])
        assert seen.of(name) != before

"""What the host calls things, made fit to travel."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import names
from bus.messages import is_metric, is_name


@pytest.mark.parametrize(
    ("host_name", "name"),
    [
        ("web-1", "web-1"),
        ("web-1.shop.example", "web-1"),
        ("Peters PC", "Peters-PC"),
        ("", "localhost"),
        ("ä", "localhost"),
    ],
)
def test_a_hosts_name_is_short(host_name: str, name: str) -> None:
    assert names.host(host_name) == name


@given(st.text())
def test_any_host_name_becomes_a_name(host_name: str) -> None:
    assert is_name(names.host(host_name))


@given(st.text())
def test_any_text_becomes_an_instance(text: str) -> None:
    assert is_metric(f"disk[{names.instance(text)}].percent")


def test_globs_leave_out() -> None:
    assert names.skipped("veth12ab", ("lo", "veth*"))
    assert not names.skipped("eth0", ("lo", "veth*"))


def test_a_mount_point_that_is_no_text_still_has_a_name_that_can_be_sent() -> None:
    name = f"disk[{names.instance(os.fsdecode(b'/mnt/caf' + bytes([0xE9])))}].used"
    assert name == "disk[/mnt/caf?].used"
    assert is_metric(name)
    name.encode()


def test_a_host_name_that_is_no_text_can_be_sent() -> None:
    assert names.sendable(os.fsdecode(b"caf" + bytes([0xE9]))) == "caf?"
    assert names.sendable("café") == "café"

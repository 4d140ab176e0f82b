"""Addresses: what is public may be reached, the rest only where it is allowed, in whatever dress it comes."""

from __future__ import annotations

import pytest

from bus.addresses import is_host, is_url, network, refusal

SETTING = "[prober] private_networks"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_may_be_reached(address: str) -> None:
    assert refusal(address, (), SETTING) is None


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "this machine's own"),
        ("::1", "this machine's own"),
        ("::ffff:127.0.0.1", "this machine's own"),
        ("2002:7f00:1::", "this machine's own"),
        ("64:ff9b::7f00:1", "this machine's own"),
        ("169.254.169.254", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("10.1.2.3", "not public"),
        ("192.168.0.1", "not public"),
        ("172.16.0.1", "not public"),
        ("fd00::1", "not public"),
        ("100.64.0.1", "not public"),
        ("0.0.0.0", "not public"),
        ("224.0.0.1", "not public"),
        ("ff02::1", "not public"),
    ],
)
def test_the_rest_may_not_and_the_words_say_what_allows_it(address: str, kind: str) -> None:
    why = refusal(address, (), SETTING)
    assert why is not None
    assert why.endswith(f"is {kind}; [prober] private_networks can allow it")


def test_what_is_allowed_may_be_reached() -> None:
    assert refusal("10.1.2.3", ("10.0.0.0/8",), SETTING) is None
    assert refusal("::ffff:127.0.0.1", ("127.0.0.1",), SETTING) is None
    assert refusal("127.0.0.2", ("127.0.0.1",), SETTING) is not None
    assert refusal("10.1.2.3", ("fd00::/8",), SETTING) is not None


@pytest.mark.parametrize("text", ["", "host", "1.2.3", "0x7f000001", "127.1"])
def test_what_is_no_address_is_not_reached(text: str) -> None:
    assert refusal(text, (), SETTING) == f"{text} is no address"
    assert network("0.0.0.0/0") is not None
    assert network("nonsense") is None


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("mail.example", "mail.example.", "a_b.local", f"{'a' * 63}.example", "10.1.2.3")),
        *((name, False) for name in ("mail..example", ".example", "mail.example..", f"{'a' * 64}.example", ".", "")),
    ],
)
def test_a_name_that_nobody_can_ask_for_is_no_host_and_no_part_of_an_address(name: str, is_one: bool) -> None:
    assert is_host(name) is is_one
    assert is_url(f"https://{name}/hook") is is_one


def test_names_beyond_ascii_are_parts_of_addresses_and_ipv6_too() -> None:
    assert is_url("https://büro.example/hook")
    assert not is_url("https://" + "ü" * 64 + ".example/hook")
    assert is_url("https://[2001:db8::1]:8443/hook")
    assert is_host("2001:db8::1")

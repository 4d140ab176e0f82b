"""Certificates that the standard library does not read: their times are read all the same."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from prober.certificates import EXPIRED, LARGEST, WRONG_NAME, Certificate, chain, fault, validity
from tests.prober import certs

LATE = datetime(2049, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("ends", [datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)])
def test_times_are_read_however_they_are_written(ends: datetime) -> None:
    certificate = certs.signed_by_itself(x509.DNSName("localhost"), ends=ends)[1]
    begins = certificate.not_valid_before_utc
    assert validity(certificate.public_bytes(Encoding.DER)) == (begins.timestamp(), ends.timestamp())


def test_a_year_of_two_digits_is_of_the_last_century_from_fifty_on() -> None:
    certificate = certs.signed_by_itself(x509.DNSName("localhost"), ends=LATE)[1]
    old = certificate.public_bytes(Encoding.DER).replace(b"491231", b"501231")
    assert validity(old)[1] == datetime(1950, 12, 31, tzinfo=UTC).timestamp()


class Shown:
    """A certificate of so many bytes, as OpenSSL shows it; counts how often it is read."""

    def __init__(self, size: int) -> None:
        self.size, self.reads = size, 0

    def public_bytes(self, _form: int) -> bytes:
        return bytes(self.size)

    def get_info(self) -> dict[str, str]:
        self.reads += 1
        return {"notBefore": "Jan  1 00:00:00 2026 GMT", "notAfter": "Mar  1 00:00:00 2026 GMT"}


@pytest.mark.parametrize(("size", "reads"), [(LARGEST, 1), (LARGEST + 1, 3)])
def test_a_certificate_is_read_once_unless_it_is_too_large_to_be_remembered(size: int, reads: int) -> None:
    one = Shown(size)
    line: Any = SimpleNamespace(_sslobj=SimpleNamespace(get_verified_chain=lambda: [one]))
    found = [chain(line) for _ in range(3)]

    assert found[0] == found[1] == found[2]
    assert found[0][0].days(found[0][0].begins) == 59
    assert one.reads == reads


@given(st.binary(max_size=60), st.integers(0, 400))
def test_no_bytes_do_more_than_be_refused(data: bytes, at: int) -> None:
    whole = certs.signed_by_itself(x509.DNSName("localhost"))[1].public_bytes(Encoding.DER)
    for torn in (data, whole[:at], whole[:at] + data + whole[at + len(data) :]):
        with suppress(ValueError):
            begins, ends = validity(torn)
            assert begins is not ends


def test_a_certificate_whose_name_is_its_subject_alone_is_not_told_as_being_for_it() -> None:
    alone = Certificate("shop.example", "CA", (), 0.0, 1e9)
    told = fault(WRONG_NAME, "", [alone], "shop.example", 1e8)
    assert told == "certificate has no alternative names, without which its subject shop.example does not count"


def test_where_nothing_that_was_sent_is_over_it_is_the_one_that_is_trusted() -> None:
    leaf = Certificate("shop.example", "Inter", ("shop.example",), 0.0, 1e9)
    between = Certificate("Inter", "CA", (), 0.0, 1e9)
    told = fault(EXPIRED, "", [leaf, between], "shop.example", 1e8)
    assert told == "certificate is signed by CA, whose own certificate, which is trusted here, expired"
    assert fault(EXPIRED, "", [], "shop.example", 1e8) == "certificate expired"

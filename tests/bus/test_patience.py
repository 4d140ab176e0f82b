"""An answer has to be there whole within its time, however slowly it drips in."""

from __future__ import annotations

import time

import pytest
import requests

from bus.patience import patient
from tests.viewer.strange import answer, strange


@pytest.mark.parametrize(
    "said",
    [answer(b"x" * 1000), b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 1000, b"HTTP/1.1 200 OK\r\n\r\n" + b"z" * 1000],
    ids=["body", "head", "body without a length"],
)
def test_what_drips_is_given_up(said: bytes) -> None:
    with strange(said, drips=True) as url, requests.Session() as session:
        began = time.monotonic()
        with pytest.raises(requests.ReadTimeout), patient(session).lasting(1.0):
            session.get(url, timeout=(5, 5))
        assert time.monotonic() - began < 18


def test_what_comes_in_time_is_read_also_over_a_connection_that_is_kept() -> None:
    with strange(answer(b"x" * 100_000)) as url, requests.Session() as session:
        patience = patient(session)
        for _ in range(3):
            with patience.lasting(30.0):
                assert session.get(url, timeout=(5, 5)).text == "x" * 100_000


def test_what_fails_for_another_reason_says_so() -> None:
    with requests.Session() as session, pytest.raises(requests.ConnectionError), patient(session).lasting(30.0):
        session.get("http://127.0.0.1:1", timeout=(5, 5))

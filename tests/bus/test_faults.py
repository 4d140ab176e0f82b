"""The word that was probably meant."""

from __future__ import annotations

import pytest

from bus.calendar import DAYS
from bus.faults import nearest

HOSTS = ("web-1", "web-10", "db", "Mail")


@pytest.mark.parametrize(
    ("word", "words", "meant"),
    [
        ("saturday", DAYS, "sat"),
        ("Wednesday", DAYS, "wed"),
        ("web-10.example.org", HOSTS, "web-10"),
        ("mail.intern.example.org", HOSTS, "Mail"),
        ("db.example.org", HOSTS, None),
        ("web", HOSTS, "web-1"),
        ("shop", HOSTS, None),
        ("", HOSTS, None),
        ("shop", (), None),
    ],
)
def test_it_is_one_that_is_alike_or_with_which_what_was_written_begins(
    word: str, words: tuple[str, ...], meant: str | None
) -> None:
    assert nearest(word, words) == meant

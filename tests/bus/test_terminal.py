"""What is printed stands in columns and acts on no terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.terminal import aligned, harmless


def test_cells_stand_in_columns_and_numbers_flush_right() -> None:
    rows = [("NAME", "SENT", "WHY"), ("web-1", "7", ""), ("db", "12345", "2 dropped")]
    assert aligned(rows, right={1}) == "NAME    SENT  WHY\nweb-1      7\ndb     12345  2 dropped"
    assert aligned([]) == ""


def test_what_others_call_themselves_acts_on_no_terminal() -> None:
    assert harmless("a\x1b[2Jb\x9bc\u202ed\te\nf") == "a�[2Jb�c�d�e\nf"
    assert aligned([("one\ntwo", "\x1b]0;x\x07")]) == "one two  �]0;x�"


@given(st.text())
def test_whatever_text_comes_is_as_long_as_before_and_prints(text: str) -> None:
    found = harmless(text)
    assert len(found) == len(text)
    assert all(sign.isprintable() or sign == "\n" for sign in found)

"""What is printed stands in columns and acts on no terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.harmless import cut, printable, safe_lines
from bus.terminal import aligned


def test_cells_stand_in_columns_and_numbers_flush_right() -> None:
    rows = [("NAME", "SENT", "WHY"), ("web-1", "7", ""), ("db", "12345", "2 dropped")]
    assert aligned(rows, right={1}) == "NAME    SENT  WHY\nweb-1      7\ndb     12345  2 dropped"
    assert aligned([]) == ""


def test_what_others_call_themselves_acts_on_no_terminal() -> None:
    assert safe_lines("a\x1b[2Jb\x9bc\u202ed\te\nf") == "a\\x1b[2Jb\\x9bc\\x202ed\\x09e\nf"
    # All that Unicode calls Bidi_Control.
    turning = map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
    assert all(safe_lines(sign) == f"\\x{ord(sign):x}" for sign in turning)
    assert aligned([("one\ntwo", "\x1b]0;x\x07"), ("-", "-")]) == "one\\x0atwo  \\x1b]0;x\\x07\n-           -"


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_whatever_cells_come_each_row_is_a_line(rows: list[tuple[str, str]]) -> None:
    assert len(aligned(rows).split("\n")) == len(rows)


def test_what_cannot_be_shown_gives_way_to_a_question_mark_and_what_is_too_long_to_an_ellipsis() -> None:
    assert printable("220 mail\x1b[2J\r ready") == "220 mail?[2J? ready"
    assert (cut("ready", 5), cut("ready now", 5)) == ("ready", "read…")

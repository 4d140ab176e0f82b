"""Text from anywhere, cut into cells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth

from viewer.cells import REPLACEMENT, cells, fit, plain_cells, width

ANYTHING = st.text(max_size=40)


def test_control_characters_become_replacements() -> None:
    assert "".join(cells("\x1b[31mred\x07")) == f"{REPLACEMENT}[31mred{REPLACEMENT}"
    assert "".join(cells("a\u202etxt.b")) == f"a{REPLACEMENT}txt.b"


def test_half_of_a_character_becomes_a_replacement_since_nobody_can_write_it() -> None:
    assert "".join(cells("web\ud800-1")) == "web�-1"


def test_a_wide_character_takes_two_cells() -> None:
    assert cells("日本") == ("日", "", "本", "")


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert fit("日本語", 6) == "日本語"
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"


def test_words_end_in_dots_where_they_are_cut() -> None:
    assert fit("backup-server", 8) == "backup-…"
    assert fit("web", 8) == "web"
    assert fit("web", 0) == ""


def test_ascii_terminals_get_the_cousins_of_drawing_characters() -> None:
    assert "".join(plain_cells("╭─ CPU ─╮ ▼ 48°C é")) == "+- CPU -+ v 48 C ?"


@given(text=ANYTHING)
def test_every_cell_is_one_character_that_acts_on_nothing(text: str) -> None:
    found = cells(text)
    for place, cell in enumerate(found):
        if cell == "":
            assert wcwidth(found[place - 1]) == 2
        else:
            assert len(cell) == 1
            assert cell == REPLACEMENT or wcwidth(cell) in (1, 2)
    assert width(text) == len(found)


@given(text=ANYTHING, room=st.integers(0, 12))
def test_what_is_fitted_fits(text: str, room: int) -> None:
    assert width(fit(text, room)) <= room


@given(text=ANYTHING)
def test_plain_cells_are_ascii_of_width_one(text: str) -> None:
    assert all(cell.isascii() and cell.isprintable() for cell in plain_cells(text))

"""Which characters, units and colours are drawn."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from tests.viewer.given import NOON, HubInMemory, session
from viewer.card import card
from viewer.config import Viewer
from viewer.incidents import Hub, Part, Program
from viewer.looks import Wanted, look, theme
from viewer.palette import BAR, BOLD, OKABE, OWN, Palette, Role
from viewer.scene import Look
from viewer.themes import THEMES, Unfit, btop, load
from viewer.units import Units

NOTHING = Wanted()
BTOP = """\
# a theme
theme[main_bg]="#10"
theme[main_fg]='#cccccc'
theme[hi_fg]="80 160 255"
theme[cpu_start]="#00ff00"
theme[cpu_mid]=""
theme[cpu_end]="#ff0000"
theme[selected_bg]="#333366"   # the bar
"""


def test_symbols_go_by_locale_and_terminal() -> None:
    def chosen(settings: Viewer, term: str, codeset: str, wanted: Wanted = NOTHING) -> tuple[str, bool, bool]:
        found = look(settings, {"TERM": term}, codeset, wanted)
        return found.glyphs, found.plain, found.console

    assert chosen(Viewer(), "xterm", "UTF-8") == ("braille", False, False)
    assert chosen(Viewer(), "linux", "utf8") == ("tty", False, True)
    assert chosen(Viewer(), "xterm", "ANSI_X3.4-1968") == ("ascii", True, False)
    assert chosen(Viewer(symbols="block"), "linux", "UTF-8") == ("block", False, False)
    assert chosen(Viewer(symbols="block"), "xterm", "UTF-8", Wanted("braille")) == ("braille", False, False)
    assert chosen(Viewer(), "xterm", "UTF-8", Wanted("ascii")) == ("ascii", True, False)


def test_units_go_by_flags_and_settings() -> None:
    def units(settings: Viewer, wanted: Wanted = NOTHING) -> tuple[str, str, str]:
        found = look(settings, {}, "UTF-8", wanted).units
        return found.size(2_000_000.0), found.rate(2_000_000.0, network=True), found.temperature(50.0)

    assert units(Viewer()) == ("1.9 MiB", "1.9 MiB/s", "50°C")
    assert units(Viewer(units="decimal")) == ("2.0 MB", "2.0 MB/s", "50°C")
    assert units(Viewer(temperature="fahrenheit"), Wanted(units="bits")) == ("2.0 MB", "16 Mbit/s", "122°F")


def test_the_hub_itself_is_told_in_the_units_of_the_person() -> None:
    hub = HubInMemory()
    told = {"store.free_bytes": 2e9, "store.bytes_per_s": 1e6, "store.commit_seconds": 0.1, "store.pending_bytes": 5e6}
    program = Program("store-writer", NOON, {**told, "process.rss_bytes": 5e7})
    hub.own = Hub(tuple(Part(f"part-{place}", "ok") for place in range(5)), {}, (), 0, (program,))
    found = session(hub, screen="guardia", look=Look(zone=UTC, units=Units(decimal=True))).draw(120, 40).text()
    for text in ("disk free     2.0 GB", "written       1.0 MB/s", " 50M ", "5.0MB"):
        assert text in found, text


def test_a_theme_file_of_btop_gives_its_colours() -> None:
    found, faults = btop.read(BTOP, "night")
    assert faults == []
    assert (found.background, found.bar_back) == (btop.colour("#101010"), btop.colour("#333366"))
    assert found.colours[Role.ACCENT][:3] == (80, 160, 255)
    assert found.colours[Role.HEAT0][:3] == (0, 255, 0)
    assert found.colours[Role.HEAT7][:3] == (255, 0, 0)
    assert found.colours[Role.MEMORY] == OKABE.colours[Role.MEMORY], "what it leaves out stays"
    assert "48;2;16;16;16" in Palette(1 << 24, found).sequence(Role.TEXT)
    assert Palette(0, found).sequence(Role.TEXT) == "\x1b[0m"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("main_bg = 3", "1: found 'main_bg = 3', expected theme[NAME]=\"#rrggbb\""),
        ('\ntheme[main_bg]="red"', "2: theme[main_bg] is no colour; expected #rrggbb, #gg or three numbers to 255"),
        ('theme[main_bg]="1 2 256"', "1: theme[main_bg] is no colour"),
        ("# nothing", "is this a theme of btop?"),
    ],
)
def test_what_is_no_theme_is_told_with_its_line(text: str, fault: str) -> None:
    assert any(fault in found for found in btop.read(text, "x")[1])


def test_a_theme_is_found_by_name_or_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "night.theme").write_text(BTOP)
    assert theme(Viewer(theme="night.theme"), None, tmp_path).name == "night"
    assert theme(Viewer(), str(tmp_path / "night.theme"), Path()).name == "night"
    with pytest.raises(Unfit, match="no such file or directory; expected one of okabe, traffic, grey, or a theme"):
        load("nihgt", tmp_path)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("colours", [0, 8, 16, 256, 1 << 24])
def test_each_theme_has_each_role_in_each_number_of_colours(name: str, colours: int) -> None:
    found = THEMES[name]
    assert set(range(Role.SERIES5 + 1)) <= set(found.colours)
    palette = Palette(colours, found)
    for role in range(Role.SERIES5 + 1):
        for style in (role, role | BOLD, role | BAR):
            assert palette.sequence(style).startswith("\x1b[0")
            if colours == 0:
                assert set(palette.sequence(style)[2:-1].split(";")) <= {"0", "1", "2", "7"}


def test_without_colours_what_is_stale_is_dim() -> None:
    assert Palette(0).sequence(Role.STALE) == "\x1b[0;2m"


def test_the_usual_theme_keeps_states_apart_for_eyes_that_confuse_red_and_green() -> None:
    # given how such eyes see a colour (Vienot, Brettel and Mollon 1999: linear RGB times a matrix for deuteranopes)
    def seen(role: int) -> tuple[float, float, float]:
        red, green, blue, _ = OKABE.colours[role]
        r, g, b = ((part / 255) ** 2.2 for part in (red, green, blue))
        return 0.29275 * r + 0.70725 * g, 0.29275 * r + 0.70725 * g, -0.02234 * r + 0.02234 * g + b

    # then up, degraded and down are still three colours
    for one, other in ((Role.UP, Role.WARN), (Role.UP, Role.DOWN), (Role.WARN, Role.DOWN)):
        assert sum((a - b) ** 2 for a, b in zip(seen(one), seen(other), strict=True)) > 0.01
    assert OKABE.colours[Role.TEXT] == OWN


def test_the_card_shows_every_set_and_says_which_is_chosen() -> None:
    text = card("block", [("TERM", "xterm")], utf8=True).text()
    assert 'symbols = "block" (chosen)' in text
    assert all(f'symbols = "{name}"' in text for name in ("braille", "tty", "ascii"))
    assert card("ascii", [], utf8=False).text().isascii()

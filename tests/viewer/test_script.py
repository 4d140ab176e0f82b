"""Keys from a file, and pictures as text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.viewer.fleet import fleet
from tests.viewer.given import HubInMemory, session
from viewer.script import Mistake, Play, Step, Unmet, parse_script, parse_size


def test_a_script_is_read_line_by_line() -> None:
    steps = parse_script("# a comment\n\nwait loaded\n/\ntype web\nenter\nsize 40x12\ndump\n")
    assert steps == [
        Step("wait", "loaded"),
        Step("key", "/"),
        Step("type", "web"),
        Step("key", "enter"),
        Step("size", "40x12"),
        Step("dump"),
    ]


@pytest.mark.parametrize("line", ["jump", "wait", "wait forever", "size 40", "dump twice", "type "])
def test_a_line_that_means_nothing_is_told_with_its_number(line: str) -> None:
    with pytest.raises(Mistake, match="line 2: "):
        parse_script(f"down\n{line}\n")


@pytest.mark.parametrize("text", ["80", "x24", "0x24", "80x0", "80x24x", "2000x24", "-1x5"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(Mistake):
        parse_size(text)


def test_a_script_plays_what_a_person_would_do() -> None:
    shown: list[str] = []
    play = Play(session(HubInMemory(fleet(3))), (80, 24), lambda canvas: shown.append(canvas.text()))
    play.run(
        parse_script("wait live\nwait loaded\n/\ntype db\nenter\nenter\nwait text db-1  ●\nsize 60x14\ndump\nq\ndump\n")
    )
    assert len(shown) == 1
    assert " db-1  ● up" in shown[0]
    assert len(shown[0].splitlines()) == 14


@pytest.mark.parametrize("screen", ["pulse", "hosts"])
def test_the_script_of_the_docs_opens_the_host_that_it_names_wherever_the_viewer_begins(screen: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "viewer.md").read_text()
    script = page.partition("```text\nwait loaded\n")[2].partition("```")[0]
    shown: list[str] = []
    play = Play(session(HubInMemory(fleet(4)), screen=screen), (80, 24), lambda canvas: shown.append(canvas.text()))
    play.run(parse_script(f"wait loaded\n{script}"))
    assert len(shown) == 1
    assert " web-1  ● up" in shown[0]
    assert "─ Filesystems ─" in shown[0]
    assert len(shown[0].splitlines()) == 40


def test_what_does_not_happen_is_not_waited_for_without_end() -> None:
    times = iter(range(1000))
    play = Play(
        session(HubInMemory()), (80, 24), lambda canvas: None, clock=lambda: next(times), rest=lambda seconds: None
    )
    with pytest.raises(Unmet, match="waited 15 s for: text web-1"):
        play.run([Step("wait", "text web-1")])

"""Pictures as SVG."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.viewer.fleet import fleet
from tests.viewer.given import HubInMemory, session
from viewer.canvas import Canvas
from viewer.palette import BAR, BOLD, Role
from viewer.svg import svg


def test_a_picture_is_well_formed_and_has_all_its_text() -> None:
    canvas = session(HubInMemory(fleet(3))).draw(100, 30)
    tree = ElementTree.fromstring(svg(canvas))
    text = "".join(tree.itertext())
    assert "web-1" in text
    assert "⣿" in text
    assert tree.attrib["viewBox"] == "0 0 856 556"


def test_what_a_host_calls_itself_is_text_there_too() -> None:
    canvas = Canvas(20, 1)
    canvas.pane().put(0, 0, "<script>&", Role.DOWN | BOLD | BAR)
    found = svg(canvas)
    assert "&lt;script&gt;&amp;" in found
    assert "<script>" not in found
    assert 'font-weight="bold"' in found

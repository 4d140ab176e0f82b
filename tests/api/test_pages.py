"""The pages in a real browser: the hosts, and the API's description."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import api
from api.directory import Directory
from api.openapi import openapi
from tests.api.given import MINUTE, NOON, heard, reading
from tests.api.house import House
from tests.api.served import serving

STATIC = Path(api.__file__).parent / "static"
LEGIBLE = 4.5
"""The least contrast between a small text and what is behind it, as WCAG 2 has it (1.4.3)."""
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def looked_at(address: str, profile: Path) -> str:
    """What a page shows after twenty seconds, of which the browser waits for the network alone."""
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += ["--virtual-time-budget=20000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


class Turning(Directory):
    """Something happens between two lists of hosts."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__()
        object.__setattr__(self, "turns", iter([lambda: None, happens]))

    def host_names(self, seen: Iterable[str]) -> list[str]:
        next(self.turns, lambda: None)()  # type: ignore[attr-defined]
        return super().host_names(seen)


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_a_reading_that_the_stream_did_not_tell_is_taken_from_the_list(tmp_path: Path) -> None:
    def happens() -> None:
        for one in reading({"cpu.percent": 77.0}):
            house.hub.live.hear(heard(one, at=NOON + MINUTE))

    house = House(directory=Turning(happens))
    house.counter.keep_reading()
    with serving(house.prime()) as served:
        page = looked_at(f"http://127.0.0.1:{served.port}/", tmp_path)
    assert re.findall('class="cpu">(.*?)<', page)[:1] == ["77 %"]


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_every_call_is_on_the_page_with_a_body_to_begin_with_where_it_takes_one(tmp_path: Path) -> None:
    with serving(House().prime()) as served:
        page = looked_at(f"http://127.0.0.1:{served.port}/api/docs", tmp_path)
    calls = [f"{method.upper()} {path}" for path, methods in openapi("")["paths"].items() for method in methods]
    assert [html.unescape(one) for one in re.findall("<code>(.*?)</code>", page)] == calls
    bodies = sum("requestBody" in one for methods in openapi("")["paths"].values() for one in methods.values())
    assert page.count("<textarea") == bodies > 0
    assert "<summary>Shapes</summary>" in page


def light(colour: str) -> float:
    """How light a colour such as ``#5c666f`` is, as WCAG 2 reckons it."""
    whole = colour if len(colour) == 7 else "#" + "".join(one * 2 for one in colour[1:])
    parts = [int(whole[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, 1 to 21."""
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("sheet", "texts"),
    [("style", ("ink", "dim", "up", "down")), ("status", ("ink", "dim", "up", "degraded", "down", "maintenance"))],
)
def test_what_is_written_can_be_read(sheet: str, texts: tuple[str, ...], dark: bool) -> None:
    colours = dict(re.findall("--([a-z]+): (#[0-9a-f]+)", (STATIC / f"{sheet}.css").read_text().split("@media")[dark]))
    found = {(text, on): contrast(colours[text], colours[on]) for text in texts for on in ("card", "back")}
    assert {pair: round(much, 2) for pair, much in found.items() if much < LEGIBLE} == {}


def test_whoever_does_not_see_the_page_hears_which_meter_it_is_and_how_a_host_is() -> None:
    page = (STATIC / "index.html").read_text()
    meters = re.findall('<dt>(.*?)</dt><dd><meter aria-label="(.*?)"', page)
    assert len(meters) == page.count("<meter")
    assert all(seen == said for seen, said in meters)
    assert '<span class="dot" role="img"></span>' in page

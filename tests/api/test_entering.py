"""The page at ``/`` of a hub with tokens, in a real browser: what it says before one is let in, and how to get in."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.api.house import KEYRING, House, full
from tests.api.served import serving
from tests.api.test_pages import BROWSER

PATIENCE = 60.0


class Tab:
    """A page in a browser, which is asked in its own words."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._number = 0

    def says(self, words: str) -> Any:
        """What this JavaScript gives; None where there is no page at the moment."""
        self._number += 1
        asked = {"expression": words, "returnByValue": True}
        self._wire.send(json.dumps({"id": self._number, "method": "Runtime.evaluate", "params": asked}))
        while True:
            answer = json.loads(self._wire.recv(PATIENCE))
            if answer.get("id") == self._number:
                return answer.get("result", {}).get("result", {}).get("value")

    def until(self, words: str) -> None:
        """Wait until this holds on the page."""
        end = time.monotonic() + PATIENCE
        while self.says(words) is not True:
            assert time.monotonic() < end, f"never: {words}; the page: {self.says('document.body.innerText')}"
            time.sleep(0.05)


@contextmanager
def opened(address: str, profile: Path) -> Iterator[Tab]:
    command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    browser = subprocess.Popen([*command, "--remote-debugging-port=0", address], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while not (port := profile / "DevToolsActivePort").exists() or not port.read_text().strip():
            assert time.monotonic() < end, "the browser listens"
            time.sleep(0.05)
        with urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json", timeout=PATIENCE) as answer:
            [page] = [one for one in json.load(answer) if one["type"] == "page"]
        with connect(page["webSocketDebuggerUrl"], open_timeout=PATIENCE, max_size=None) as wire:
            yield Tab(wire)
    finally:
        browser.terminate()
        browser.wait(PATIENCE)


def entered(token: str) -> str:
    """What a person does with a token."""
    form = "document.getElementById('enter')"
    return f"{form}.elements.token.value = '{token}'; {form}.querySelector('button').click(); true"


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_a_page_without_a_token_says_so_and_lets_in_whoever_types_one_that_is_known(tmp_path: Path) -> None:
    note, link = (f"document.getElementById('{one}').textContent" for one in ("note", "link"))
    house = House(keyring=KEYRING)
    with serving(house.prime()) as served, opened(f"http://127.0.0.1:{served.port}/#alerts/1", tmp_path) as tab:
        tab.until(f"{note} === 'A token is needed.' && {link} === 'not let in'")

        tab.says(entered("gd_nobody"))
        tab.until(f"{note} === 'the token is not known here'")
        assert tab.says("location.pathname + location.search + location.hash") == "/#alerts/1"

        tab.says(entered("gd_reader"))
        tab.until(f"{link} === 'live' && document.getElementById('enter').hidden")
        assert tab.says("location.pathname + location.search + location.hash") == "/#alerts/1"
        assert tab.says("document.cookie") == "", "no script reads the token"


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_when_the_hub_answers_no_more_nothing_on_the_page_is_told_as_of_now(tmp_path: Path) -> None:
    chips = "['hub', 'fires'].map((id) => document.getElementById(id).textContent).join()"
    past = "document.body.className === 'past'"
    house = full()
    tells = house.hub.clock

    def fails() -> int:
        raise RuntimeError("a fault of ours")

    with serving(house) as served, opened(f"http://127.0.0.1:{served.port}/", tmp_path) as tab:
        tab.until(f"{chips} === 'hub ok,1 firing' && document.title === '(1) Guardia' && !({past})")
        house.hub.clock = fails
        tab.says("list(); true")
        tab.until(f"{chips} === 'hub not known,alarms not known' && document.title === 'Guardia' && {past}")
        assert tab.says("document.querySelectorAll('.host').length") == 2, "what was known is still shown"
        house.hub.clock = tells
        tab.says("list(); true")
        tab.until(f"{chips} === 'hub ok,1 firing' && !({past})")


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_a_narrow_page_scrolls_down_and_not_aside(tmp_path: Path) -> None:
    with serving(full()) as served, opened(f"http://127.0.0.1:{served.port}/", tmp_path) as tab:
        tab.until("document.querySelectorAll('.host').length === 2")
        tab.says("document.documentElement.style.width = '280px'; true")
        assert tab.says("document.getElementById('hosts').scrollWidth <= 280")

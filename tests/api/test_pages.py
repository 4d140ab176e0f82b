"""The page at ``/api/docs`` in a real browser."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from api.openapi import openapi
from tests.api.house import House
from tests.api.served import serving

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here")
def test_every_call_is_on_the_page_with_a_body_to_begin_with_where_it_takes_one(tmp_path: Path) -> None:
    with serving(House().prime()) as served:
        command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
        command += ["--virtual-time-budget=20000", "--dump-dom", f"http://127.0.0.1:{served.port}/api/docs"]
        page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    calls = [f"{method.upper()} {path}" for path, methods in openapi("")["paths"].items() for method in methods]
    assert [html.unescape(one) for one in re.findall("<code>(.*?)</code>", page)] == calls
    bodies = sum("requestBody" in one for methods in openapi("")["paths"].values() for one in methods.values())
    assert page.count("<textarea") == bodies > 0
    assert "<summary>Shapes</summary>" in page

"""Which hub a command that prints once asks: its flags, and what the viewer's settings say beside them."""

from __future__ import annotations

import argparse
import ipaddress
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from bus import home
from bus.config import MOST_BYTES
from bus.faults import ConfigError
from viewer.config import FILE, LOOPBACK, Hub, Viewer, hub, load

WELL, AMISS, SILENT, WRONG = 0, 1, 2, 100
"""Exit codes: all is well, something burns or is amiss, the hub did not answer, asked wrongly."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that name a hub."""
    parser.add_argument(
        "-u", "--hub", "--url", dest="url", metavar="URL", help="the hub's address, as http://HOST:PORT"
    )
    parser.add_argument("--token-file", metavar="FILE", help="a file that holds the token; else GUARDIA_TOKEN")
    parser.add_argument("--ca-file", metavar="FILE", help="certificates to trust in place of the system's")


def named(given: argparse.Namespace, settings: Viewer, folder: Path, environment: Mapping[str, str]) -> Hub:
    """The hub that flags and ``settings`` (of a file in ``folder``) name, else that of this machine.

    Raises ``ConfigError``.
    """
    if given.url is None and settings.api_url == Viewer().api_url:
        settings = replace(settings, api_url=here(environment) or settings.api_url)
    return hub(
        settings,
        folder,
        environment,
        url=given.url,
        token=getattr(given, "token", None),
        file=given.token_file,
        ca=given.ca_file,
    )


def here(environment: Mapping[str, str]) -> str:
    """Where this machine's hub listens by its configuration; empty where there is none, or it says nothing of use."""
    try:
        with home.config_path(None, environment).open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8").removeprefix("\ufeff")
        api = tomllib.loads(text).get("api", {})
        bind, port = api.get("bind", "127.0.0.1"), api.get("port", 8080)
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""  # guardia check names what is wrong with it
    usable = isinstance(bind, str) and type(port) is int and 0 < port < 65_536
    return f"http://{reachable(bind)}:{port}" if usable else ""


def reachable(bind: str) -> str:
    """Where this machine reaches what listens at ``bind``."""
    try:
        address = ipaddress.ip_address(bind)
    except ValueError:
        return bind or "127.0.0.1"
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return bind if address.version == 4 else f"[{bind}]"


def elsewhere(given: argparse.Namespace, environment: Mapping[str, str]) -> Hub | None:
    """The hub that ``--hub`` or ``viewer.toml`` names on another machine; ``None`` where it is the one of this machine.

    Raises ``ConfigError``.
    """
    settings = load(None, environment)
    if given.url is None and urlsplit(settings.api_url).hostname in LOOPBACK:
        return None
    return named(given, settings, FILE.expanduser().parent, environment)


def with_remedy(reason: str) -> str:
    """Why a hub did not answer, with what to do where none runs there."""
    if not reason.endswith("connection refused"):
        return reason
    file, usual = home.config_path(None, os.environ), urlsplit(Viewer().api_url).netloc
    if usual in reason and file.exists() and not here(os.environ):
        return f"{reason}; where the hub of {file} listens cannot be read there: guardia check names what is wrong"
    return f"{reason}; no hub runs there: make run starts one, --hub names another"


def refused(error: ConfigError) -> int:
    """Say each fault in a line; returns the exit code."""
    sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
    return WRONG

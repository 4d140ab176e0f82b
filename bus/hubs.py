"""Which hub a command asks: its flags, then the environment, then what ``viewer.toml`` says beside them."""

from __future__ import annotations

import argparse
import importlib
import ipaddress
import os
import ssl
import stat
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from bus import home
from bus.addresses import is_url
from bus.config import MOST_BYTES, syntax
from bus.faults import ConfigError, Fault
from bus.harmless import safe
from bus.places import places
from bus.reading import Reading
from bus.secret import Secret, Unavailable, fetch
from bus.settings import setting
from bus.standing import absent, alone, runs

FILE = Path("~/.config/guardia/viewer.toml")
SETTINGS = "viewer.config:Viewer"
"""What that file is read into."""
MAX_TOKEN = 4096
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine."""
WELL, AMISS, SILENT, WRONG = 0, 1, 2, 100
"""Exit codes: all is well, something burns or is amiss, the hub did not answer, asked wrongly."""


@dataclass(frozen=True)
class Whereabouts:
    """Of ``viewer.toml`` what names a hub; all keys are optional."""

    api_url: str = setting("http://127.0.0.1:8080", help="Where the hub's API listens; https is understood.")
    api_token: str = setting("", help="The token to show to it: ${NAME}, file:PATH, or the token itself.")
    token_file: str = setting("", help="A file that holds the token.")
    ca_file: str = setting(
        "", help="Certificates to trust in place of the system's, for a hub whose authority is your own."
    )


T = TypeVar("T", bound=Whereabouts)


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub is and who we are to it."""

    url: str
    token: Secret | None
    ca: str = ""
    """A file of certificates to trust; empty: those that this machine trusts."""


HUBS = {"bus", "store", "api", "agent", "alerter", "prober", "notify", "hosts", "services", "rules", "channels"}
"""Tables of the hub's configuration, which is easily taken for that of the viewer."""


def load(record: type[T], path: Path | None, environment: Mapping[str, str]) -> T:
    """The settings in ``path``, or in the usual place where there is such a file; raises ``ConfigError``."""
    place = (path or FILE).expanduser()
    try:
        text = place.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark that nobody sees
    except FileNotFoundError:
        if path is None:
            return record()
        raise ConfigError([Fault(str(place), "", None, "no such file", "a file of settings")]) from None
    except (OSError, UnicodeDecodeError) as error:
        is_folder = isinstance(error, IsADirectoryError)
        reason = "a folder" if is_folder else getattr(error, "strerror", None) or "bytes that are no text in UTF-8"
        raise ConfigError([Fault(str(place), "", None, reason[:1].lower() + reason[1:], "a readable file")]) from None
    return read(record, text, place, environment)


def read(record: type[T], text: str, path: Path, environment: Mapping[str, str]) -> T:
    """``load`` for the text of a file."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax(path, text, str(error))]) from None
    if HUBS & raw.keys():
        found, remedy = "settings of the hub", "type: guardia --config FILE COMMAND"
        raise ConfigError([Fault(str(path), "", None, found, "settings of the viewer", remedy)])
    # Read like one of the hub's tables, with the same checks and sentences.
    reading = Reading(path, {("viewer", *place): line for place, line in places(text).items()}, environment)
    found = reading.table(record, raw, ("viewer",))
    if reading.faults:
        raise ConfigError(replace(f, place=f.place.removeprefix("[viewer]").strip()) for f in reading.faults)
    assert isinstance(found, record)
    return found


def add_flags(parser: argparse.ArgumentParser, *, token: bool = False) -> None:
    """The flags that name a hub; with ``token`` the command has a flag ``--token`` of its own."""
    parser.add_argument(
        "-u", "--hub", "--url", dest="url", metavar="URL", help="the hub's address, as http://HOST:PORT or https://HOST"
    )
    parser.add_argument("--token-file", metavar="FILE", help="a file that holds the token; else GUARDIA_TOKEN")
    parser.add_argument("--ca-file", metavar="FILE", help="certificates to trust in place of the system's")
    if not token:  # it would be the beginning of --token-file: taken for the name of a file, and shown
        parser.add_argument("--token", action=_NoToken, help=argparse.SUPPRESS)


class _NoToken(argparse.Action):
    """A token on the command line is taken by ``guardia view`` alone, and not shown."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.error("--token is not for this command, others on this machine could see it: use --token-file FILE")


def _all() -> type[Whereabouts]:
    """All settings of the file, so that a mistake in any is told; the room is named by text, as in ``rooms``."""
    module, _, name = SETTINGS.partition(":")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def named(given: argparse.Namespace, settings: Whereabouts, path: Path, environment: Mapping[str, str]) -> Hub:
    """The hub that flags and ``settings`` (of the file ``path``) name, else that of this machine.

    Raises ``ConfigError``.
    """
    if given.url is None and settings.api_url == Whereabouts().api_url:
        settings = replace(settings, api_url=_of_this_machine(environment) or settings.api_url)
    return hub(
        settings,
        path,
        environment,
        url=given.url,
        token=getattr(given, "token", None),
        file=given.token_file,
        ca=given.ca_file,
    )


def _of_this_machine(environment: Mapping[str, str]) -> str:
    """As ``here``; of a configuration that somebody named it has to be known: another hub is not what he means."""
    path, address = home.named(None, environment), here(environment)
    if not address and environment.get("GUARDIA_CONFIG"):
        found, wanted = "nothing that says where its hub listens", "a configuration, with bind and port in [api]"
        raise ConfigError([Fault(str(path), "", None, found, wanted, "guardia check names what is wrong")])
    return address


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

    A ``--config`` names one of this machine. Raises ``ConfigError``.
    """
    if given.url is None and getattr(given, "config", None) is not None:
        home.named(given.config, environment)
        return None
    settings = load(_all(), None, environment)
    if given.url is None:
        _check_url("api_url", settings.api_url, FILE.expanduser())
        if urlsplit(settings.api_url).hostname in LOOPBACK:
            home.named(None, environment)
            return None
    return named(given, settings, FILE.expanduser(), environment)


def with_remedy(reason: str) -> str:
    """Why a hub did not answer, with what to do where none runs there."""
    if not reason.endswith("connection refused"):
        return reason
    file, usual = home.config_path(None, os.environ), urlsplit(Whereabouts().api_url).netloc
    if usual in reason and file.exists() and not here(os.environ):
        return f"{reason}; where the hub of {file} listens cannot be read there: guardia check names what is wrong"
    folder, own = home.home_path(file, os.environ), here(os.environ)
    if own and urlsplit(own).netloc in reason and runs(folder):
        return f"{reason}; {absent('api', folder)}"
    if not _is_here(reason):
        return f"{reason}; no hub runs there, or it listens to its own machine alone ([api] bind, there)"
    if alone(folder):
        return f"{reason}; no hub runs there, and this host has an agent alone: --hub names its hub"
    return f"{reason}; no hub runs there: make run starts one, --hub names another"


def _is_here(reason: str) -> bool:
    """Whether the address of which ``reason`` speaks is one of this machine's by its name alone."""
    host = urlsplit("//" + reason.removeprefix("cannot reach ").partition(": ")[0]).hostname or ""
    return host in LOOPBACK or host.startswith("127.")


def refused(error: ConfigError, command: str = "") -> int:
    """Say each fault in a line, behind the name of the command if one is given; returns the exit code."""
    sys.stderr.write("".join(f"{command}: {fault}\n" if command else f"{fault}\n" for fault in error.faults))
    return WRONG


def hub(
    settings: Whereabouts,
    path: Path,
    environment: Mapping[str, str],
    *,
    url: str | None,
    token: str | None,
    file: str | None,
    ca: str | None = None,
) -> Hub:
    """The hub to speak to: flags win, then ``GUARDIA_TOKEN``, then the settings; raises ``ConfigError``."""
    address = settings.api_url if url is None else url
    _check_url("api_url" if url is None else "--hub", address, path)
    trusted = _authority(settings, path, ca)
    return Hub(address, _shown(settings, path, environment, token, file), trusted)


def _wrong(place: str, path: Path, found: str, expected: str, remedy: str = "") -> ConfigError:
    """A fault in a flag or in the environment, which have no file; or in a setting of the file ``path``."""
    setting = place in Whereabouts.__dataclass_fields__
    return ConfigError(
        [Fault(str(path) if setting else place, place if setting else "", None, found, expected, remedy)]
    )


def _shown(
    settings: Whereabouts, path: Path, environment: Mapping[str, str], token: str | None, file: str | None
) -> Secret | None:
    """The token, from whichever place is the first to have one."""
    if token is not None:
        return _token("--token", path, token)
    if file is not None:
        return _from_file("--token-file", path, Path(file))
    if environment.get("GUARDIA_TOKEN"):
        return _token("GUARDIA_TOKEN", path, environment["GUARDIA_TOKEN"])
    if settings.token_file:
        return _from_file("token_file", path, path.parent / Path(settings.token_file).expanduser())
    if settings.api_token.startswith(("${", "file:")):
        try:
            return _token("api_token", path, fetch(settings.api_token, path.parent, environment).reveal())
        except Unavailable as error:
            raise _wrong("api_token", path, error.found, error.expected, error.remedy) from None
    if not settings.api_token:
        return None
    found = _token("api_token", path, settings.api_token)
    with suppress(OSError):
        _say_if_open(path, path.stat().st_mode)
    return found


def _authority(settings: Whereabouts, path: Path, flag: str | None) -> str:
    """The file of certificates to trust, looked at once, so that a mistake is told before anything is asked."""
    if flag is None and not settings.ca_file:
        return ""
    named = Path(flag).expanduser() if flag is not None else path.parent / Path(settings.ca_file).expanduser()
    try:
        ssl.create_default_context(cafile=str(named))
    except OSError as error:  # an SSLError is one too
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
        place = "ca_file" if flag is None else "--ca-file"
        raise _wrong(place, path, f"{named}: {why}", "a file of certificates (PEM)") from None
    return str(named)


def _check_url(place: str, url: str, path: Path) -> None:
    if not is_url(url) or not url.isprintable():
        remedy = f"did you mean http://{url}?" if url and "://" not in url and url.isprintable() else ""
        raise _wrong(place, path, repr(url[:80]), "http://HOST:PORT or https://HOST", remedy)


def _token(place: str, path: Path, token: str) -> Secret:
    token = token.strip()
    if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable():
        raise _wrong(place, path, "something else", "one line with the token")
    return Secret(token)


def _from_file(place: str, path: Path, named: Path) -> Secret:
    try:
        with named.expanduser().open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            token = _token(place, path, file.read(MAX_TOKEN + 2))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise _wrong(place, path, f"{named}: {reason.lower()}", "a file that holds the token") from None
    _say_if_open(named, mode)
    return token


def _say_if_open(file: Path, mode: int) -> None:
    if stat.S_ISREG(mode) and mode & stat.S_IRWXO:  # said and no more: jobs have always gone by such files
        found = f"{safe(str(file))} holds a token, and everybody on this machine may read it (mode {mode & 0o777:04o})"
        sys.stderr.write(f"guardia: {found}; type: chmod o= {safe(str(file))}\n")

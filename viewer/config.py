"""What the viewer is told: flags, then the environment, then ``~/.config/guardia/viewer.toml``.

That file is one flat table. Every fault is a sentence that says where it is and what to type instead.
"""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from bus.faults import ConfigError, Fault
from bus.places import places
from bus.reading import Reading
from bus.secret import Secret, Unavailable, fetch
from bus.settings import setting
from viewer.axis import WINDOWS, Window
from viewer.keys import SCREENS

FILE = Path("~/.config/guardia/viewer.toml")
MAX_TOKEN = 4096
SYMBOLS = ("auto", "braille", "block", "tty", "ascii")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine."""
UNITS = ("binary", "decimal", "bits")


@dataclass(frozen=True)
class Viewer:
    """``viewer.toml``; all keys are optional."""

    api_url: str = setting("http://127.0.0.1:8080", help="Where the hub's API listens; https is understood.")
    api_token: str = setting("", help="The token to show to it: ${NAME}, file:PATH, or the token itself.")
    token_file: str = setting("", help="A file that holds the token.")
    ca_file: str = setting(
        "", help="Certificates to trust in place of the system's, for a hub whose authority is your own."
    )
    refresh_interval: float = setting(
        5.0, minimum=1, maximum=3600, unit="s", help="Time between two readings of the lists."
    )
    time_window_seconds: float = setting(
        300.0, minimum=1, unit="s", help="The window that charts begin with; the next larger one is taken."
    )
    screen: str = setting(
        "auto",
        choices=("auto", *SCREENS),
        help="The screen to begin with; auto: pulse, and hosts where there is one host.",
    )
    symbols: str = setting("auto", choices=SYMBOLS, help="What charts are made of; auto: by locale and terminal.")
    theme: str = setting("okabe", help="okabe, traffic, grey, or a theme file of btop.")
    units: str = setting("binary", choices=UNITS, help="Bytes by 1,024 or 1,000; bits: 1,000, and networks in bits.")
    temperature: str = setting("celsius", choices=("celsius", "fahrenheit"), help="How degrees are counted.")
    max_metrics: int = setting(100, minimum=1, help="Accepted from older files; charts keep what their window needs.")
    debug: bool = setting(False, help="Accepted from older files; has no effect.")

    @property
    def window(self) -> Window:
        """The window that charts begin with."""
        return next((w for w in WINDOWS if w.seconds >= self.time_window_seconds), WINDOWS[-1])


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub is and who we are to it."""

    url: str
    token: Secret | None
    ca: str = ""
    """A file of certificates to trust; empty: those that this machine trusts."""


HUBS = {"bus", "store", "api", "agent", "alerter", "prober", "notify", "hosts", "services", "rules", "channels"}
"""Tables of the hub's configuration, which is easily taken for that of the viewer."""


def load(path: Path | None, environment: Mapping[str, str]) -> Viewer:
    """The settings in ``path``, or in the usual place where there is such a file; raises ``ConfigError``."""
    place = (path or FILE).expanduser()
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return Viewer()
        raise ConfigError([Fault(str(place), "", None, "no such file", "a file of settings")]) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise ConfigError([Fault(str(place), "", None, reason.lower(), "a readable file")]) from None
    return read(text, place, environment)


def read(text: str, path: Path, environment: Mapping[str, str]) -> Viewer:
    """``load`` for the text of a file."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        raise ConfigError([Fault(str(path), "", None, "a mistake", "TOML", reason[:1].lower() + reason[1:])]) from None
    if HUBS & raw.keys():
        found, remedy = "settings of the hub", "type: guardia --config FILE COMMAND"
        raise ConfigError([Fault(str(path), "", None, found, "settings of the viewer", remedy)])
    # Read like one of the hub's tables, with the same checks and sentences.
    reading = Reading(path, {("viewer", *place): line for place, line in places(text).items()}, environment)
    found = reading.table(Viewer, raw, ("viewer",))
    if reading.faults:
        raise ConfigError(replace(f, place=f.place.removeprefix("[viewer]").strip()) for f in reading.faults)
    assert isinstance(found, Viewer)
    return found


def hub(
    settings: Viewer,
    folder: Path,
    environment: Mapping[str, str],
    *,
    url: str | None,
    token: str | None,
    file: str | None,
    ca: str | None = None,
) -> Hub:
    """The hub to speak to: flags win, then ``GUARDIA_TOKEN``, then the settings; raises ``ConfigError``."""
    address = settings.api_url if url is None else url
    _check_url("api_url" if url is None else "--hub", address)
    trusted = _authority(settings, folder, ca)
    return Hub(address, _shown(settings, folder, environment, token, file), trusted)


def _shown(
    settings: Viewer, folder: Path, environment: Mapping[str, str], token: str | None, file: str | None
) -> Secret | None:
    """The token, from whichever place is the first to have one."""
    if token is not None:
        return _token("--token", token)
    if file is not None:
        return _from_file("--token-file", Path(file))
    if environment.get("GUARDIA_TOKEN"):
        return _token("GUARDIA_TOKEN", environment["GUARDIA_TOKEN"])
    if settings.token_file:
        return _from_file("token_file", folder / Path(settings.token_file).expanduser())
    if settings.api_token.startswith(("${", "file:")):
        try:
            return _token("api_token", fetch(settings.api_token, folder, environment).reveal())
        except Unavailable as error:
            raise ConfigError([Fault("viewer", "api_token", None, error.found, error.expected, error.remedy)]) from None
    return _token("api_token", settings.api_token) if settings.api_token else None


def _authority(settings: Viewer, folder: Path, flag: str | None) -> str:
    """The file of certificates to trust, looked at once, so that a mistake is told before anything is asked."""
    if flag is None and not settings.ca_file:
        return ""
    path = Path(flag).expanduser() if flag is not None else folder / Path(settings.ca_file).expanduser()
    try:
        ssl.create_default_context(cafile=str(path))
    except OSError as error:  # an SSLError is one too
        why = "it holds no certificate" if isinstance(error, ssl.SSLError) else (error.strerror or str(error)).lower()
        place = "ca_file" if flag is None else "--ca-file"
        raise ConfigError([Fault("viewer", place, None, f"{path}: {why}", "a file of certificates (PEM)")]) from None
    return str(path)


def _check_url(place: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or not url.isprintable() or " " in url:
        remedy = f"did you mean http://{url}?" if "://" not in url and url.isprintable() else ""
        raise ConfigError([Fault("viewer", place, None, repr(url[:80]), "http://HOST:PORT or https://HOST", remedy)])


def _token(place: str, token: str) -> Secret:
    token = token.strip()
    if not token or len(token) > MAX_TOKEN or not token.isascii() or not token.isprintable():
        raise ConfigError([Fault("viewer", place, None, "something else", "one line with the token")])
    return Secret(token)


def _from_file(place: str, path: Path) -> Secret:
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            return _token(place, file.read(MAX_TOKEN + 2))
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        found = f"{path}: {reason.lower()}"
        raise ConfigError([Fault("viewer", place, None, found, "a file that holds the token")]) from None

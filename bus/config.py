"""One TOML file to typed records, one for each room; all its faults at once, in words.

A room's table is a frozen dataclass whose fields are made by ``setting``. It may have a method ``objections``
that yields an ``Objection`` for each combination of values that cannot work. A secret is a field of type
``Secret`` and stands in the file as ``${NAME}`` or ``file:PATH``.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from bus import home, sizes
from bus.drawers import Drawer, Mixed
from bus.faults import ConfigError, Fault, Objection, did_you_mean, listed
from bus.places import places
from bus.reading import Reading
from bus.records import Settings
from bus.secret import Secret
from bus.settings import setting

__all__ = ["ConfigError", "Fault", "Objection", "Secret", "Settings", "load", "setting"]

MOST_BYTES = 16 * 1024 * 1024
"""What is read of a file: ten thousand hosts take one megabyte."""
_AT = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)\Z", re.DOTALL)
_TWICE = re.compile(r"Cannot declare (\(.*\)) twice\Z")


def load(
    path: Path,
    tables: Mapping[str, type],
    lists: Mapping[str, type | Drawer | Mixed] | None = None,
    *,
    others: Iterable[str] = (),
    needs: Collection[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Read ``path`` whole: each of ``tables`` as one record, each of ``lists`` as a tuple of records.

    A ``Drawer`` among the lists stands for named tables, which become a map of records; a ``Mixed`` for a list of
    tables of several kinds. Tables named in ``others``
    may stand in the file and are left to those they belong to. A secret that cannot be had is a fault in the tables
    ``needs`` (None: in all); in others it is made one that is ``lacking``. Raises ``ConfigError`` with all faults.
    """
    raw, text = _parsed(path, whole=not others)
    lists = lists or {}
    reading = Reading(path, places(text), os.environ if environment is None else environment, needs)
    known = (*tables, *lists, *others)
    for name in raw:
        if name not in known:
            near = did_you_mean(name, known)
            whole = "a table that some room reads" if near else f"one of {listed(sorted(set(known)))}"
            reading.fault((name,), "an unknown table", whole, near)
    records: dict[str, Any] = {
        name: reading.table(record, raw.get(name, {}), (name,)) for name, record in tables.items()
    }
    for name, record in lists.items():
        if isinstance(record, Drawer):
            records[name] = reading.drawer(record, raw.get(name, {}), (name,))
        elif isinstance(record, Mixed):
            records[name] = reading.mixed(record, raw.get(name, []), (name,))
        else:
            records[name] = reading.tables(record, raw.get(name, []), (name,))
    for name, drawer in lists.items():
        named = raw.get(name, {})
        if isinstance(drawer, Drawer) and isinstance(named, Mapping):
            for place, wrong in drawer.complaints({**records, name: {**dict.fromkeys(named), **records[name]}}):
                reading.fault((*reading.placed(place), wrong.key), wrong.found, wrong.expected, wrong.remedy)
    if reading.faults:
        raise ConfigError(reading.faults)
    return Settings(path, records)


def _parsed(path: Path, *, whole: bool) -> tuple[dict[str, Any], str]:
    try:
        # Some editors begin a file with a byte order mark, which nobody sees.
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            found = f"more than {sizes.in_words(MOST_BYTES)}"
            raise ConfigError([Fault(str(path), "", None, found, "a configuration file", "is it another file?")])
        text = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n")
        return tomllib.loads(text), text
    except OSError as error:
        is_folder = isinstance(error, IsADirectoryError)
        reason = "a folder" if is_folder else (error.strerror or "it cannot be read").lower()
        if whole:
            raise ConfigError([home.missing(path, reason)]) from None
        # It is no configuration of a hub, and no flag names another.
        raise ConfigError([Fault(str(path), "", None, reason, "a file to read")]) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        found = f"a byte that is no UTF-8 (0x{error.object[error.start]:02x})"
        raise ConfigError([Fault(str(path), "", line, found, "text in UTF-8", "save it as UTF-8")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([syntax(path, text, str(error))]) from None
    except (ValueError, RecursionError):
        found = "a number of thousands of digits, or lists within lists without end"
        raise ConfigError([Fault(str(path), "", None, found, "a configuration")]) from None


def syntax(path: Path, text: str, message: str) -> Fault:
    """What ``message`` of ``tomllib`` says of ``text``, with its line and what stands there."""
    at = _AT.match(message)
    line = int(at[2]) if at and at[2] else text.rstrip("\n").count("\n") + 1
    reason = at[1] if at else message
    if twice := _TWICE.match(reason):
        name = ".".join(re.findall(r"'([^']*)'", twice[1]))
        first = next((n for n, one in enumerate(text.split("\n"), 1) if one.split("#")[0].strip() == f"[{name}]"), 0)
        found = f"[{name}] once more, after line {first}" if 0 < first < line else f"[{name}] once more"
        return Fault(str(path), "", line, found, "each table once", "put what stands here into the first one")
    key, equals, _ = text.split("\n")[line - 1].strip().partition("=")
    # The value is not shown: it may be a secret that lost its quotes.
    written = f"{key.rstrip()} = ..." if equals else key
    return Fault(str(path), "", line, f"{written!r}", "TOML", f"{reason[:1].lower()}{reason[1:]}")

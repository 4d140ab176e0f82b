"""Secrets: read from the environment or a private file, and never shown."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

_FROM_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}\Z")
_FROM_FILE = "file:"
MAX_BYTES = 65_536


class Secret:
    """A value that no log, traceback or answer shows; only ``reveal`` gives it."""

    __slots__ = ("_again", "_value", "lacking")

    def __init__(
        self, value: str, lacking: Unavailable | None = None, again: Callable[[], Secret] | None = None
    ) -> None:
        self._value = value
        self.lacking = lacking
        """Why it could not be had; None: it was."""
        self._again = again
        """Gets one that is lacking, where that can be tried once more."""

    def reveal(self) -> str:
        """The value itself, for the one call that needs it; raises ``Unavailable`` where it could not be had."""
        if self.lacking is not None:
            raise self.lacking.with_traceback(None)  # it would grow with each time it is raised
        return self._value

    def is_there_now(self) -> bool:
        """Whether it was lacking when it was read, and could be had by now."""
        if self.lacking is None or self._again is None:
            return False
        try:
            self._again()
        except Unavailable:
            return False
        return True

    def __repr__(self) -> str:
        return "***"

    def __format__(self, form: str) -> str:
        return format("***", form)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and (other._value, str(other.lacking)) == (self._value, str(self.lacking))

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        # One that is lacking is asked for all the same, and says so: nothing is sent unsigned instead.
        return bool(self._value) or self.lacking is not None


class Unavailable(Exception):
    """The secret cannot be had; the parts of a fault's sentence."""

    def __init__(self, found: str, expected: str, remedy: str, *, written: bool = False) -> None:
        """``written``: it stands in the configuration itself, which is a mistake whoever reads it."""
        super().__init__(f"found {found}, expected {expected}; {remedy}")
        self.found, self.expected, self.remedy, self.written = found, expected, remedy, written


def fetch(reference: str, folder: Path, environment: Mapping[str, str]) -> Secret:
    """The secret behind ``${NAME}`` or ``file:PATH`` (relative to ``folder``); raises ``Unavailable``.

    A secret may not stand in the configuration itself, which is copied, shown and kept under version control.
    """
    if name := _FROM_ENVIRONMENT.match(reference):
        value = environment.get(name[1], "")
        if not value:
            raise Unavailable(
                f"{reference}, which is not set in the environment",
                "a value there",
                f"type: export {name[1]}=...",
            )
        return Secret(value)
    if reference.startswith(_FROM_FILE):
        return _from_file(folder / reference.removeprefix(_FROM_FILE))
    remedy = "put it into a file of mode 0600 and name that"
    raise Unavailable("the secret itself", "${NAME} or file:PATH", remedy, written=True)


def _from_file(path: Path) -> Secret:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise Unavailable(
                f"{path}, which others may read (mode {mode:04o})", "mode 0600", f"type: chmod 600 {path}"
            )
        with path.open(encoding="utf-8") as file:
            value = file.read(MAX_BYTES).strip()
    except OSError as error:
        raise Unavailable(
            f"{path}: {(error.strerror or 'it cannot be read').lower()}",
            "a readable file",
            f"create {path} with mode 0600",
        ) from None
    except UnicodeDecodeError:
        raise Unavailable(f"{path}, which is no text", "a line of text", "write the secret into it as text") from None
    except ValueError:  # a path with a zero in it
        raise Unavailable(f"{path}, which is no path", "a readable file", "name another") from None
    if not value:
        raise Unavailable(f"{path}, which is empty", "the secret in it", f"write the secret into {path}")
    return Secret(value)

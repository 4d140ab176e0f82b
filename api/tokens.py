"""The file of tokens, and ``guardia token``, which writes it.

``{home}/api/tokens.json`` has mode 0600 and holds digests only. The API looks at the file at every request, so
that a revoked token is refused at once and by every worker. No file: the API is open, to this machine alone. A
file without tokens: nobody gets in.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import string
from pathlib import Path
from typing import Any

from api.auth import SCOPES, Keyring, Token, digest_of
from api.encoding import to_time
from api.filters import BadParameter, parse_time
from bus.faults import meant
from bus.folder import alone
from bus.home import TOKENS
from bus.keys import write_private

ALPHABET = string.ascii_letters + string.digits
LENGTH = 32
PREFIX = 9
"""Characters of a token that are shown and kept in clear: ``gd_`` and six more."""
_FIT = re.compile(r"[ -~]{1,4096}\Z")
"""What a header and a cookie can hold."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}\Z", re.ASCII)


class TokensFault(Exception):
    """The file cannot be used, or what was asked of it cannot be done; the text says what to type."""


def path_of(home: Path) -> Path:
    """Where the tokens are kept."""
    return home / TOKENS


def load(path: Path) -> Keyring:
    """The tokens in the file; raises ``TokensFault`` when it is damaged or others may read it."""
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read()
    except FileNotFoundError:
        return Keyring(None)
    except OSError as fault:
        raise TokensFault(f"{path}: {fault.strerror}") from None
    if mode & 0o077:
        raise TokensFault(f"{path} has mode {mode:04o}: others could read it; type: chmod 600 {path}")
    try:
        return Keyring(tuple(_token(entry) for entry in json.loads(data)["tokens"]))
    except (ValueError, KeyError, TypeError, RecursionError, BadParameter):
        raise TokensFault(f"{path} is damaged; move it away and make new tokens") from None


def save(path: Path, tokens: tuple[Token, ...]) -> None:
    """Write the file in one step, also for a power cut: readers see the old one or the new one."""
    write_private(path, json.dumps({"tokens": [_entry(token) for token in tokens]}, indent=1) + "\n")


def add(path: Path, name: str, scope: str, now: int, expires_at: int | None, text: str | None = None) -> str:
    """Keep a new token and return it; it cannot be seen again. ``text`` keeps one that exists elsewhere.

    Raises ``TokensFault``, and ``OSError`` where it cannot be written.
    """
    with alone(path.parent):
        return _added(path, name, scope, now, expires_at, text)


def _added(path: Path, name: str, scope: str, now: int, expires_at: int | None, text: str | None) -> str:
    tokens = load(path).tokens or ()
    if not NAME.match(name):
        raise TokensFault(f"{name!r} is no name: letters, digits and . _ - only, at most 64")
    if any(token.name == name for token in tokens):
        raise TokensFault(f"there is a token {name} already; type: guardia token revoke {name}")
    if scope not in SCOPES:
        raise TokensFault(f"{scope!r} is no scope: {', '.join(SCOPES)}")
    if text is not None and not _FIT.match(text):
        raise TokensFault("that is no token: it is a line of at most 4096 printable ASCII characters")
    text = text or "gd_" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    shown = text[:PREFIX] if text.startswith("gd_") and len(text) >= LENGTH else ""
    new = Token(name, digest_of(text), scope, shown, now, expires_at)
    save(path, (*tokens, new))
    return text


def revoke(path: Path, name: str) -> int:
    """Forget the token ``name``; returns how many are left. Raises as ``add`` does."""
    with alone(path.parent):
        tokens = load(path).tokens or ()
        left = tuple(token for token in tokens if token.name != name)
        if len(left) == len(tokens):
            raise TokensFault(f"there is no token {name!r}; {meant(name, [token.name for token in tokens])}")
        save(path, left)
    return len(left)


class Watched:
    """The tokens as the file has them now; read again only when it changed.

    With ``needed``, which is for whoever listens beyond this machine, a missing file lets nobody in.
    """

    def __init__(self, path: Path, *, needed: bool = False) -> None:
        self._path = path
        self._needed = needed
        self._seen: tuple[int, ...] | None = ()
        self._keyring = Keyring(())

    def keyring(self) -> Keyring:
        """The tokens; raises ``TokensFault``: whoever asks must then let nobody in."""
        try:
            found = os.stat(self._path)
            seen = (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
        except FileNotFoundError:
            seen = None
        except OSError as fault:
            raise TokensFault(f"{self._path}: {(fault.strerror or str(fault)).lower()}") from None
        if seen != self._seen:
            keyring = load(self._path)
            self._keyring = Keyring(()) if self._needed and keyring.tokens is None else keyring
            self._seen = seen
        return self._keyring


def _entry(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "sha256": token.digest.hex(),
        "scope": token.scope,
        "prefix": token.prefix,
        "created_at": to_time(token.created_at),
        "expires_at": None if token.expires_at is None else to_time(token.expires_at),
    }


def _token(entry: dict[str, Any]) -> Token:
    digest = bytes.fromhex(entry["sha256"])
    if entry["scope"] not in SCOPES or len(digest) != 32:
        raise ValueError("not of our making")
    expires = entry["expires_at"]
    return Token(
        str(entry["name"]),
        digest,
        entry["scope"],
        str(entry["prefix"]),
        parse_time(entry["created_at"], "created_at"),
        None if expires is None else parse_time(expires, "expires_at"),
    )

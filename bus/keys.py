"""CURVE key pairs: what they are, how people compare them, how they are kept in private files.

A key is 32 bytes, written as 40 characters of Z85 as libzmq has it. A file of keys has mode 0600 and is written in
one step: whoever reads it sees all of it or none, also after a power cut. Files that others may read are refused.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from _blake2 import blake2b  # hashlib has it too, but loads OpenSSL: 4 MB that each agent would carry
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import zmq
from zmq.utils import z85

from bus.folder import hand_over, make_private, sync_folder

LENGTH = 40
BYTES = 32
MAX_FILE = 65_536
FINGERPRINT_BYTES = 10
"""80 bits: somebody who wants a second key with the same fingerprint has to make 10^24."""


class KeysFault(Exception):
    """Keys cannot be used, or what was asked of them cannot be done; the text says what to type."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves of a key, in Z85; the secret one is never shown."""

    public: str
    secret: str = field(repr=False)


def new() -> KeyPair:
    """A key that nobody ever had."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def of_secret(secret: str) -> KeyPair:
    """The pair that a secret half belongs to."""
    return KeyPair(zmq.curve_public(secret.encode()).decode(), secret)


def is_key(text: str) -> bool:
    """Whether ``text`` is half of a key, as far as one can see."""
    try:
        return len(text) == LENGTH and len(z85.decode(text.encode("ascii"))) == BYTES
    except (ValueError, KeyError, struct.error):  # five characters may mean more than four bytes hold
        return False


def as_bytes(key: str) -> bytes:
    """The 32 bytes of a key."""
    return z85.decode(key.encode("ascii"))


def as_text(key: bytes) -> str:
    """The Z85 of 32 bytes."""
    return z85.encode(key).decode("ascii")


def fingerprint(public: str) -> str:
    """What people compare by phone: five groups of four hexadecimal digits."""
    digest = blake2b(as_bytes(public), digest_size=FINGERPRINT_BYTES).hexdigest()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def write_private(path: Path, text: str, *, replace: bool = True) -> bool:
    """Write a file of mode 0600 in one step; False: it was there already and ``replace`` does not allow that."""
    make_private(path.parent)
    temporary = path.with_name(f".{os.urandom(8).hex()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            hand_over(temporary, file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
            os.unlink(temporary)
    except FileExistsError:
        os.unlink(temporary)
        return False
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return True


def read_private(path: Path) -> str | None:
    """The text of a file that nobody else may read; None: there is none.

    Raises ``KeysFault``, and ``OSError`` when no file can be opened now.
    """
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):
            raise  # that says nothing about this file
        raise KeysFault(f"{path}: {(error.strerror or str(error)).lower()}") from None
    if mode & 0o077:
        raise KeysFault(f"{path} has mode {mode:04o}: others could read it; type: chmod 600 {path}")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise KeysFault(f"{path} is damaged: it is no text") from None


def fields(text: str) -> dict[str, str]:
    """The ``word value`` lines of a key file."""
    return {word: value for word, _, value in (line.partition(" ") for line in text.splitlines()) if value}


def lines(values: Mapping[str, str]) -> str:
    """A key file's text: a line for each word and its value."""
    return "".join(f"{word} {value}\n" for word, value in values.items())


def read_pair(path: Path) -> KeyPair | None:
    """The key kept in ``path``; None: there is none. Raises ``KeysFault``."""
    text = read_private(path)
    if text is None:
        return None
    secret = fields(text).get("secret", "")
    if not is_key(secret):
        raise KeysFault(f"{path} is damaged: it holds no secret key")
    return of_secret(secret)


def write_pair(path: Path, pair: KeyPair, *, replace: bool = True) -> bool:
    """Keep ``pair`` in ``path``; False: there is one already and ``replace`` does not allow that."""
    return write_private(path, lines({"public": pair.public, "secret": pair.secret}), replace=replace)

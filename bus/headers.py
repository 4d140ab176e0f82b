"""Headers as operators write them: what can be sent, and what cannot. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bus.faults import Objection

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def header(key: str, name: str, text: str) -> Iterator[Objection]:
    """What is wrong with a header of the setting ``key``; its text is not told, since it may be a secret."""
    if not _NAME.fullmatch(name):
        yield Objection(key, f'the name "{name}"', "a header's name, as X-Team")
    if any(ord(sign) < 32 or ord(sign) == 127 or ord(sign) > 255 for sign in text) or text != text.strip():
        yield Objection(key, f"signs in {name} that no header may have", "a line of text without spaces around it")

"""What clients may send: the bodies of writing requests, each a record, and how one is read. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from bus.fields import Unfit, build

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewSilence:
    """A silence to begin now, or at ``starts`` as a time of the API is written. ``owner`` stands for no token.

    ``matches`` are globs of hosts, services and rules.
    """

    reason: str
    seconds: float
    matches: tuple[str, ...]
    owner: str | None = None
    starts: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody says who acknowledges an incident."""

    note: str = ""
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A rule to be tried on the past with another condition. ``when`` empty: its own; ``subject`` may be a glob.

    Or ``rules``, the text of a file with ``[[rules]]``, in place of those of the hub. ``json``: it is told so.
    """

    rule: str = ""
    when: str = ""
    lasts: str = ""
    subject: str = "*"
    seconds: float = 7 * 86_400.0
    rules: str = ""
    json: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A question by its name; its fields stand beside ``ask``."""

    ask: str


def read_body(shape: type[T], data: bytes) -> T:
    """The body as ``shape``; raises ``Unfit`` with a sentence. Nothing at all is an empty object."""
    return build(shape, object_in(data), "body")


def object_in(data: bytes) -> dict[str, Any]:
    """The object that a body is; raises ``Unfit``."""
    try:
        value: Any = json.loads(data or b"{}")
        json.dumps(value, ensure_ascii=False).encode()  # half of a pair, as \\ud800, can be sent on to nobody
    except RecursionError:
        raise Unfit("body: nested too deeply") from None
    except UnicodeEncodeError:
        raise Unfit("body: a text in it is no Unicode: half of a surrogate pair") from None
    except ValueError as error:
        raise Unfit(f"body: no JSON: {error}") from None
    if type(value) is not dict:
        raise Unfit("body: expected an object")
    return value

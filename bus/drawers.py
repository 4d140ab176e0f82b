"""Tables of several kinds: named ones, as ``[channels.NAME]``, and lists of them, as ``[[services]]``.

Which record each table is read into is told by the table itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bus.faults import Objection

Complaint = tuple[tuple[str | int, ...], Objection]
"""Where something is wrong, without its last word, and what."""


@dataclass(frozen=True)
class Drawer:
    """The kinds are a dict in a room's drawer, ``module:DICT``, from a type's word to ``module:Record``.

    A record is loaded only when a table of its type stands in the file, so that programs which use none carry none.
    ``together`` names a function that is handed all records of the file and yields a ``Complaint`` for each thing
    that does not go with another. Of tables with faults of their own it gets none; a named one of these is None.
    """

    place: str
    together: str = ""

    def kinds(self) -> Mapping[str, str]:
        """The types by their words."""
        return _found(self.place)  # type: ignore[no-any-return]

    def record(self, kind: str) -> type:
        """The record that a table of this type is read into."""
        return _found(self.kinds()[kind])  # type: ignore[no-any-return]

    def complaints(self, records: Mapping[str, Any]) -> Iterator[Complaint]:
        """What does not go together, among the tables that are right by themselves."""
        if self.together:
            yield from _found(self.together)(records)


@dataclass(frozen=True)
class Mixed:
    """A list of tables of several kinds: the setting ``key`` names the kind, else the scheme of its ``url`` does.

    ``place`` names the dict of kinds as in ``Drawer``; ``schemes`` the dict from a URL's scheme to a kind. ``base``
    is what all kinds have in common: their records extend it. A record is loaded only when a table needs it.
    """

    base: type
    key: str
    place: str
    schemes: str

    def kinds(self) -> Mapping[str, str]:
        """The kinds by their words."""
        return _found(self.place)  # type: ignore[no-any-return]

    def by_scheme(self) -> Mapping[str, str]:
        """The kinds by the scheme of a URL."""
        return _found(self.schemes)  # type: ignore[no-any-return]

    def record(self, kind: str) -> type:
        """The record that a table of this kind is read into."""
        return _found(self.kinds()[kind])  # type: ignore[no-any-return]


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)

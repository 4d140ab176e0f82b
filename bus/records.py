"""What was read from the configuration: typed records by the name of their table. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bus.secret import Secret


class Settings(Mapping[str, Any]):
    """Typed records by the name of their table; a list of tables is a tuple of records, named tables are a map."""

    def __init__(self, path: Path, records: Mapping[str, Any]) -> None:
        self.path = path
        self._records = dict(records)

    def __getitem__(self, name: str) -> Any:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def secrets(self) -> tuple[str, ...]:
        """Every secret's value, so that logs can leave them out."""
        return tuple(sorted(set(_secrets_in(list(self._records.values())))))


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value.reveal()
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _secrets_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets_in(one)

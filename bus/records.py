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
        self._lacking: dict[str, tuple[Secret, ...]] = {}

    def __getitem__(self, name: str) -> Any:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def secrets(self) -> tuple[str, ...]:
        """Every secret's value, so that logs can leave them out."""
        found = _secrets_in(list(self._records.values()))
        return tuple(sorted({one.reveal() for one in found if one.lacking is None}))

    def is_there_now(self, name: str) -> bool:
        """Whether a secret of the table ``name`` that was lacking could be had by now."""
        if name not in self._lacking:  # ten thousand services are not gone through again and again
            found = _secrets_in(self._records[name])
            self._lacking[name] = tuple(one for one in found if one.lacking is not None)
        return any(one.is_there_now() for one in self._lacking[name])


def lacking(record: Any) -> str:
    """Why a secret in ``record`` could not be had; empty where all are there."""
    return next((str(one.lacking) for one in _secrets_in(record) if one.lacking is not None), "")


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _secrets_in(getattr(value, field.name))
    elif isinstance(value, Mapping):
        yield from _secrets_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _secrets_in(one)

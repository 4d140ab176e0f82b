"""What an error came from, however the libraries wrapped it. Pure."""

from __future__ import annotations

from typing import Any


def causes_of(error: BaseException) -> list[BaseException]:
    """The error itself and all that it came from or holds, the nearest first."""
    found: list[BaseException] = []
    queue: list[Any] = [error]
    while queue:
        one = queue.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            queue += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
    return found

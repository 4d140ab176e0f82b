"""Modules that others import at their beginning and use seldom or never, loaded when they are used.

``dataclasses`` imports all that reads Python's own code, ``urllib.parse`` a library of addresses, ``shutil`` packers,
``http.client`` OpenSSL, 4 MB of it.
None of it is used in an agent that runs, and each host would carry 2.5 MB of it. With Python 3.13 ``inspect`` is
loaded all the same, since ``dataclasses`` and pyzmq use it at once.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

SELDOM = ("inspect", "ipaddress", "locale", "bz2", "lzma", "difflib", "subprocess", "tokenize", "ssl")


class Later(ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        # Two threads may come here at once: whoever imports first, the other one waits for the same module.
        if sys.modules.get(self.__name__) is self:
            sys.modules.pop(self.__name__, None)
        return getattr(importlib.import_module(self.__name__), name)


def put_off(names: tuple[str, ...] = SELDOM) -> None:
    """From now on an import of one of ``names`` loads nothing until something of it is used."""
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = Later(name)

"""What several tests of the agent start from: a log to read, a source that can be broken, a plugin on disk."""

from __future__ import annotations

import logging
from pathlib import Path

from agent.readings import Readings


class Log(logging.Handler):
    """Keeps what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.sentences: list[str] = []
        self.logger = logging.Logger("agent")
        self.logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.sentences.append(record.getMessage())


class Source:
    """Tells a load of 0.5 as long as it works."""

    def __init__(self) -> None:
        self.works = True
        self.opened = 0
        self.read_count = 0

    def open(self) -> Source:
        """Open it."""
        self.opened += 1
        return self

    def read(self) -> Readings:
        """Its readings."""
        self.read_count += 1
        if not self.works:
            raise OSError("no such device")
        return {"load.1m": 0.5}


def plugin(folder: Path, name: str, text: str, mode: int = 0o755) -> Path:
    """An executable in ``folder``, which is made if need be."""
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n" + text + "\n")
    path.chmod(mode)
    return path


def alive(pid_file: Path) -> bool:
    """Whether the process whose number stands in the file runs; a zombie of somebody else's does not."""
    try:
        text = Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"

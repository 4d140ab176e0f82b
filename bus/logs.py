"""Log lines: sentences in logfmt or JSON, safe to print, without secrets."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import re
import select
import sys
import time
from pathlib import Path
from typing import TextIO

from bus.harmless import safe
from bus.tables import Bus

_SECRET = re.compile(
    r"(?i)(\b(?:token|password|secret|authorization|api_key)\b[\"']?\s*[=:]\s*[\"']?(?:bearer\s+)?)[^\s&\"',;]+"
)
_CUT = " ..."


def redacted(text: str) -> str:
    """``text`` with what looks like a secret's value replaced by ``***``."""
    return _SECRET.sub(r"\1***", text)


class Sentences(logging.Formatter):
    """``at=2026-11-23T12:00:00.000Z level=info collector: ...``; tracebacks and long lines stand in the file alone."""

    def __init__(self, name: str, form: str, *, tracebacks: bool, most: int = 0) -> None:
        """``most``: a line is cut to so many bytes, with its end; 0: it is not."""
        super().__init__()
        self._program = name
        self._json = form == "json"
        self._tracebacks = tracebacks
        self._most = most

    def format(self, record: logging.LogRecord) -> str:
        """One line, or one and a traceback."""
        text = safe(redacted(record.getMessage()))
        line = self._line(record, text)
        over = len(line.encode()) + 1 - self._most
        if self._most and over > 0:
            line = self._line(record, text.encode()[: -over - len(_CUT)].decode(errors="ignore") + _CUT)
        return line

    def _line(self, record: logging.LogRecord, text: str) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        level = record.levelname.lower()
        trace = self.formatException(record.exc_info) if self._tracebacks and record.exc_info else ""
        # An error's text may come from outside: no line of it begins as ours do.
        trace = "\n".join(f"  {safe(redacted(part))}" for part in trace.splitlines())
        if self._json:
            fields = {"at": at, "level": level, "program": self._program, "text": text}
            return json.dumps({**fields, "trace": trace} if trace else fields, ensure_ascii=False)
        line = f"at={at} level={level} {self._program}: {text}"
        return f"{line}\n{trace}" if trace else line


class Unblocking(logging.StreamHandler[TextIO]):
    """Lines to a pipe or a terminal, left out while nobody reads it: the file has them all.

    A pipe that says that it can be written to has room for ``PIPE_BUF`` bytes; who writes more may wait for ever.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line if there is room for it."""
        if self._has_room():
            super().emit(record)

    def _has_room(self) -> bool:
        poller = select.poll()
        try:
            poller.register(self.stream, select.POLLOUT)
            return bool(poller.poll(0))
        except (OSError, ValueError):  # closed, or no file at all as in tests
            return True


def opened(
    name: str, folder: Path | None, bus: Bus, *, level: str | None = None, stream: TextIO | None = None
) -> logging.Logger:
    """The program's logger: lines to ``stream`` (None: standard output), and to ``folder/<name>.log`` with rotation.

    What libraries log comes the same way, from warnings on.
    """
    log, everything = logging.getLogger("guardia"), logging.getLogger()
    log.setLevel((level or bus.log_level).upper())
    everything.setLevel(logging.WARNING)
    for old in list(everything.handlers):
        everything.removeHandler(old)
        with contextlib.suppress(OSError):  # its last line finds no room
            old.close()
    out = Unblocking(stream or sys.stdout)
    out.setFormatter(Sentences(name, bus.log_format, tracebacks=False, most=select.PIPE_BUF))
    everything.addHandler(out)
    if folder is not None:
        file = logging.handlers.RotatingFileHandler(
            folder / f"{name}.log", maxBytes=bus.log_bytes, backupCount=bus.log_files, encoding="utf-8"
        )
        file.setFormatter(Sentences(name, bus.log_format, tracebacks=True))
        everything.addHandler(file)
    # A log that cannot be written must not end what it tells about.
    logging.raiseExceptions = False
    return log

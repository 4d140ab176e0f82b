"""One question to the alerter, one answer, for commands that end after it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bus import home
from bus.asking import asked_at
from bus.judging import Question, read_answer
from bus.program import ROADS
from bus.questions import pack_question


def asked(folder: Path, question: Question) -> Any:
    """The alerter's answer; raises ``Unanswered``."""
    return read_answer(question, asked_at(folder / "run" / ROADS["alerter"], pack_question(question)))


def hub(config: str | None) -> Path:
    """The folder of the hub that a command means; raises ``ConfigError`` where there is no such configuration."""
    return home.home_path(home.named(config, os.environ), os.environ)

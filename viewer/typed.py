"""What keys do while the person types: a filter, a command, or an answer. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from viewer import acts, commands
from viewer.prompt import Prompt

if TYPE_CHECKING:
    from viewer.model import Model


def answer(model: Model, prompt: Prompt, key: str, now: float) -> None:
    """Edit the line that is asked for; Enter ends it, Esc gives it up. What a filter lets through is seen at once."""
    if prompt.kind == "filter":
        prompt.press(key)
        model.filter = "" if key == "escape" else prompt.text
        if key in ("enter", "escape"):
            model.prompt = None
    elif key == "escape" or (key == "backspace" and prompt.kind == "command" and not prompt.text):
        model.prompt = None
    elif key in ("tab", "backtab"):
        if prompt.kind == "command":
            prompt.complete(commands.completions(model, prompt.text), 1 if key == "tab" else -1)
    elif key in ("up", "down"):
        if prompt.kind == "command" and model.commands:
            model.commands.rotate(1 if key == "up" else -1)
            prompt.text = model.commands[0 if key == "up" else -1]
    elif key != "enter":
        prompt.press(key)
    elif prompt.kind != "command":
        acts.finish(model, prompt)
    else:
        _obey(model, prompt, now)


def _obey(model: Model, prompt: Prompt, now: float) -> None:
    try:
        commands.obey(model, prompt, now)
    except commands.Misused as fault:
        prompt.wrong = str(fault)
        return
    if prompt.text.strip() and prompt.text not in model.commands:
        model.commands.append(prompt.text)
    if model.prompt is prompt:
        model.prompt = None

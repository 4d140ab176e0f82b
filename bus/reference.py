"""What the declarations say, as text for people: every setting, every message. ``docs/protocol.md`` is made so.

python -m bus.reference > docs/protocol.md
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bus import sizes, timing, wire
from bus.drawers import Drawer, Mixed
from bus.messages import KINDS, MAX_BODY, MAX_METRICS, Kind
from bus.secret import Secret
from bus.settings import Setting, essence, is_list, settings_of, shown


def settings(tables: Mapping[str, type], lists: Mapping[str, type | Drawer | Mixed]) -> str:
    """Every setting as commented TOML: uncommenting a line changes nothing until its value is changed."""
    blocks = [
        [f"[{name}]", *(line for one in settings_of(table).values() for line in _lines(one))]
        for name, table in tables.items()
    ]
    blocks += [
        [f"# [[{name}]]", *(line for one in settings_of(table).values() for line in _lines(one))]
        for name, table in lists.items()
        if not isinstance(table, Drawer | Mixed)
    ]
    for name, mixed in lists.items():
        blocks += list(_kinds(name, mixed)) if isinstance(mixed, Mixed) else []
    for name, drawer in lists.items():
        blocks += list(_examples(name, drawer)) if isinstance(drawer, Drawer) else []
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _kinds(name: str, mixed: Mixed) -> Iterator[list[str]]:
    common = settings_of(mixed.base)
    for number, kind in enumerate(mixed.kinds()):
        record = mixed.record(kind)
        own = {key: one for key, one in settings_of(record).items() if key not in common}
        told = {**common, **own} if not number else {**{key: common[key] for key in ("name", "url")}, **own}
        head = [] if number else ["## What every service has stands in the first of these."]
        yield [*head, f"## {_first(record)}", f"# [[{name}]]", f'# {mixed.key} = "{kind}"'] + [
            line for one in told.values() for line in _lines(one)
        ]


def _first(record: type) -> str:
    return inspect.cleandoc(record.__doc__ or "").partition("\n\n")[0].replace("\n", " ").replace("``", "")


def _examples(name: str, drawer: Drawer) -> Iterator[list[str]]:
    for kind in drawer.kinds():
        record = drawer.record(kind)
        lines = [line for one in settings_of(record).values() for line in _lines(one)]
        yield [f"## {_first(record)}", f"# [{name}.{kind}-example]", f'# type = "{kind}"', *lines]


def _lines(one: Setting) -> Iterator[str]:
    # Text for people has two marks, a setting one: taking one mark away everywhere gives a whole file.
    choices = ", ".join(shown(choice) for choice in one.rule.choices if choice != "")
    yield f"## {one.rule.help}" + (f" {'Any' if is_list(one.annotation) else 'One'} of {choices}." if choices else "")
    unset = not one.required and one.fallback() is None
    yield f"## {one.name} = {_example(one)}" if unset else f"# {one.name} = {_written(one)}"


def _example(one: Setting) -> str:
    """What a value would look like, of a setting that has none by itself."""
    kind = essence(one.annotation)
    if kind is Secret:
        return '"file:PATH"'  # no secret can stand here to be tried
    return {"s": '"30s"', "bytes": '"1MB"'}.get(one.rule.unit, "true" if kind is bool else "3")


def _written(one: Setting) -> str:
    value: Any = ([] if is_list(one.annotation) else "") if one.required else one.fallback()
    if isinstance(value, bool):
        return str(value).lower()
    if one.rule.unit == "s" and value:
        return f'"{timing.in_words(value)}"'
    if one.rule.unit == "bytes" and value:
        return f'"{sizes.in_words(value)}"'
    if isinstance(value, tuple | list):
        return json.dumps(list(value))
    return json.dumps(value)


def protocol() -> str:
    """The messages and their frames, as Markdown."""
    frames = inspect.cleandoc(wire.__doc__ or "").partition("\n\n")[2].replace("``", "").replace("**", "")
    parts = [
        "# What travels",
        "Made from the declarations in `bus/messages.py` and `bus/wire.py` by `python -m bus.reference`; a test holds "
        "this page to them.",
        "## Frames",
        "```text\n" + frames + "\n```",
        f"Limits: a frame of {sizes.in_words(wire.MAX_FRAME)}, a body of {sizes.in_words(MAX_BODY)}, {MAX_METRICS} "
        "metrics a sample, names of 128 characters. Who sends a larger frame loses its connection; what is over the "
        "others is refused at the door, counted by reason and sender, and told in the log.",
        "## Kinds",
        "Every record says something of a *kind* about a *subject* (a host or a service) at an instant. The bodies are "
        "msgpack. Growth: a new field has a default, unknown fields are ignored, a new meaning gets a new name, and a "
        "code is never used twice.",
        *(_kind(kind) for kind in KINDS.values()),
    ]
    return "\n\n".join(parts) + "\n"


def _kind(kind: Kind) -> str:
    text = inspect.cleandoc(kind.message.__doc__ or "")
    if kind.name == "sample":
        body = "`[layout, values]`: the layout's id as an unsigned 64-bit number, the values as packed little-endian "
        return f"### {kind.name} ({kind.code})\n\n{text}\n\n{body}doubles in the layout's order, NaN for no reading."
    rows = ["| field | type | default |", "|---|---|---|"]
    for field in dataclasses.fields(kind.message):
        default = "required" if field.default is dataclasses.MISSING else f"`{field.default!r}`"
        rows.append(f"| `{field.name}` | {str(field.type).replace('|', 'or')} | {default} |")
    return f"### {kind.name} ({kind.code})\n\n{text}\n\n" + "\n".join(rows)


if __name__ == "__main__":
    print(protocol(), end="")

"""The reference of all settings: each has a reason, it is a file of defaults, and that is what is shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bus import config, rooms
from bus.drawers import Drawer, Mixed
from bus.reference import settings as reference
from bus.settings import settings_of
from tests.bus.test_config import PROJECT


def test_every_setting_has_a_reason() -> None:
    tables = {**rooms.tables()}
    for name, found in rooms.LISTS.items():
        if isinstance(found, Drawer | Mixed):
            tables |= {f"{name}.{kind}": found.record(kind) for kind in found.kinds()}
        else:
            tables[name] = found
    silent = [
        f"[{name}] {one.name}"
        for name, table in tables.items()
        for one in settings_of(table).values()
        if not one.rule.help
    ]
    assert silent == []


def test_the_reference_is_a_file_of_defaults_once_its_marks_are_taken_away(tmp_path: Path) -> None:
    text = reference(rooms.tables(), {})
    plain = "\n".join(line.removeprefix("# ") for line in text.splitlines() if not line.startswith("## "))
    path = tmp_path / "guardia.toml"
    path.write_text(plain)

    given = config.load(path, rooms.tables(), {})
    path.write_text("")
    assert dict(given) == dict(config.load(path, rooms.tables(), {}))


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("hosts", {"name": "web-1"}),
        ("rules", {"name": "hot", "when": "cpu.percent > 90"}),
        ("maintenance", {"name": "backups", "start": "02:00", "lasts": "2h"}),
        ("retention", {"subjects": ["test-*"], "keep_1m_seconds": "1d"}),
        ("scrapes", {"name": "shop", "url": "http://127.0.0.1:9000/metrics"}),
    ],
)
def test_a_table_of_a_list_without_its_marks_says_nothing_of_what_has_no_value_by_itself(
    name: str, needed: dict[str, Any], tmp_path: Path
) -> None:
    text = reference({}, {name: rooms.LISTS[name]})
    assert text.startswith(f"# [[{name}]]\n## ")
    plain = [line.removeprefix("# ") for line in text.splitlines() if not line.startswith("## ")]
    rest = [line for line in plain if line.partition(" = ")[0] not in needed]
    given = [f"{key} = {json.dumps(value)}" for key, value in needed.items()]
    path = tmp_path / "guardia.toml"
    path.write_text("\n".join([*rest, *given]))
    full = rooms.load(path)
    path.write_text("\n".join([f"[[{name}]]", *given]))
    assert full[name] == rooms.load(path)[name]


def test_the_reference_names_the_words_that_a_setting_may_be() -> None:
    text = reference(rooms.tables(), rooms.LISTS)
    assert '## How urgent it is; empty: warning. One of "info", "warning", "critical".\n# severity = ""' in text
    assert 'every day. Any of "mon", "tue", "wed", "thu", "fri", "sat", "sun".\n# days = []' in text


def test_the_hubs_configuration_lists_every_setting() -> None:
    shipped = (PROJECT / "etc" / "guardia.toml").read_text()
    assert shipped.endswith(reference(rooms.tables(), rooms.LISTS)), "make it anew: guardia check --settings"


@pytest.mark.parametrize("name", ["guardia.toml", "minimal.toml", "agent.toml"])
def test_what_is_shipped_is_right(name: str) -> None:
    rooms.load(PROJECT / "etc" / name)

"""Named tables of several kinds, and on which line of a file each key stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus import config
from bus.config import ConfigError, Objection, Secret, setting
from bus.drawers import Complaint, Drawer
from bus.places import places
from bus.reference import settings as reference

# -- lines ---

KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
VALUES = st.sampled_from(["1", '"a"', "[1,\n 2, # two\n 3]", '"""x\n[y]\nz = 1"""', "{ a = 1 }", "'#'", '"\\""'])


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_each_key_is_found_on_its_line(tables: dict[str, dict[str, str]]) -> None:
    lines: list[str] = []
    wanted: dict[tuple[str | int, ...], int] = {}
    for table, keys in tables.items():
        lines.append(f"[{table}]  # a table")
        wanted[table,] = len(lines)
        for key, value in keys.items():
            wanted[table, key] = len(lines) + 1
            lines.extend(f"{key} = {value}".split("\n"))
    text = "\n".join(lines)
    tomllib.loads(text)

    found = places(text)

    assert {place: found[place] for place in wanted} == wanted


# -- named tables of several kinds ---


@dataclass(frozen=True)
class Bell:
    """A thing that rings."""

    tone: str = setting("high", help="How it sounds.")


@dataclass(frozen=True)
class Telegraph:
    """A thing that ticks."""

    key: Secret = setting(help="What opens it.")  # noqa: RUF009
    speed: int = setting(10, minimum=1, help="Letters a second.")
    after: str = setting("", help="What comes next.")


KINDS = {"bell": f"{__name__}:Bell", "telegraph": f"{__name__}:Telegraph"}


def in_line(records: Mapping[str, Any]) -> Iterator[Complaint]:
    """What comes next has to be there."""
    for name, record in records["signals"].items():
        after = getattr(record, "after", "")
        if after and after not in records["signals"]:
            yield ("signals", name), Objection("after", f'"{after}"', "a signal of this file")


SIGNALS = Drawer(f"{__name__}:KINDS", together=f"{__name__}:in_line")


def signals(tmp_path: Path, text: str) -> config.Settings:
    path = tmp_path / "guardia.toml"
    path.write_text(text)
    return config.load(path, {}, {"signals": SIGNALS}, environment={"KEY": "s3same"})


def test_a_named_table_is_read_as_its_type_says(tmp_path: Path) -> None:
    text = "[signals.door]\ntype = 'bell'\n[signals.far]\ntype = 'telegraph'\nkey = '${KEY}'\nafter = 'door'\n"

    found = signals(tmp_path, text)

    assert found["signals"] == {"door": Bell(), "far": Telegraph(Secret("s3same"), after="door")}
    assert found.secrets() == ("s3same",)
    assert "s3same" not in repr(found["signals"])


def test_all_faults_of_named_tables_are_told_at_once_with_the_nearest_right_word(tmp_path: Path) -> None:
    text = (
        "[signals.door]\ntype = 'bel'\n[signals.far]\ntype = 'telegraph'\nkey = 's3same'\nspede = 0\n"
        "[signals.none]\ntone = 'low'\n[signals.'a b']\ntype = 'bell'\n"
    )
    with pytest.raises(ConfigError) as error:
        signals(tmp_path, text)
    told = str(error.value)
    words = [
        ':2: [signals.door] type: found "bel", expected "bell" or "telegraph"; did you mean bell?',
        ":5: [signals.far] key: found the secret itself",
        ":6: [signals.far] spede: found an unknown setting",
        "did you mean speed?",
        ":7: [signals] none: found no type",
        ':9: [signals] a b: found the name "a b"',
    ]

    assert not [word for word in words if word not in told], told
    assert "s3same" not in told


@pytest.mark.parametrize("text", ["signals = 1", "signals = [1]", "[signals]\nx = 1", "[signals.x]\ntype = 1"])
def test_what_is_no_named_table_is_a_fault(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        signals(tmp_path, text)


def test_what_does_not_go_together_is_told_with_its_line(tmp_path: Path) -> None:
    text = "[signals.far]\ntype = 'telegraph'\nkey = '${KEY}'\nafter = 'dor'\n"
    with pytest.raises(ConfigError, match=r':4: \[signals.far\] after: found "dor", expected a signal'):
        signals(tmp_path, text)


def test_named_tables_stand_in_the_reference_as_examples_that_are_marked_off(tmp_path: Path) -> None:
    text = reference({}, {"signals": SIGNALS})
    plain = "\n".join(line.removeprefix("# ") for line in text.splitlines() if not line.startswith("## "))

    assert all(line.startswith("#") for line in text.splitlines() if line)
    assert "## A thing that rings." in text
    assert signals(tmp_path, plain.replace('key = ""', "key = '${KEY}'"))["signals"].keys() == {
        "bell-example",
        "telegraph-example",
    }

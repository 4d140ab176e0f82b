"""The documentation: what is generated is fresh, what is linked exists, what is printed to be typed is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bus.command import COMMANDS
from bus.reference import protocol

PROJECT = Path(__file__).resolve().parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\bguardia ([a-z]+(?: [a-z]+)?)")
TARGET = re.compile(r"\bmake ([a-z./]+)")
CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)
FOLDERS = "bus|agent|collector|store|alerter|prober|api|viewer|etc|tests|benchmarks|docs"
FILE = re.compile(rf"`((?:{FOLDERS})/[A-Za-z0-9_./]+)`")


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def test_the_protocols_page_is_as_declared() -> None:
    assert (PROJECT / "docs" / "protocol.md").read_text() == protocol(), "python -m bus.reference > docs/protocol.md"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: {link}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{name(page)}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_each_row_of_a_table_has_as_many_cells_as_its_head(page: Path) -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        rows = table.splitlines()
        widths = [len(re.split(r"(?<!\\)\|", row)) for row in rows]
        wrong = [row for row, wide in zip(rows, widths, strict=True) if wide != widths[0]]
        assert not wrong, f"{name(page)}: {wrong[0]}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_exist(page: Path) -> None:
    found = {path.rstrip("./") for path in FILE.findall(page.read_text(encoding="utf-8"))}
    made_by_users = {"etc/agent.d", "etc/agent.d/queue", "etc/prober/guardia.toml"}
    missing = {path for path in found if not (PROJECT / path).exists() and path not in made_by_users}
    assert not missing, f"{name(page)} names {', '.join(sorted(missing))}"


def test_what_changed_stands_under_a_part_and_a_bold_word() -> None:
    part = word = ""
    for line in (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            part, word = line, ""
        elif line.startswith("**"):
            word = line
        elif line.startswith("- "):
            placed = part.startswith("### ") and word and not line.startswith("- **")
            assert placed, f"{line}: CHANGELOG.md says at its top where a line belongs"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_nobody_is_sent_to_supervisord_for_logs_that_are_files(page: Path) -> None:
    text = (PROJECT / "etc" / "guardia.conf").read_text()
    programs = re.findall(r"^\[program:([a-z-]+)\]", text, re.MULTILINE)
    assert "stdout_logfile=/dev/fd/1" in text, "supervisord keeps what programs print, and could be asked for it"
    followed = rf"\btail (?:-f )?(?:{'|'.join(programs)})\b(?!\.)"
    assert not re.search(followed, page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_tests_that_are_named_exist(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    there = set()
    if named:
        for file in (PROJECT / "tests").rglob("test_*.py"):
            there |= {file.stem, *re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))}
    assert not named - there, f"{name(page)} names {', '.join(sorted(named - there))}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_and_targets_exist(page: Path) -> None:
    makefile = (PROJECT / "Makefile").read_text()
    text = "\n".join("".join(found) for found in CODE.findall(page.read_text(encoding="utf-8")))
    for command in COMMAND.findall(text):
        assert command in COMMANDS or command.split()[0] in COMMANDS, f"{name(page)}: guardia {command}"
    for target in TARGET.findall(text):
        known = re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) or target == ".venv/made"
        assert known, f"{name(page)}: make {target}"


def test_each_decision_has_a_number_of_its_own_and_begins_with_it() -> None:
    numbers = []
    for page in sorted((PROJECT / "docs" / "decisions").glob("0*.md")):
        numbers.append(int(page.name[:4]))
        assert page.read_text(encoding="utf-8").startswith(f"# {numbers[-1]}. ")
    assert numbers == list(range(1, len(numbers) + 1))

"""The tables of settings in ``docs/checks.md``, from the records: ``python -m prober.reference docs/checks.md``.

The page is written by hand, but for what stands between ``<!-- settings of http -->`` and ``<!-- end -->``, which is
made from the check's record and put in anew. A test compares.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from bus import rooms, sizes, timing
from bus.secret import Secret
from bus.settings import Setting, essence, is_list, is_map, settings_of, shown
from bus.tables import Service
from prober.checks import CHECKS
from prober.checks.common import Reaching
from prober.checks.securing import Securing

_BLOCK = re.compile(r"(<!-- settings of (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
REACHING = {name: one for name, one in settings_of(Reaching).items() if name not in settings_of(Service)}
EVERY, TLS = "every", "securing"
"""The words of the two tables that several checks share."""


def fresh(page: str) -> str:
    """The page with its tables as the records are now."""
    return _BLOCK.sub(lambda found: f"{found[1]}{table(found[2])}{found[3]}", page)


def table(word: str) -> str:
    """The settings of one check beside those that it shares; of ``every`` check; of those that speak TLS."""
    shared = settings_of(Service)
    if word == EVERY:
        own = [*shared.values(), *REACHING.values()]
    elif word == TLS:
        own = [one for name, one in settings_of(Securing).items() if name not in shared and name not in REACHING]
    else:
        record = rooms.SERVICES.record(word)
        known = settings_of(Securing) if issubclass(record, Securing) else {**shared, **REACHING}
        own = [one for name, one in settings_of(record).items() if name not in known or _differs(one, known[name])]
    rows = [f"| `{one.name}` | {_default(one)} | {_meaning(one)} |" for one in own]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows]) + "\n"


def words() -> list[str]:
    """All tables that the page should have."""
    return [EVERY, TLS, *CHECKS]


def _differs(one: Setting, other: Setting) -> bool:
    return one.default != other.default or one.rule.help != other.rule.help


def _meaning(one: Setting) -> str:
    choices = ", ".join(f"`{choice}`" for choice in one.rule.choices if choice != "")
    return one.rule.help.replace("|", "\\|") + (f" One of {choices}." if choices else "")


def _default(one: Setting) -> str:
    if one.required:
        return "needed"
    value = one.fallback()
    if value is None or (value == "" and essence(one.annotation) is Secret):
        return "none"
    if one.rule.unit == "s":
        return f'`"{timing.in_words(value)}"`' if value else "`0`"
    if one.rule.unit == "bytes":
        return f'`"{sizes.in_words(value)}"`' if value else "`0`"
    if is_list(one.annotation) or is_map(one.annotation):
        return "`[]`" if is_list(one.annotation) else "`{}`"
    return f"`{shown(value)}`"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(fresh(file.read_text(encoding="utf-8")), encoding="utf-8")

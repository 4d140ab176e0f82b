"""What a series of Prometheus's is called here. Pure.

node_load1 0.2                                          node.node_load1
node_disk_read_bytes_total{device="sda"} 4096           node[device=sda].node_disk_read_bytes_per_s
shop_seconds_bucket{le="0.1",path="/cart"} 7            shop[path=/cart].shop_p99_seconds, and so on

The labels stand in the order of their names, since programs may tell them in any. An empty one counts as none, as for
Prometheus. What would end a label or an instance stands as %XX, the bytes of UTF-8, and so does the sign of percent
itself: no two sets of labels are the same instance.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

LONGEST_FIELD, LONGEST_INSTANCE = 64, 160
"""As ``bus.messages.METRIC`` has them."""
# Possessive throughout: no line, whatever is in it, takes longer than its length.
_SERIES = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*+)(?:[ \t]*+\{((?:[^\"}]|\"(?:[^\"\\]|\\.)*+\")*+)\})?", re.ASCII)
_LABEL = re.compile(r"\s*+([A-Za-z_][A-Za-z0-9_]*+)\s*+=\s*+\"((?:[^\"\\]|\\.)*+)\"\s*+(?:,|\Z)", re.ASCII)
_ESCAPED = re.compile(r"\\([\\n\"])")
_MEANT = {"\\": "\\", "n": "\n", '"': '"'}
_UNFIT = re.compile(r"[%,\[\]\x00-\x1f\x7f-\x9f]")
_UNITS = ("_seconds", "_bytes")
SHOWN = 80


class Unfit(ValueError):
    """A series that cannot be told; the text says why."""


def split(text: str) -> tuple[str, dict[str, str], str]:
    """The name, the labels and what follows them in a line; raises ``Unfit``."""
    match = _SERIES.match(text)
    if match is None:
        raise Unfit(f"{text[:SHOWN]!r} is no series")
    return match[1], _labels(match[2] or "", text), text[match.end() :]


def _labels(inside: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while inside[at:].strip():
        match = _LABEL.match(inside, at)
        if match is None or match[1] in found:
            raise Unfit(f"{text[:SHOWN]!r} has labels that are none")
        found[match[1]] = _ESCAPED.sub(lambda sign: _MEANT[sign[1]], match[2])
        at = match.end()
    return {name: value for name, value in found.items() if value}


def begin(group: str, labels: Mapping[str, str], shown: str) -> str:
    """What stands before the field: ``group.`` or ``group[instance].``; raises ``Unfit`` where that is too long."""
    if not labels:
        return f"{group}."
    instance = ",".join(f"{name}={_UNFIT.sub(_percent, labels[name])}" for name in sorted(labels))
    if len(instance) > LONGEST_INSTANCE:
        raise Unfit(f"{shown}: labels of {len(instance)} letters, at most {LONGEST_INSTANCE}")
    return f"{group}[{instance}]."


def _percent(sign: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in sign[0].encode())


def field(name: str, suffix: str = "") -> str:
    """The field of a series; raises ``Unfit`` where it is too long. Colons, which fields have not, become points."""
    whole = f"{name.replace(':', '.')}{suffix}"
    if len(whole) > LONGEST_FIELD:
        raise Unfit(f"{name[:SHOWN]}: {whole[:SHOWN]} has {len(whole)} letters, at most {LONGEST_FIELD}")
    return whole


def per_second(name: str) -> str:
    """The field of a counter: ``requests_per_s`` of ``requests_total``."""
    return field(name.removesuffix("_total"), "_per_s")


def within(name: str, what: str) -> str:
    """The field of ``what`` is in a distribution, its unit at the end: ``wait_p99_seconds`` of ``wait_seconds``."""
    unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
    return field(name.removesuffix(unit), f"_{what}{unit}")


def percentile(share: float) -> str:
    """``p99`` of 0.99, and ``p99_9`` of 0.999."""
    return f"p{share * 100:g}".replace(".", "_")


def bases(name: str) -> Iterator[tuple[str, str]]:
    """Of which families a series of this name may be a part, and as what."""
    for suffix in ("_bucket", "_count", "_sum", "_created", "_total"):
        if name.endswith(suffix):
            yield name.removesuffix(suffix), suffix

"""Numbers as a person reads them: short, with their unit, never wider than promised. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

NOTHING = "–"
"""What stands where there is no reading; never 0."""

_BINARY = ("", "K", "M", "G", "T", "P", "E")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")


def known(value: float | None) -> bool:
    """Whether there is a finite reading."""
    return value is not None and math.isfinite(value)


def share(value: float | None) -> str:
    """Percent in at most 4 characters: ``12%``, ``100%``."""
    return f"{_held(value, 990):.0f}%" if value is not None and math.isfinite(value) else NOTHING


def percent(value: float | None) -> str:
    """Percent in at most 5 characters: ``12.3%``, ``100%``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    held = _held(value, 9990)
    return f"{held:.1f}%" if -9.95 < held < 99.95 else f"{held:.0f}%"


def amount(value: float | None) -> str:
    """Bytes in at most 4 characters, by 1,024: ``512``, ``1.2K``, ``34G``."""
    return _scaled(value, _BINARY, 1024.0)


def count(value: float | None) -> str:
    """A plain count in at most 4 characters, by 1,000: ``512``, ``1.2k``."""
    return _scaled(value, _DECIMAL, 1000.0)


def size(value: float | None) -> str:
    """Bytes with their unit, in at most 8 characters: ``512 B``, ``1.2 GiB``."""
    short = amount(value)
    if short == NOTHING:
        return short
    return f"{short[:-1]} {short[-1]}iB" if short[-1].isalpha() else f"{short} B"


def celsius(value: float | None) -> str:
    """A temperature in at most 6 characters: ``48°C``."""
    return f"{_held(value, 999):.0f}°C" if value is not None and math.isfinite(value) else NOTHING


def number(value: float | None, digits: int = 2) -> str:
    """A plain number such as a load: ``0.42``, ``12.3``, ``134``; at most 5 characters."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 9999.5:
        return count(value)
    return f"{value:.{0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else digits}f}"


def milliseconds(value: float | None) -> str:
    """A response time: ``85 ms``, ``1.25 s``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:.0f} ms" if abs(value) < 999.5 else f"{number(value / 1000)} s"


def age(seconds: float | None) -> str:
    """How long, in at most 5 characters: ``2 s``, ``59 m``, ``5 h``, ``12 d``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    whole = max(0, int(seconds))
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if whole >= length:
            return f"{min(whole // length, 999)} {unit}"
    return f"{whole} s"


def uptime(seconds: float | None) -> str:
    """How long, in two parts: ``12d 4h``, ``4h 12m``, ``3m 8s``."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return NOTHING
    whole = int(min(seconds, 8.64e9))
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {whole % 60}s"


@dataclass(frozen=True, slots=True)
class Units:
    """The units that a person likes: bytes by 1,024 or by 1,000, rates in bytes or bits, degrees of one kind."""

    decimal: bool = False
    bits: bool = False
    """Whether what a network moves is told in bits."""
    fahrenheit: bool = False

    @property
    def base(self) -> float:
        """What a kilobyte has."""
        return 1000.0 if self.decimal else 1024.0

    def amount(self, value: float | None) -> str:
        """Bytes in at most 4 characters."""
        return count(value) if self.decimal else amount(value)

    def size(self, value: float | None) -> str:
        """Bytes with their unit, in at most 8 characters: ``1.2 GiB`` or ``1.3 GB``."""
        return _with_unit(count(value), "B") if self.decimal else size(value)

    def rate(self, value: float | None, *, network: bool = False) -> str:
        """Bytes per second, or bits for a network; in at most 10 characters."""
        if network and self.bits:
            text = _with_unit(count(None if value is None else value * 8), "bit")
        else:
            text = self.size(value)
        return text if text == NOTHING else f"{text}/s"

    def flow(self, value: float | None, *, network: bool = False) -> str:
        """The same for the scale of a chart, in at most 4 characters."""
        return count(None if value is None else value * 8) if network and self.bits else self.amount(value)

    def of(self, used: float | None, total: float | None) -> str:
        """``3.5 of 7.7 GiB``; the unit is named once where it is the same."""
        return _of(self.size(used), self.size(total))

    def of_short(self, used: float | None, total: float | None) -> str:
        """``3.5G/7.7G``, at most 9 characters."""
        left, right = self.amount(used), self.amount(total)
        return NOTHING if left == right == NOTHING else f"{left}/{right}"

    def temperature(self, value: float | None) -> str:
        """A temperature, given in Celsius, in at most 6 characters: ``48°C`` or ``118°F``."""
        if value is None or not math.isfinite(value) or not self.fahrenheit:
            return celsius(value)
        return f"{_held(self.degrees(value), 999):.0f}°F"

    def degrees(self, value: float) -> float:
        """Celsius as the person counts them."""
        return value * 9 / 5 + 32 if self.fahrenheit else value


USUAL = Units()
"""Bytes by 1,024, and Celsius."""


def _with_unit(short: str, unit: str) -> str:
    if short == NOTHING:
        return short
    return f"{short[:-1]} {short[-1]}{unit}" if short[-1].isalpha() else f"{short} {unit}"


def _of(left: str, right: str) -> str:
    if NOTHING in (left, right):
        return f"{left} of {right}" if left != right else NOTHING
    number, _, unit = left.partition(" ")
    return f"{number} of {right}" if right.endswith(f" {unit}") else f"{left} of {right}"


def _held(value: float, most: float) -> float:
    return max(-most / 10, min(most, value))


def _scaled(value: float | None, names: tuple[str, ...], base: float) -> str:
    if value is None or not math.isfinite(value):
        return NOTHING
    sign, rest = ("-", -value) if value <= -0.5 else ("", abs(value))
    for name in names:
        if rest < 999.5 or name == names[-1]:
            small = name and rest < 9.95 and not sign
            return f"{sign}{rest:.1f}{name}" if small else f"{sign}{min(rest, 999):.0f}{name}"
        rest /= base
    raise AssertionError("the last unit takes everything")

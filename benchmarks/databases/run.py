"""What one run of sustained ingest showed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Run:
    """``values`` were durable after ``seconds``; ``cpu`` seconds of the server's programs, their start left out."""

    name: str
    values: int
    seconds: float
    cpu: dict[str, float]
    notes: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Million values a second."""
        return self.values / self.seconds / 1e6

    @property
    def each(self) -> float:
        """CPU seconds for a million values."""
        return sum(self.cpu.values()) / (self.values / 1e6)

    def line(self) -> str:
        """For people."""
        parts = ", ".join(f"{name} {spent / (self.values / 1e6):.3f}" for name, spent in self.cpu.items())
        notes = "".join(f"; {note}" for note in self.notes)
        return (
            f"{self.name}: {self.values / 1e6:.1f} million values in {self.seconds:.1f} s, {self.rate:.2f} million/s,"
            f" {self.each:.3f} CPU s per million ({parts}){notes}"
        )

"""What ``guardia heartbeat`` tells of a job."""

from __future__ import annotations

from prober.command import legible


def test_what_a_job_says_is_told_whatever_its_bytes_are() -> None:
    assert legible("Gerät voll") == "Gerät voll"
    argument = "Gerät voll".encode("latin-1").decode("utf-8", "surrogateescape")
    assert legible(argument) == "Ger\N{REPLACEMENT CHARACTER}t voll"

"""A command on the hub: the notice as JSON on its standard input, the main words in its environment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alerter import phrases
from alerter.channels.common import KEY_HEADER, Carries, Channel, cut, packed
from alerter.channels.webhook import Webhook
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome
from bus.config import Objection, Secret, setting

TEMPORARY = 75
"""The exit code with which a command asks to be tried again (EX_TEMPFAIL of sysexits.h); so does 1."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""What it gets of our own environment; secrets may be in the rest."""


@dataclass(frozen=True, kw_only=True)
class Command(Channel):
    """A program and its arguments; no shell reads them."""

    command: tuple[str, ...] = setting(help='The program and its arguments: ["/usr/local/bin/tell", "ops"].')
    environment: dict[str, Secret] = setting({}, help="Further variables, which may be secrets.")

    def objections(self) -> Iterator[Objection]:
        """A program is found by its path, not by luck."""
        yield from super().objections()
        if not self.command or not Path(self.command[0]).is_absolute():
            yield Objection(
                "command", "no absolute path" if self.command else "nothing", "a path such as /usr/bin/logger"
            )

    def send(self, letter: Letter, carrier: Carries, link: str = "") -> Outcome:
        """Run it; exit code 0 has delivered, 1 and 75 ask to be tried again, others refuse for good."""
        try:
            child = subprocess.Popen(  # noqa: S603, the operator wrote it
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environment(letter, link),
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            return Never(f"{self.command[0]}: {(error.strerror or 'it cannot be started').lower()}")
        try:
            _, said = child.communicate(self._told(letter, link), timeout=self.timeout)
        except subprocess.TimeoutExpired as late:
            # What it left running may hold the pipe, in a session of its own even: only itself is waited for.
            said = late.stderr or b""
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                return Later(None, f"it was not done within {self.timeout:g} s", maybe=True)
        finally:
            _close(child)
        words = cut(" ".join(said.decode("utf-8", "replace").split()), 160)
        if child.returncode == 0:
            return Delivered("exit code 0")
        why = f"exit code {child.returncode}{f': {words}' if words else ''}"
        return (
            Later(None, why, maybe=True) if child.returncode in (1, TEMPORARY) or child.returncode < 0 else Never(why)
        )

    def _told(self, letter: Letter, link: str) -> bytes:
        body = Webhook(url="http://unused.invalid/", title=self.title, text=self.text).message(letter, link)
        return packed(body) + b"\n"

    def _environment(self, letter: Letter, link: str) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        words = {f"GUARDIA_{name.upper()}": text for name, text in phrases.fields(letter.first, link).items()}
        told = {
            "GUARDIA_TITLE": self.head(letter, link),
            "GUARDIA_TEXT": self.body(letter, link),
            f"GUARDIA_{KEY_HEADER.upper().replace('-', '_')}": letter.key,
        }
        everything = {**kept, **words, **told, **{name: one.reveal() for name, one in self.environment.items()}}
        return {name: text.replace("\0", "") for name, text in everything.items()}


def _close(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stderr):
        with contextlib.suppress(OSError):  # it did not read all that it was told
            if pipe is not None:
                pipe.close()

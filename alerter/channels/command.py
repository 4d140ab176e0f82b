"""A command on the hub: the notice as JSON on its standard input, the main words in its environment."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alerter import phrases
from alerter.channels.common import KEY_HEADER, Carries, Channel, packed
from alerter.channels.webhook import Webhook
from alerter.letters import Letter
from alerter.outbox import Delivered, Later, Never, Outcome
from bus.config import Objection, Secret, setting
from bus.harmless import cut
from bus.running import inherited, objections, ran

TEMPORARY = 75
"""The exit code with which a command asks to be tried again (EX_TEMPFAIL of sysexits.h); so does 1."""
PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
"""Why it cannot be started now, and yet can a moment later."""
MOST_VARIABLE = 30_000
"""Characters of a variable: with one of 128 KiB (MAX_ARG_STRLEN, execve(2)) no program is started at all."""


@dataclass(frozen=True, kw_only=True)
class Command(Channel):
    """A program and its arguments; no shell reads them. What it leaves running has until the timeout as well."""

    command: tuple[str, ...] = setting(help='The program and its arguments: ["/usr/local/bin/tell", "ops"].')
    environment: dict[str, Secret] = setting({}, help="Further variables, which may be secrets.")

    def objections(self) -> Iterator[Objection]:
        """It has to be one that can be run."""
        yield from super().objections()
        yield from objections(self.command, self.environment)

    def send(self, letter: Letter, carrier: Carries) -> Outcome:
        """Run it; exit code 0 has delivered, 1 and 75 ask to be tried again, others refuse for good."""
        try:
            found = ran(self.command, self._environment(letter), self._told(letter), self.timeout)
        except OSError as error:
            return unstarted(self.command[0], error)
        if found.code is None:
            return Later(None, f"it was not done within {self.timeout:g} s", maybe=True)
        if found.code == 0:
            return Delivered("exit code 0")
        words = cut(" ".join(found.said.decode("utf-8", "replace").split()), 160)
        why = f"exit code {found.code}{f': {words}' if words else ''}"
        return Later(None, why, maybe=True) if found.code in (1, TEMPORARY) or found.code < 0 else Never(why)

    def _told(self, letter: Letter) -> bytes:
        body = Webhook(url="http://unused.invalid/", title=self.title, text=self.text).message(letter)
        return packed(body) + b"\n"

    def _environment(self, letter: Letter) -> Mapping[str, str]:
        words = {f"GUARDIA_{name.upper()}": text for name, text in phrases.fields(letter.first, letter.link).items()}
        told = {
            "GUARDIA_TITLE": self.head(letter),
            "GUARDIA_TEXT": self.body(letter),
            f"GUARDIA_{KEY_HEADER.upper().replace('-', '_')}": letter.key,
        }
        told = {name: cut(text, MOST_VARIABLE) for name, text in {**words, **told}.items()}
        everything = {**inherited(), **told, **{name: one.reveal() for name, one in self.environment.items()}}
        return {name: text.replace("\0", "") for name, text in everything.items()}


def unstarted(program: str, error: OSError) -> Outcome:
    """What it means that ``program`` could not be started."""
    why = f"{program}: {(error.strerror or 'it cannot be started').lower()}"
    return Later(None, why) if error.errno in PASSING else Never(why)

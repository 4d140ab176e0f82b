"""DNS: does a name server know a name, and does it say what it should?"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bus.config import Objection, setting
from prober.checks.securing import Securing, opened
from prober.outcome import DOWN, UNKNOWN, UP, Failed, Outcome
from prober.probe import Probe

if TYPE_CHECKING:
    from prober.asking import Answer, Question
    from prober.trust import Seen

RECORDS = ("A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB",
           "TLSA", "TXT")  # fmt: skip
CODES = ("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED")
PORTS = {"udp": 53, "tcp": 53, "tls": 853}
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Dns(Securing):
    """A name: a name server, or that of this machine, has records of it, and the right ones."""

    record: str = setting("A", choices=RECORDS, help="The type of the records that are asked for.")
    answers: tuple[str, ...] = setting(
        (), help='What has to be among the records: ["192.0.2.1"], ["10 mail.example."] for MX.'
    )
    only: bool = setting(False, help="Whether there may be no records beside these.")
    answer_pattern: str = setting("", help="A regular expression that one of the records has to match somewhere.")
    expected_code: str = setting(
        "NOERROR", choices=CODES, help="What the name server has to say: NXDOMAIN where the name must not be."
    )
    authoritative: bool = setting(False, help="Whether the server has to answer for the zone itself.")
    transport: str = setting("udp", choices=("udp", "tcp", "tls"), help="How it is asked; too long for udp: by tcp.")

    def objections(self) -> Iterator[Objection]:
        """A name is needed, and answers that can be such."""
        yield from super().objections()
        try:
            name = self._asked
        except ValueError:
            return
        if not name or "/" in name:
            yield Objection("url", f'"{self.url}"', "a name as in dns://192.0.2.53/shop.example, or dns:shop.example")
        version = {"A": 4, "AAAA": 6}.get(self.record)
        for text in self.answers if version else ():
            try:
                right = ipaddress.ip_address(text).version == version
            except ValueError:
                right = False
            if not right:
                yield Objection("answers", f'"{text}"', f"an IPv{version} address for {self.record}")
        if self.only and not self.answers:
            yield Objection("only", "true without answers", "answers as well", "add answers = [...]")
        try:
            re.compile(self.answer_pattern)
        except re.error as error:
            yield Objection("answer_pattern", f'"{self.answer_pattern}"', f"a regular expression ({error})")

    @property
    def secure(self) -> bool:
        """If it is to."""
        return self.transport == "tls"

    def prepare(self) -> None:
        """Load what speaks DNS."""
        super().prepare()
        with suppress(Failed):
            _ = self._question

    def look(self, probe: Probe) -> Outcome:
        """Ask, and judge the records."""
        from prober import asking, servers

        _ = self._question  # what is none is no server's fault
        if host := self.parts().hostname:
            answer, seen = self._answer(host, probe, ours=False)
            return self._dated(self._judged(answer), seen, probe)
        told = servers.asked(
            asking.system_servers(), lambda one: self._answer(one, probe, ours=True), self.expected_code, probe
        )
        found = self._judged(told.answer)
        reason = f"{found.reason} (by {told.host})" if found.reason else ""
        found = replace(found, reason=reason, metrics={**found.metrics, "server": float(told.number)})
        return self._dated(found, told.seen, probe)

    def _answer(self, host: str, probe: Probe, *, ours: bool) -> tuple[Answer, Seen | None]:
        from prober import asking, trust

        port = self.parts().port or PORTS[self.transport]
        if self.transport == "tls":
            with opened(self, probe, host, port, "") as line:
                seen = trust.seen(line, verified=self.tls_verify)
                return asking.by_stream(line, self._question, probe), seen
        by = asking.by_tcp if self.transport == "tcp" else asking.by_udp
        return by(host, port, self._question, probe, ours=ours), None

    def _dated(self, found: Outcome, seen: Seen | None, probe: Probe) -> Outcome:
        return found if seen is None else self.dated(found, seen, probe)

    def _judged(self, answer: Answer) -> Outcome:
        metrics = {"answers": float(len(answer.texts))}
        if answer.ttl is not None:
            metrics["ttl_seconds"] = float(answer.ttl)
        wrong = self._wrong(answer)
        return Outcome(DOWN if wrong else UP, wrong or "", metrics=metrics, reached=True)

    def _wrong(self, answer: Answer) -> str | None:
        if answer.code != self.expected_code:
            return f"it answered {answer.code}, expected {self.expected_code}"
        if self.authoritative and not answer.authoritative:
            return "it does not answer for the zone itself"
        if self.expected_code != "NOERROR":
            return None
        if not answer.texts:
            return f"there is no {self.record} record of {self._asked}"
        told = ", ".join(answer.texts[:SHOWN]) + (" and more" if len(answer.texts) > SHOWN else "")
        for text in self.answers:
            if self._question.same(text) not in answer.texts:
                return f"the answer is {told}, expected {text}"
        wanted = {self._question.same(text) for text in self.answers}
        if self.only and (others := [text for text in answer.texts if text not in wanted]):
            return f"{others[0]} is among the answers, expected only {', '.join(self.answers)}"
        if self.answer_pattern and not any(re.search(self.answer_pattern, text) for text in answer.texts):
            return f"the answer is {told}, expected one that matches /{self.answer_pattern}/"
        return None

    @property
    def _asked(self) -> str:
        return unquote(self.parts().path.strip("/"))

    @cached_property
    def _question(self) -> Question:
        from prober.asking import Question

        try:
            question = Question(self._asked, self.record)
            for text in self.answers:
                question.same(text)
        except ValueError as error:
            raise Failed(str(error), UNKNOWN) from None
        return question

"""HTTP for channels: one request, one deadline, no redirects, only to addresses that are allowed.

The name is resolved once, every address is looked at, and the connection goes to one that was looked at: a name that
answers differently a moment later gains nothing. The only file of the room that knows ``requests``.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from alerter.channels.common import Answer, Post, Refused, Unreached
from alerter.names import NOBODY, Names, own_name
from bus.addresses import network, refusal
from bus.deadline import Deadline, within
from bus.interim import FinalResponse, Unanswered
from bus.patience import Pooled
from bus.reasons import causes_of

MOST_BYTES = 65_536
"""What is read of an answer."""
OWN_SECONDS = 2.0
"""So long at most, and a quarter of the time, this machine is asked for its own name, which hardly matters."""
LEAST_SHARE = 2.0
"""Of several addresses none takes more than its share of the time, but so many seconds: the next one may answer."""
SETTING = "[notify] private_networks"
"""What allows more addresses."""
SILENT = "the name servers do not answer for its name"
Resolve = Callable[[str, int], Sequence[tuple[Any, ...]]]


def resolved(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    """What the system says about a name."""
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


@dataclass(frozen=True)
class Carrier:
    """Carries requests; ``allowed`` networks are reached though they are not public."""

    allowed: tuple[str, ...] = ()
    proxy: str = ""
    authority: str = ""
    """A file of certificates to trust in place of the system's."""
    resolve: Resolve = field(default=resolved)
    called: Callable[[], str] = field(default=own_name)
    """Says what this machine calls itself."""
    names: Names = field(default_factory=Names)

    def post(self, post: Post, seconds: float) -> Answer:
        """Send it and read the answer within ``seconds``; raises ``Unreached`` or ``Refused``."""
        with within(seconds) as deadline:
            try:
                return self._carried(post, deadline)
            except requests.RequestException as error:
                raise _unreached(error, deadline, seconds) from None
            except OSError:  # the library looks for that file before it connects
                raise Unreached(f"the file of certificates {self.authority or 'of the library'} is not there") from None

    def _carried(self, post: Post, deadline: Deadline) -> Answer:
        with requests.Session() as session:
            session.trust_env = False
            adapter = _Adapter(self, deadline)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            answer = session.request(
                post.method,
                post.url,
                headers={"User-Agent": "guardia", **post.headers},
                data=post.body,
                timeout=deadline.left(),
                allow_redirects=False,
                stream=True,
                verify=self.authority or True,
                proxies={"http": self.proxy, "https": self.proxy} if self.proxy else {},
            )
            if deadline.over:  # what was cut looks like a whole head
                raise requests.ReadTimeout
            body = b""
            # Its status has said what it makes of it: whatever its body does, it is not told again for that.
            with suppress(HTTPError, HTTPException, OSError):
                body = answer.raw.read(MOST_BYTES, decode_content=False) or b""
            return Answer(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)

    def dial(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """A connection to an allowed address of ``host``; raises ``OSError`` or ``Refused``."""
        found = self._addresses(host, port, deadline)
        if not self.proxy:
            for _, _, _, _, address in found:
                if why := refusal(address[0], self.allowed, SETTING):
                    raise Refused(f"{host}: {why}" if host != address[0] else why)
        return _connected(host, found, deadline)

    def connect(self, host: str, port: int, deadline: Deadline) -> socket.socket:
        """A connection to any address of ``host``; raises ``OSError``."""
        return _connected(host, self._addresses(host, port, deadline), deadline)

    def _addresses(self, host: str, port: int, deadline: Deadline) -> Sequence[tuple[Any, ...]]:
        if network(host.partition("%")[0]) is not None:
            return self.resolve(host, port)  # of a number no name server is asked
        return self.names.answer((host, port), lambda: self.resolve(host, port), deadline.left())

    def own_name(self, deadline: Deadline) -> str:
        """What this machine calls itself, where it can be found out soon."""
        try:
            return self.names.answer(None, self.called, min(OWN_SECONDS, deadline.left() / 4))
        except (OSError, UnicodeError):
            return NOBODY


def _connected(host: str, found: Sequence[tuple[Any, ...]], deadline: Deadline) -> socket.socket:
    last = OSError(f"{host} has no address")
    for place, (family, kind, protocol, _, address) in enumerate(found):
        left = deadline.left()
        try:
            with ExitStack() as opened:
                connection = opened.enter_context(socket.socket(family, kind, protocol))
                connection.settimeout(min(left, max(left / (len(found) - place), LEAST_SHARE)))
                connection.connect(address)
                connection.settimeout(deadline.left())
                deadline.watch(connection)
                opened.pop_all()
                return connection
        except OSError as error:
            last = error
    raise last


class _Adapter(Pooled):
    """Makes connections through the carrier's ``dial``."""

    def __init__(self, carrier: Carrier, deadline: Deadline) -> None:
        def dial(connection: HTTPConnection) -> socket.socket:
            try:
                return carrier.dial(connection.host, connection.port or connection.default_port, deadline)
            except OSError as error:
                raise NewConnectionError(connection, _plain(error)) from error

        class Plain(HTTPConnection):
            response_class = FinalResponse

            def _new_conn(self) -> socket.socket:
                return dial(self)

        class Secure(HTTPSConnection):
            response_class = FinalResponse

            def _new_conn(self) -> socket.socket:
                return dial(self)

        super().__init__(Plain, Secure)

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = self._pools
        return manager


def _unreached(error: requests.RequestException, deadline: Deadline, seconds: float) -> Unreached:
    """What went wrong in words of our own: those of the library carry the address with its secrets."""
    causes = causes_of(error)
    if isinstance(error, ValueError):  # the library does not even begin
        return Unreached("its address or a header is none that can be sent")
    sent = isinstance(error, requests.ReadTimeout) or not isinstance(error, requests.ConnectionError)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Unreached(f"its certificate is not trusted: {cause.verify_message or 'it does not verify'}")
    for cause in causes:
        if isinstance(cause, NewConnectionError):
            why = _reason(causes)
            return Unreached("it cannot be reached in time" if deadline.over and why != SILENT else why)
    if deadline.over or isinstance(error, requests.Timeout):
        return Unreached(f"no answer within {seconds:g} s", maybe=True)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Unreached(f"TLS fails: {(cause.reason or 'no common ground').lower().replace('_', ' ')}")
        if isinstance(cause, Unanswered):
            return Unreached("it gives interim answers (1xx) and never the answer", maybe=True)
    return Unreached("the connection broke off" if not sent else "its answer is no HTTP", maybe=True)


def _reason(causes: Sequence[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return SILENT if cause.errno == socket.EAI_AGAIN else "its name has no address"
        if isinstance(cause, OSError) and cause.strerror and not isinstance(cause, requests.RequestException):
            return cause.strerror.lower()
    return "it cannot be reached"


def _plain(error: OSError) -> str:
    return (error.strerror or "no connection").lower()

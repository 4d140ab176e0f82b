"""HTTP answers that only come before the answer: 100 Continue, 102 Processing, 103 Early Hints (RFC 9110, 15.2).

``http.client`` skips 100, however often it comes, and takes all others for the answer. A connection whose
``response_class`` is ``FinalResponse`` skips all, up to a limit. 101 is an answer: we never ask for another protocol.
"""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse

MOST = 16
"""So many are skipped before an answer."""
MOST_BYTES = 65_536
"""So much they may have in their heads, together."""
SWITCHING = 101


class Unanswered(HTTPException):
    """One interim answer came after the other, and never the answer."""


class FinalResponse(HTTPResponse):
    """A response that begins where the interim ones end."""

    def _read_status(self) -> tuple[str, int, str]:
        left = MOST_BYTES
        for _ in range(MOST + 1):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == SWITCHING:
                return version, status, reason
            while (line := self.fp.readline(left + 1)) not in (b"\r\n", b"\n", b""):
                left -= len(line)
                if left < 0:
                    raise Unanswered(f"more than {MOST_BYTES} bytes of interim answers")
        raise Unanswered(f"more than {MOST} interim answers")

"""A mail server on loopback that answers as it is told, and keeps what came."""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from email import message_from_string
from email.message import Message
from types import TracebackType

from tests.ports import free_port


class Mailer:
    """Takes mails; ``recipient`` is what it answers to each of them, or to each its own, the last one's also to more.

    ``bye`` is what it answers to a goodbye; empty: nothing. ``mute``: it never greets; ``endless``: it never comes to
    the end of that; ``breaks``: it ends the connection when it has the mail.
    """

    def __init__(
        self,
        recipient: str | list[str] = "250 ok",
        *,
        bye: str = "221 bye",
        mute: bool = False,
        endless: bool = False,
        breaks: bool = False,
    ) -> None:
        self.mails: list[Message] = []
        self.recipients: list[str] = []
        """Who was taken, mail after mail."""
        mails, recipients = self.mails, self.recipients
        answers = [recipient] if isinstance(recipient, str) else recipient

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    self._talk()

            def _talk(self) -> None:
                if mute:
                    self.rfile.read()  # until who waits for a word has gone
                    return
                while endless:
                    self.say("220-a moment please")
                    time.sleep(0.02)
                self.say("220 mail.example")
                left = list(answers)
                while line := self.rfile.readline().decode().strip():
                    word = line.split()[0].upper()
                    if word == "DATA":
                        self.say("354 go on")
                        text = []
                        while (part := self.rfile.readline().decode()) not in (".\r\n", ""):
                            text.append(part)
                        mails.append(message_from_string("".join(text)))
                        if breaks:
                            return
                        self.say("250 taken")
                    elif word == "QUIT":
                        if bye:
                            self.say(bye)
                        else:
                            time.sleep(1.0)
                        return
                    elif word == "RCPT":
                        answer = left.pop(0) if len(left) > 1 else left[0]
                        if answer.startswith("250"):
                            recipients.append(line.partition("<")[2].partition(">")[0])
                        self.say(answer)
                    else:
                        self.say("250 ok")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", free_port()), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Mailer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

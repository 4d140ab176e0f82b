"""The store's query server: takes questions over ZeroMQ or at its desk, and hands back answers."""

from __future__ import annotations

from collections.abc import Callable

import zmq

from bus.sockets import Answer
from bus.vitals import Vitals
from store.answers import Answers, Outlook
from store.backends import Backend

AT_ONCE = 32
"""Questions answered before the loop looks at anything else."""


def answering(backend: Backend, vitals: Vitals, outlook: Outlook | None = None) -> Callable[[bytes], bytes]:
    """Questions to answers, counted; ``outlook`` as ``Answers`` takes it."""

    answers = Answers(backend, outlook=outlook)

    def answer(question: bytes) -> bytes:
        vitals.count("reader.questions")
        return answers.to(question)

    return answer


def counter(answer: Answer, backend: Backend, vitals: Vitals, outlook: Outlook | None = None) -> Callable[[], None]:
    """The handler for the socket on which questions come as [who asks, number, question]."""

    reply_to = answering(backend, vitals, outlook)

    def serve() -> None:
        for _ in range(AT_ONCE):
            try:
                frames = answer.raw.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(frames) != 3:
                vitals.count("reader.malformed")
                continue
            who, number, question = frames
            reply = [who, number, reply_to(question)]
            try:
                answer.raw.send_multipart(reply, zmq.NOBLOCK)
            except zmq.ZMQError:
                vitals.count("reader.unheard")  # who asked is gone or does not listen

    return serve

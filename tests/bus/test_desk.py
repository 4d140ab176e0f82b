"""A desk: every question gets its own answer, and nobody is held up by another."""

from __future__ import annotations

import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.desk import HEAD, MOST_QUESTION, Desk, Inbox, told
from bus.loop import Loop, Timer
from bus.wire import Malformed
from tests.descriptors import no_more_files

MESSAGES = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=40)), max_size=8)


@given(MESSAGES, st.lists(st.integers(1, 30), min_size=1))
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    messages: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    inbox, found, stream = Inbox(40), [], b"".join(told(*one) for one in messages)
    at = turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        found += inbox.feed(stream[at : at + size])
        at, turn = at + size, turn + 1
    assert found == messages


def test_what_is_longer_than_it_may_be_is_refused_before_it_has_come() -> None:
    inbox = Inbox(40)
    assert inbox.feed(HEAD.pack(41, 1)[:5]) == []
    with pytest.raises(Malformed, match="41 bytes"):
        inbox.feed(HEAD.pack(41, 1)[5:])


class House:
    """A desk that answers in capitals, and those who ask there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = Loop()
        self.asked: list[bytes] = []
        self.desk = Desk(self.loop, path, self._answered)
        self.visitors: list[socket.socket] = []

    def _answered(self, question: bytes) -> bytes:
        self.asked.append(question)
        return b"x" * int(question[1:]) if question.startswith(b"#") else question.upper()

    def visitor(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(self.path))
        made.setblocking(False)
        self.visitors.append(made)
        return made

    def answers(self, visitor: socket.socket, count: int) -> list[tuple[int, bytes]]:
        """The next ``count`` answers, while the desk's loop goes round."""
        inbox = Inbox(2**30)
        found: list[tuple[int, bytes]] = []
        while len(found) < count:
            self.loop.pass_once(0.01)
            try:
                data = visitor.recv(100_000)
            except BlockingIOError:
                continue
            assert data, "hung up"
            found += inbox.feed(data)
        return found

    def gone(self, visitor: socket.socket) -> bool:
        """Whether the desk hung up, after at most a second."""
        for _ in range(100):
            self.loop.pass_once(0.01)
            try:
                if not visitor.recv(100_000):
                    return True
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return True
        return False


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "desk")
    yield made
    made.desk.close()
    for one in made.visitors:
        one.close()


def test_many_ask_at_once_and_get_their_own_answers_in_order(house: House) -> None:
    visitors = [house.visitor() for _ in range(5)]
    for place, visitor in enumerate(visitors):
        for number in range(40):
            visitor.send(told(number, b"question %d of %d" % (number, place)))
    for place, visitor in enumerate(visitors):
        expected = [(number, b"QUESTION %d OF %d" % (number, place)) for number in range(40)]
        assert house.answers(visitor, 40) == expected


def test_a_long_answer_comes_whole_and_who_does_not_read_it_holds_up_nobody(house: House) -> None:
    slow, quick = house.visitor(), house.visitor()
    slow.send(told(1, b"#5000000") + told(2, b"after it"))
    while not house.asked:
        house.loop.pass_once(0.01)
    for number in range(20):
        quick.send(told(number, b"now"))
        assert house.answers(quick, 1) == [(number, b"NOW")]
    assert b"after it" not in house.asked  # who does not read is asked for nothing more
    assert house.answers(slow, 2) == [(1, b"x" * 5_000_000), (2, b"AFTER IT")]


def test_who_leaves_in_the_middle_or_sends_rubbish_is_let_go(house: House) -> None:
    leaving, rubbish, staying = house.visitor(), house.visitor(), house.visitor()
    leaving.send(told(1, b"#5000000"))
    while not house.asked:
        house.loop.pass_once(0.01)
    leaving.close()
    rubbish.send(HEAD.pack(MOST_QUESTION + 1, 1))
    assert house.gone(rubbish)
    staying.send(told(7, b"still there"))
    assert house.answers(staying, 1) == [(7, b"STILL THERE")]


def test_the_desk_is_its_owners_takes_a_dead_ones_place_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "desk"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    house = House(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    visitor = house.visitor()
    visitor.send(told(1, b"hello"))
    assert house.answers(visitor, 1) == [(1, b"HELLO")]
    sockets = Path("/proc/net/unix")
    assert sockets.read_text().count(str(path)) == 2
    house.desk.close()
    assert not path.exists()
    assert str(path) not in sockets.read_text()
    assert house.gone(visitor)
    visitor.close()


def test_without_a_file_for_one_more_it_rests_and_lets_them_in_later(tmp_path: Path) -> None:
    pauses: list[tuple[float, Callable[[], None]]] = []

    class Short(Loop):
        def after(self, seconds: float, handler: Callable[[], None]) -> Timer:
            pauses.append((seconds, handler))
            return super().after(3600.0, handler)

    loop = Short()
    desk = Desk(loop, tmp_path / "desk", bytes.upper)
    visitor = socket.socket(socket.AF_UNIX)
    visitor.connect(str(tmp_path / "desk"))
    visitor.sendall(told(1, b"question"))
    with no_more_files():
        loop.pass_once(1.0)
        loop.pass_once(0.0)
    [(seconds, again)] = pauses
    assert seconds > 0
    again()
    loop.pass_once(1.0)
    loop.pass_once(1.0)
    visitor.settimeout(30.0)
    assert visitor.recv(100) == told(1, b"QUESTION")
    visitor.close()
    desk.close()

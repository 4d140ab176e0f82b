"""HTTP: where redirects and names lead, and where they may not."""

from __future__ import annotations

import socket
import threading

import pytest

from bus.config import Secret
from prober.checks.http import Http
from prober.names import Names
from prober.outcome import DOWN, UNKNOWN, UP
from tests.ports import free_port, has_ipv6
from tests.prober.checks.looking import WORD, look
from tests.prober.site import Site, answer, floods, ok, to
from tests.prober.targets import listening, silent, tried

# -- redirects ---


def test_a_redirect_is_followed_with_its_cookies_and_forgets_them(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", Set_Cookie="session=1"), "/b": answer(body=b"here"), "": ok}
    check = Http(name="shop", url=f"{at}/a", body_pattern="here")
    assert [tried(check).status, tried(check).status] == [UP, UP]
    assert [one.path for one in site.asked] == ["/a", "/b", "/a", "/b"]
    assert ["cookie" in one.headers for one in site.asked] == [False, True, False, True]


def test_what_is_wrong_behind_a_redirect_is_told_with_its_place(at: str, site: Site) -> None:
    site.pages = {"/a": to(f"/b?key={WORD}"), "/b": answer("404 Not Found")}
    assert look(f"{at}/a").reason == f"answered 404 Not Found from {at}/b, expected 200-299"


def test_a_redirect_that_is_expected_is_not_followed(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", "301 Moved Permanently"), "/b": to("/c"), "/c": ok}
    assert look(f"{at}/a", expected_status="301", expected_headers={"Location": "^/b$"}).http_status == 301
    assert look(f"{at}/a", expected_status="302").http_status == 302
    assert look(f"{at}/a").http_status == 200


def test_a_name_server_that_hangs_does_not_keep_us() -> None:
    stop = threading.Event()

    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        stop.wait(30)
        return []

    found = look("http://shop.example/", seconds=0.3, names=Names(ask))
    stop.set()
    assert (found.status, found.reason) == (DOWN, "the name servers do not answer for shop.example")


def test_a_circle_of_redirects_ends(at: str, site: Site) -> None:
    site.pages[""] = to("/again")
    found = look(at, redirects=3)
    assert (found.status, found.reason) == (DOWN, "it redirects more than 3 times")
    assert len(site.asked) == 4


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("ftp://127.0.0.1/x", "it redirects to ftp://127.0.0.1/x, which is no HTTP"),
        ("http://[", "it redirects to what is no address"),
        ("http://127.0.0.1:99999/", "it redirects to what is no address"),
    ],
)
def test_a_redirect_to_nowhere_is_told(at: str, site: Site, place: str, reason: str) -> None:
    site.pages[""] = to(place)
    assert look(at).reason == reason


def test_a_redirect_without_end_is_not_read(at: str, site: Site) -> None:
    site.pages = {"/a": floods(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n"), "/b": ok}
    assert look(f"{at}/a").status == UP


def test_what_hangs_behind_a_redirect_is_told_by_what_it_hangs_in(at: str, site: Site) -> None:
    with listening(silent) as port:
        site.pages[""] = to(f"https://127.0.0.1:{port}/")
        assert look(f"{at}/", seconds=1.0).reason == "no answer within 1 s while agreeing on TLS"


def test_secrets_stay_with_the_first_host(at: str, site: Site) -> None:
    other = Site()
    with listening(other) as port:
        site.pages = {"/a": to(f"http://127.0.0.1:{port}/x"), "/b": to("/c"), "": ok}
        for path in ("a", "b"):
            look(f"{at}/{path}", token=Secret(WORD), secret_headers={"X-Key": Secret(WORD)}, headers={"X-Team": "ops"})
    (elsewhere,) = other.asked
    assert "authorization" not in elsewhere.headers
    assert "x-key" not in elsewhere.headers
    assert elsewhere.headers["x-team"] == "ops"
    assert site.asked[-1].path == "/c"
    assert site.asked[-1].headers["x-key"] == WORD


def test_a_secret_body_is_not_sent_to_another_host(at: str, site: Site) -> None:
    other = Site()
    with listening(other) as port:
        site.pages = {"/b": to("/c", "307 Temporary Redirect"), "": ok}
        for path, status in (("/a", "308 Permanent Redirect"), ("/d", "303 See Other")):
            site.pages[path] = to(f"http://127.0.0.1:{port}{path}", status)
        found = {path: look(f"{at}/{path}", method="POST", secret_body=Secret(WORD)) for path in "abd"}
    assert found["a"].status == DOWN
    assert found["a"].reason.startswith(f"it redirects to http://127.0.0.1:{port}/a, where its secret body")
    assert (found["b"].status, site.asked[2].body) == (UP, WORD.encode())
    assert [(one.method, one.path, one.body) for one in other.asked] == [("GET", "/d", b"")]


def test_a_form_that_was_posted_is_followed_as_browsers_do(at: str, site: Site) -> None:
    site.pages = {"/a": to("/b", "303 See Other"), "/c": to("/d", "307 Temporary Redirect"), "": ok}
    look(f"{at}/a", method="POST", body="x")
    look(f"{at}/c", method="POST", body="x")
    assert [(one.method, one.body) for one in site.asked] == [
        ("POST", b"x"),
        ("GET", b""),
        ("POST", b"x"),
        ("POST", b"x"),
    ]


# -- where it leads ---


def names(*addresses: str) -> Names:
    """A resolver that says something else each time."""
    left = list(addresses)

    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    return Names(ask)


def test_a_name_that_leads_inside_is_not_followed(at: str, site: Site) -> None:
    port = at.rpartition(":")[2]
    found = tried(Http(name="shop", url=f"http://shop.example:{port}/"), names=names("127.0.0.1"), allowed=())
    assert found.status == UNKNOWN
    assert found.reason.startswith("shop.example: 127.0.0.1 is this machine's own")
    assert site.asked == []


def test_a_redirect_inside_is_not_followed(at: str, site: Site) -> None:
    inside = Site()
    with listening(inside, host="127.0.0.2") as port:
        site.pages[""] = to(f"http://127.0.0.2:{port}/latest/meta-data/")
        found = tried(Http(name="shop", url=at), allowed=("127.0.0.1",))
    assert found.status == UNKNOWN
    assert "127.0.0.2 is this machine's own; [prober] private_networks can allow it" in found.reason
    assert inside.asked == []


def test_a_name_that_changes_its_address_is_looked_up_once_a_connection(at: str, site: Site) -> None:
    port = at.rpartition(":")[2]
    rebinding = names("127.0.0.1", "127.0.0.9")
    check = Http(name="shop", url=f"http://shop.example:{port}/")
    first = tried(check, names=rebinding, allowed=("127.0.0.1",))
    second = tried(check, names=rebinding, allowed=("127.0.0.1",))
    assert (first.status, second.status) == (UP, UNKNOWN)
    assert len(site.asked) == 1


def test_a_name_without_an_address_is_told() -> None:
    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    found = look("http://shop.example/", names=Names(ask))
    assert (found.status, found.reason) == (DOWN, "the name shop.example has no address")


def test_a_name_may_be_tried_by_one_kind_of_address_alone(at: str, site: Site) -> None:
    def ask(host: str, port: int) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]

    port = at.rpartition(":")[2]
    url, both = f"http://shop.example:{port}/", Names(ask)
    assert look(url, names=both, ip="4").status == UP
    assert look(url, names=both).status == UP
    assert look(url, names=both, ip="6").status == (DOWN if has_ipv6() else UNKNOWN)
    assert look(url, names=names("127.0.0.1"), ip="6").reason == "the name shop.example has no address of IPv6"


def test_nobody_there_is_told() -> None:
    port = free_port()
    assert look(f"http://127.0.0.1:{port}").reason == f"connection refused by 127.0.0.1:{port}"

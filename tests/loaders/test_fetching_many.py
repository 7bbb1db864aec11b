"""Several pages at once from a server on loopback that hangs, fails and breaks off."""

from __future__ import annotations

import signal
import sys
import threading
import time

import pytest

from nbkit.errors import DocumentError
from nbkit.loaders.fetching_many import fetch_many
from nbkit.loaders.limits import Limits

HEAD = b"HTTP/1.1 200 X\r\ncontent-type: text/markdown\r\ncontent-length: 999\r\n\r\n"
WAIT_S = 5.0


def fetched(urls, folder, web, **options):
    return dict(fetch_many(urls, folder, network=web.network, **options))


def threads():
    return [one for one in threading.enumerate() if one.name == "nbkit-fetch"]


def test_each_url_has_its_file_in_the_order_given(web, tmp_path):
    urls = [web.put(f"/{number}.md", f"# Page {number}") for number in range(12)]
    found = list(fetch_many(urls, tmp_path, network=web.network))
    assert [url for url, _ in found] == urls
    assert [one.path.read_text() for _, one in found] == [f"# Page {number}" for number in range(12)]
    assert len({one.path for _, one in found}) == 12


def test_no_url_is_nothing(web, tmp_path):
    assert fetched([], tmp_path, web) == {}


def test_pages_that_fail_are_their_reasons_and_the_others_are_there(web, tmp_path):
    reasons = {
        web.drop("/breaks.md"): "the connection broke",
        web.redirect("/", "/none"): "HTTP 404",
        web.redirect("/within", "https://127.0.0.1/secret"): "not of the open internet",
        web.redirect("/plain", "http://93.184.215.14/"): "needs https",
        web.redirect("/round", "/round"): "redirects more than",
        web.put("/film", b"x", kind="video/mp4"): "it is video/mp4, and no loader reads that",
        web.put("/large.md", b"x" * 1001): "more than 1,000 bytes",
        "https://10.0.0.1/": "not of the open internet",
    }
    good = [web.put(f"/{number}.md", "# Care") for number in range(3)]
    found = fetched([good[0], *reasons, *good[1:]], tmp_path, web, limits=Limits(file_bytes=1000))
    assert {url: why in found[url].why for url, why in reasons.items()} == dict.fromkeys(reasons, True)
    assert all(found[url].path.read_text() == "# Care" for url in good)
    assert len(list(tmp_path.iterdir())) == len(good)


@pytest.mark.parametrize("after", [b"", HEAD, HEAD + b"# Ca"])
def test_one_that_hangs_holds_up_no_other_and_ends_with_the_deadline(web, tmp_path, after):
    slow, quick = web.hang("/slow.md", after=after), web.put("/quick.md", "# Care")
    found = fetched([slow, quick], tmp_path, web, timeout_s=0.3)
    assert "it took too long" in found[slow].why
    assert found[quick].path.read_text() == "# Care"
    assert list(tmp_path.iterdir()) == [found[quick].path]


def test_a_body_that_comes_byte_by_byte_ends_with_the_deadline(web, tmp_path):
    def trickle(connection):
        connection.sendall(HEAD)
        for _ in range(500):
            connection.sendall(b"x")
            time.sleep(0.01)

    web.pages["/slow.md"] = trickle
    url = "https://93.184.215.14/slow.md"
    assert "it took too long" in fetched([url], tmp_path, web, timeout_s=0.3)[url].why


def test_redirects_share_one_deadline(web, tmp_path):
    url = web.redirect("/a", "/b")
    web.hang("/b")
    assert "it took too long" in fetched([url], tmp_path, web, timeout_s=0.3)[url].why


def test_when_the_iteration_ends_early_all_connections_are_cut_and_nobody_is_waited_for(web, tmp_path):
    quick = web.put("/quick.md", "# Care")
    slow = [web.hang(f"/{number}", after=HEAD) for number in range(8)]
    found = fetch_many([quick, *slow], tmp_path, network=web.network)
    assert next(found)[0] == quick
    assert all(web.hanging.acquire(timeout=WAIT_S) for _ in range(4))
    found.close()
    assert all(web.given_up.acquire(timeout=WAIT_S) for _ in range(4))
    for thread in threads():
        thread.join(WAIT_S)
    assert threads() == []
    assert len(web.asked) == 5
    assert [one.name for one in tmp_path.iterdir() if one.read_bytes() != b"# Care"] == []


def interrupted_once(happened, found):
    """Goes through the outcomes until a real interrupt comes, which is sent when something has happened."""
    main = threading.get_ident()

    def send():
        happened()
        signal.pthread_kill(main, signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(found)
    finally:
        sender.join()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_an_interrupt_is_heard_while_all_hang_and_ends_them(web, tmp_path):
    urls = [web.hang(f"/{number}") for number in range(4)]
    interrupted_once(
        lambda: [web.hanging.acquire(timeout=WAIT_S) for _ in urls], fetch_many(urls, tmp_path, network=web.network)
    )
    assert all(web.given_up.acquire(timeout=WAIT_S) for _ in urls)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")
def test_what_is_still_connecting_when_an_interrupt_comes_asks_for_nothing(web, tmp_path):
    reached, go_on = threading.Event(), threading.Event()

    class Slow(type(web.network)):
        def connect_tcp(self, *args, **options):
            reached.set()
            go_on.wait(WAIT_S)
            return super().connect_tcp(*args, **options)

    slow = Slow(web.network._port)
    interrupted_once(lambda: reached.wait(WAIT_S), fetch_many([web.put("/a.md", "# Care")], tmp_path, network=slow))
    go_on.set()
    for thread in threads():
        thread.join(WAIT_S)
    assert web.asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_threads_do_not_hold_up_the_end_of_the_process(web, tmp_path):
    web.hang("/slow")
    found = fetch_many([web.put("/a.md", "# Care"), "https://93.184.215.14/slow"], tmp_path, network=web.network)
    next(found)
    assert all(thread.daemon for thread in threads())
    found.close()


def test_a_bug_keeps_its_traceback(web, tmp_path, monkeypatch):
    class Broken(type(web.network)):
        def connect_tcp(self, *args, **options):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(fetch_many(["https://93.184.215.14/"], tmp_path, network=Broken(1)))


def test_outcomes_are_errors_that_draw_as_three_lines(web, tmp_path):
    [(_, found)] = fetch_many(["https://93.184.215.14/none?token=abc"], tmp_path, network=web.network)
    assert isinstance(found, DocumentError)
    assert len(str(found).splitlines()) == 3
    assert "abc" not in str(found)

"""Pages from the open internet, and from nowhere else."""

from __future__ import annotations

import gzip
import threading

import httpcore
import pytest

from nbkit.errors import DocumentError
from nbkit.loaders.fetching import fetch, is_public
from nbkit.loaders.limits import Limits

_PUBLIC = "https://93.184.215.14"


class Web(httpcore.MockBackend):
    """Answers each connection with the next of the answers, and keeps the addresses asked for."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__([])
        self.answers, self.asked = list(answers), []

    def connect_tcp(self, host, port, *args, **options):
        self.asked.append(host)
        return httpcore.MockStream([self.answers.pop(0)])


def answer(body=b"# Care", status="200 OK", **headers):
    fields = {"Content-Length": str(len(body)), "Content-Type": "text/markdown"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def redirect(place):
    return answer(b"", status="302 Found", Location=place)


def refused(url, tmp_path, *answers, **options):
    with pytest.raises(DocumentError) as caught:
        fetch(url, tmp_path, network=Web(*answers), **options)
    assert list(tmp_path.iterdir()) == []
    return caught.value


def test_a_page_is_written_below_the_folder(tmp_path):
    found = fetch(f"{_PUBLIC}/care.md?token=x", tmp_path, network=Web(answer()))
    assert found.path.parent == tmp_path
    assert (found.path.suffix, found.path.read_bytes(), found.media_type) == (".md", b"# Care", "text/markdown")


@pytest.mark.parametrize(
    ("path", "kind", "suffix"),
    [
        ("/", "text/html; charset=utf-8", ".html"),
        ("/a.php", "text/html", ".html"),
        ("/a.md", "text/html", ".html"),
        ("/report", "application/pdf", ".pdf"),
        ("/a.csv", "application/octet-stream", ".csv"),
        ("/notes", "text/x-notes", ".txt"),
        ("/deck", "application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx"),
        ("/sheet", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
        ("/letter", "application/vnd.openxmlformats-officedocument.wordprocessingml.document; v=1", ".docx"),
        ("/run", "application/x-ipynb+json", ".ipynb"),
    ],
)
def test_the_kind_is_that_of_the_answer_or_the_name(tmp_path, path, kind, suffix):
    assert fetch(f"{_PUBLIC}{path}", tmp_path, network=Web(answer(Content_Type=kind))).path.suffix == suffix


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:0:7f00:1::",
        "no address",
        "fec0::1",
        "::7f00:1",
        "::93.184.215.14",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::93.184.215.14",
        "2002:a00:1::",
        "2002:c0a8:101::1",
        "2001:0:5db8:d70e::",
        "2606:2800:21f:cb07:0:5efe:10.0.0.1",
        "2001:db8::1",
        "100::1",
        "5f00::1",
        "4000::1",
        "192.88.99.1",
        "240.0.0.1",
    ],
)
def test_addresses_that_not_everybody_may_reach_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14",
    "::ffff:0:93.184.215.14", "64:ff9b::93.184.215.14", "2002:5db8:d70e::1", "2a00:1450:4001::8a"])  # fmt: skip
def test_addresses_of_the_open_internet_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "file:///etc/passwd",
        "ftp://93.184.215.14/",
        "https://",
        "https://user:password@93.184.215.14/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://a.localhost/",
        "https://printer.local/",
        "https://93.184.215.14:0/",
        "https://93.184.215.14:x/",
        "https://[",
        "no url",
    ],
)
def test_addresses_that_may_not_be_asked_are_refused_without_a_connection(tmp_path, url):
    assert refused(url, tmp_path).fix


def test_a_name_that_resolves_to_this_machine_is_refused(tmp_path):
    # Written so that no rule about names knows it; the resolver does.
    assert "open internet" in refused("https://127.1/", tmp_path).why


@pytest.mark.parametrize("place", ["https://127.0.0.1/", "http://93.184.215.14/", "//10.0.0.1/x", "https://127.1/"])
def test_a_redirect_is_held_to_the_same_rules(tmp_path, place):
    assert refused(f"{_PUBLIC}/", tmp_path, redirect(place)).why


def test_a_redirect_is_followed_and_named(tmp_path):
    web = Web(redirect("/b.md"), redirect("https://93.184.215.15/c.md"), answer())
    assert fetch(f"{_PUBLIC}/a", tmp_path, network=web).url == "https://93.184.215.15/c.md"
    assert web.asked == ["93.184.215.14", "93.184.215.14", "93.184.215.15"]


def test_redirects_without_end_are_refused(tmp_path):
    assert "redirects" in refused(f"{_PUBLIC}/", tmp_path, *[redirect("/") for _ in range(9)]).why


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "204 No Content"])
def test_an_answer_that_is_no_page_is_refused(tmp_path, status):
    assert status[:3] in refused(f"{_PUBLIC}/", tmp_path, answer(b"", status=status)).why


def test_a_body_beyond_the_cap_is_refused_packed_or_not(tmp_path):
    limits = Limits(file_bytes=1000)
    assert "1,000" in refused(f"{_PUBLIC}/", tmp_path, answer(b"x" * 1001), limits=limits).why
    bomb = answer(gzip.compress(b"x" * 10_000_000), Content_Encoding="gzip")
    assert "1,000" in refused(f"{_PUBLIC}/", tmp_path, bomb, limits=limits).why


def test_a_packed_body_is_unpacked(tmp_path):
    web = Web(answer(gzip.compress(b"# Care"), Content_Encoding="gzip"))
    assert fetch(f"{_PUBLIC}/a.md", tmp_path, network=web).path.read_bytes() == b"# Care"


def test_a_body_that_breaks_off_is_refused(tmp_path):
    assert refused(f"{_PUBLIC}/", tmp_path, answer(b"# Care", Content_Length="99")).why


def test_no_error_holds_the_query(tmp_path):
    assert "token" not in str(refused(f"{_PUBLIC}/?token=abc", tmp_path, answer(b"", status="403 No")))


def test_a_server_that_is_not_there_is_refused(tmp_path, monkeypatch):
    class Down(Web):
        def connect_tcp(self, host, port, *args, **options):
            raise httpcore.ConnectError

    with pytest.raises(DocumentError, match="no connection"):
        fetch(f"{_PUBLIC}/", tmp_path, network=Down())


@pytest.mark.parametrize("kind", ["video/mp4", "application/octet-stream", "image/png", ""])
def test_what_no_loader_reads_is_refused_before_its_content_is_fetched(tmp_path, kind):
    class Endless(httpcore.MockStream):
        def read(self, max_bytes, timeout=None):
            return super().read(max_bytes, timeout) if self._buffer else pytest.fail("the content was read")

    class Films(Web):
        def connect_tcp(self, host, port, *args, **options):
            return Endless([answer(b"", Content_Type=kind, Content_Length="9000000")])

    with pytest.raises(DocumentError, match="no loader reads that") as caught:
        fetch(f"{_PUBLIC}/film", tmp_path, network=Films())
    assert (kind or "does not say") in caught.value.why
    assert list(tmp_path.iterdir()) == []


def test_errors_name_neither_login_nor_query_nor_fragment(tmp_path):
    place = "https://me:hunter@93.184.215.14/b?token=hunter#access_token=hunter"
    for said in (refused(place, tmp_path), refused(f"{_PUBLIC}/", tmp_path, redirect(place))):
        assert "hunter" not in str(said)
    fragment = refused(f"{_PUBLIC}/", tmp_path, redirect("/b#access_token=hunter"), answer(b"", status="404 No"))
    assert "hunter" not in str(fragment)
    assert "/b" in fragment.what
    large = refused(f"{_PUBLIC}/b#hunter", tmp_path, answer(b"xx"), limits=Limits(file_bytes=1))
    assert "hunter" not in str(large)


def test_a_page_that_says_nothing_took_too_long_in_the_readers_words(web, tmp_path):
    with pytest.raises(DocumentError, match="it took too long"):
        fetch(web.hang("/a.md"), tmp_path, network=web.network, timeout_s=0.2)


def test_who_holds_the_connection_can_cut_it_off(web, tmp_path):
    opened = []
    cutting = threading.Thread(target=lambda: web.hanging.acquire(timeout=5) and opened[0].shut())
    cutting.start()
    with pytest.raises(DocumentError, match="no connection"):
        fetch(web.hang("/a.md"), tmp_path, network=web.network, on_open=opened.append)
    cutting.join()
    assert web.given_up.acquire(timeout=5)

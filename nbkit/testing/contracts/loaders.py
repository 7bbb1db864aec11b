"""What every loader must do."""

from __future__ import annotations

from pathlib import Path

from nbkit.documents import Document
from nbkit.errors import DocumentError
from nbkit.protocols import Loader


class LoaderContract:
    """Behaviours of every loader, on a file that it can read and on what may become of one."""

    def loader(self) -> Loader:
        """The loader under test, new."""
        raise NotImplementedError

    def example(self, folder: Path) -> Path:
        """A file that the loader reads, written below `folder`."""
        raise NotImplementedError

    def test_says_what_it_is(self) -> None:
        """A name, and suffixes as they are looked up."""
        loader = self.loader()
        assert isinstance(loader.name, str)
        assert loader.name
        assert loader.suffixes
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in loader.suffixes)

    def test_reads_the_example(self, tmp_path: Path) -> None:
        """There is text in it, and its places are where they say."""
        document = self.loader().load(self.example(tmp_path))
        assert document.text.strip()
        check_places(document)

    def test_same_file_is_the_same_document(self, tmp_path: Path) -> None:
        """Read twice, and by another loader."""
        path, loader = self.example(tmp_path), self.loader()
        assert loader.load(path) == loader.load(path) == self.loader().load(path)

    def test_missing_file_is_a_document_error(self, tmp_path: Path) -> None:
        """With three sentences, and the name in the first."""
        path = self.example(tmp_path)
        path.unlink()
        refusal = _refusal(self.loader(), path)
        assert refusal is not None, "a file that is not there was read"
        assert path.name in refusal.what
        assert refusal.why
        assert refusal.fix

    def test_damaged_file_is_a_document_or_a_document_error(self, tmp_path: Path) -> None:
        """Cut anywhere, with a byte changed anywhere, or something else altogether."""
        path = self.example(tmp_path)
        whole = path.read_bytes()
        step = max(1, len(whole) // 40)
        cuts = [whole[:end] for end in range(0, len(whole), step)]
        changes = [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(0, len(whole), step)]
        for damaged in [*cuts, *changes, b"\x89PNG\r\n\x1a\n" + bytes(range(256)), whole[::-1]]:
            path.write_bytes(damaged)
            refusal = _refusal(self.loader(), path)
            assert refusal is None or refusal.fix


def _refusal(loader: Loader, path: Path) -> DocumentError | None:
    try:
        check_places(loader.load(path))
    except DocumentError as error:
        return error
    return None


def check_places(document: Document) -> None:
    """Raises `AssertionError` unless every place in a document leads into its text, in order, and to what it says."""
    text = document.text
    text.encode()  # no half characters
    assert "\r" not in text
    assert "\0" not in text
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(starts)
    assert all(heading.level >= 1 and heading.text for heading in document.headings)
    assert all(0 <= heading.start <= len(text) for heading in document.headings)
    if document.pages:
        assert document.pages[0] == 0
        assert list(document.pages) == sorted(document.pages)
        assert document.pages[-1] <= len(text)
    parts = [part.start for part in document.parts]
    assert parts == sorted(parts)
    assert all(part.label and 0 <= part.start <= len(text) for part in document.parts)
    reached = 0
    for block in document.blocks:
        assert reached <= block.start < block.end <= len(text)
        assert block.kind in ("table", "code")
        assert text[block.start : block.end].strip()
        reached = block.end

"""A folder that nobody may write, also when the tests run as root."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_NOBODY = 65534


class LockedFolder:
    """A folder whose rights can be taken away; root, for whom rights do not count, becomes someone else meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        paths = [self.folder, *self.folder.rglob("*")]
        is_root = os.geteuid() == 0
        for path in paths:
            path.chmod(0o500 if path.is_dir() else 0o400)
            if is_root:
                os.chown(path, _NOBODY, _NOBODY)
        if is_root:
            os.seteuid(_NOBODY)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
            for path in paths:
                path.chmod(0o700)


@pytest.fixture
def locked_folder() -> Iterator[LockedFolder]:
    # Not below pytest's own folder, which only the user who runs the tests may enter.
    folder = Path(tempfile.mkdtemp(prefix="nbkit-locked-"))
    yield LockedFolder(folder)
    shutil.rmtree(folder)

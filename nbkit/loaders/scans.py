"""The words of a picture of a page, by RapidOCR: the extra `ocr`.

Of 17 pages of filings drawn at 150 dots an inch, turned by half a degree, with noise, as JPEG
(tests/bench/bench_ocr.py), it reads .996 of the words in 3.3 CPU-seconds a page on one thread; Tesseract 5.3 reads .987
in 1.5. With its wheel come its weights (PP-OCRv6 small, 31 MB, Apache-2.0), with OpenCV it is 200 MB, it imports in
0.7 s and asks no network: the files are named, so it never looks for others. It knows Latin, Greek, Chinese and
Japanese letters. `nbkit.loaders.columns` puts its rows in reading order; tables come as rows, not as cells.

Rejected: docling 2.143 (MIT; 1.4 GB with torch, imports in 3.9 s). All its pipeline stands on a layout model,
`docling-layout-heron`, that no package has and a hub must give: without it the first PDF ends in
`LocalEntryNotFoundError`, so no figure of it could be measured, and no loader of it is shipped untried. For scans it
calls the same RapidOCR, with the same weights. Who has its weights writes a class with `name`, `suffixes = (".pdf",)`
and `load`, and names it in the entry points `nbkit.loaders`: an installed loader takes the place of nbkit's.
Tesseract: a package of the system beside pip, and its language files. rapidocr-onnxruntime 1.4 (PP-OCRv4): no Python
3.13, and an OpenCV that needs a display's libraries. PyMuPDF4LLM: AGPL. pdfplumber, camelot: they read text layers.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nbkit.loaders.columns import Box, Row, read

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Picture: TypeAlias = "npt.NDArray[np.uint8]"
"""Rows, columns, three colours."""

LONGEST = 1754
"""Pixels of a page's longer side: A4 at 150 dots an inch."""
_DETECTED = 960
"""Pixels of the longer side of what lines are looked for in; at 736 one line in twenty is lost."""
_LEAST_SCORE = 0.5
_MOST_RATIO = 80
"""Of a line's width to its height; longer ones are rules and frames."""
_LEAST_SIDE = 16
"""Pixels of a picture; a smaller one holds no words."""
_TALL = 1.5
"""Of a box's height to its width, from which on it is read as words that stand upright."""


def is_installed() -> bool:
    """Whether the extra `ocr` is."""
    return importlib.util.find_spec("rapidocr") is not None


def rows(picture: Picture, *, progress: Callable[[], None] = lambda: None) -> list[Row]:
    """The rows of text in a picture, in reading order; `progress` is called after each line."""
    import numpy as np

    if min(picture.shape[:2]) < _LEAST_SIDE:
        return []
    engine = _engine()
    found = engine(picture, use_det=True, use_cls=False, use_rec=False).boxes
    progress()
    if found is None:
        return []
    corners = np.asarray(found, dtype=np.float32)
    turn = _turn(corners)
    boxes = []
    for one in corners:
        text = _line(engine, picture, one)
        progress()
        if text:
            boxes.append(_box(one, turn, text))
    return read(boxes)


@functools.cache
def _engine() -> Any:  # noqa: ANN401 - it ships no type information
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            # Files of the wheel, named, so that none is ever looked for elsewhere.
            "Det.model_path": str(folder / "PP-OCRv6_det_small.onnx"),
            "Rec.model_path": str(folder / "PP-OCRv6_rec_small.onnx"),
            "Det.limit_side_len": _DETECTED,
            "Det.limit_type": "max",
            "Global.max_side_len": LONGEST,
            "Global.log_level": "critical",
            "Global.use_cls": False,
            # Several children read at once, each on a thread of its own.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _line(engine: Any, picture: Picture, corners: npt.NDArray[np.float32]) -> str:  # noqa: ANN401 - as above
    width = int(max(math.dist(corners[0], corners[1]), math.dist(corners[3], corners[2])))
    height = int(max(math.dist(corners[0], corners[3]), math.dist(corners[1], corners[2])))
    if min(width, height) < 1 or width > _MOST_RATIO * height:
        return ""
    import cv2
    import numpy as np

    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    cut = cv2.warpPerspective(
        picture,
        cv2.getPerspectiveTransform(corners, flat),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
        flags=cv2.INTER_CUBIC,
    )
    if height > _TALL * width:
        cut = np.rot90(cut)
    said = engine(np.ascontiguousarray(cut), use_det=False, use_cls=False, use_rec=True)
    kept = zip(said.txts or (), said.scores or (), strict=False)
    return " ".join(text.strip() for text, score in kept if score >= _LEAST_SCORE).strip()


def _turn(corners: npt.NDArray[np.float32]) -> float:
    """How far the page is turned, as the slope of its usual long line."""
    across = corners[:, 1] - corners[:, 0]
    long = across[:, 0] >= 0.5 * max(float(across[:, 0].max()), 1.0)
    return float(statistics.median(across[long, 1] / across[long, 0])) if long.any() else 0.0


def _box(corners: npt.NDArray[np.float32], turn: float, text: str) -> Box:
    x, y = corners[:, 0], corners[:, 1] - turn * corners[:, 0]
    # The mean of both ends: where a line leans, its box is not taller.
    top, bottom = float(y[0] + y[1]) / 2, float(y[2] + y[3]) / 2
    return Box(float(x.min()), min(top, bottom), float(x.max()), max(top, bottom), text)

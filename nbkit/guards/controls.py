"""Characters that a reader cannot see and that change what is read: control, override, tag and invisible ones."""

from __future__ import annotations

import re
from typing import Final

CONTROL: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u200b\u2028\u2029\u2060-\u2064\ufeff"  # no width, or a line end that only some renderers see
    "\u202a-\u202e\u2066-\u2069\u206a-\u206f\ufff9-\ufffb"  # bidi embeddings, overrides, isolates; annotations
    "\ud800-\udfff\U000e0000-\U000e0fff"  # lone surrogates; tags and variation selectors that smuggle text
)
"""Inside of a character class. Joiners, left-to-right marks and emoji selectors stay: words are written with them."""
CONTROLS: Final = re.compile(f"[{CONTROL}]")

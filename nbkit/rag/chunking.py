"""Documents cut into chunks that an embedder takes whole.

Where to cut is chosen for a whole document at once: of all ways, the one whose chunks are nearest to four fifths of the
size and end at the best places (sections before paragraphs before sentences before words).

The size was chosen on three corpora with marked answers, each left out in turn (tests/bench/bench_chunking.py): small
chunks, whose vectors know their neighbours (`chunking_neighbours.blend`) and which are shown with them
(`chunking_neighbours.gather`), found more of the answers in less text than chunks of any one size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from nbkit.canonical import canonical_json, sha256
from nbkit.documents import Chunk, Document
from nbkit.protocols import Embedder
from nbkit.rag.chunking_cuts import overlapping, runs
from nbkit.rag.chunking_tables import SHARE, Tables
from nbkit.rag.chunking_units import Section, Unit, sections, units
from nbkit.rag.chunking_words import WordSizes, weight

SIZE_TOKENS = 80
OVERLAP_TOKENS = 0
LEAST_TOKENS = 16

_VERSION = 5
"""Raised when the same settings cut elsewhere than before, or what is embedded or kept of a chunk is something else."""
_HEADINGS_SHARE = 4
"""Headings take up to a quarter of the window."""
_BETWEEN = " > "
_ODD = re.compile("[\x0b\x0c\x1c-\x1f\x85]")
"""Blanks to Python that tokenizers drop, so that two words become one."""


@dataclass(frozen=True)
class Chunker:
    """Cuts documents for one embedder. May be used by several threads at once; remembers the sizes of words.

    An embedder whose token counts add up over words with blanks between them says so by `splits_at_blanks = True`, and
    is asked about each word once. For another every chunk is measured too, which takes three times as long.
    """

    embedder: Embedder
    size_tokens: int = SIZE_TOKENS
    """The most tokens of a chunk's text, its headings not counted; less where the embedder's window is smaller.

    Tables and fenced code may be as long as the window allows: they are kept whole where they fit.
    """
    overlap_tokens: int = OVERLAP_TOKENS
    """The most tokens that a chunk repeats of the one before it, in whole sentences; never over a heading."""
    _words: WordSizes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.size_tokens < LEAST_TOKENS or not 0 <= self.overlap_tokens <= self.size_tokens // 2:
            msg = f"a chunk has {LEAST_TOKENS} tokens or more, and repeats up to half of them"
            raise ValueError(msg)
        object.__setattr__(self, "_words", WordSizes(self.embedder))

    @property
    def id(self) -> str:
        """Hash of the settings; chunks of different ids are not mixed. The embedder has an id of its own."""
        return sha256(canonical_json((_VERSION, self.size_tokens, self.overlap_tokens)))

    def chunks(self, document: Document) -> list[Chunk]:
        """The chunks of a document, in order: each character of it that is not blank is in one of them.

        What the embedder is given of each, headings and the header of a table included, is within its window.
        """
        plain, tables = sections(document), Tables(document)
        sizes = self._words.of([document.text, _BETWEEN, *(name for part in plain for name in part.path)])
        parts = [self._sized(part, sizes, tables) for part in plain]
        found = units(document, parts, sizes)
        cut = runs(found, parts, overlap_tokens=self.overlap_tokens)
        if self.overlap_tokens:
            cut = overlapping(found, cut, parts, overlap_tokens=self.overlap_tokens)
        is_exact = getattr(self.embedder, "splits_at_blanks", False) and not _ODD.search(document.text)
        made: list[Chunk] = []
        for first, end in cut:
            chunk = self._chunk(document, found[first:end], parts, sizes=sizes, tables=tables)
            is_sure = is_exact and all(unit.is_exact for unit in found[first:end])
            covered = made[-1].end if made else 0
            made += [chunk] if is_sure else (one for one in self._measured(document, chunk) if one.end > covered)
        return made

    def _sized(self, part: Section, sizes: Mapping[str, int], tables: Tables) -> Section:
        window = self.embedder.max_tokens
        headings = _fitted(part.path, sizes, most=window // _HEADINGS_SHARE)
        room = window - weight(_BETWEEN.join(headings), sizes)
        headers = [weight(one, sizes) for one in tables.inside(part.start, part.end)]
        header = max((tokens for tokens in headers if tokens <= window // SHARE), default=0)
        most = min(self.size_tokens, room - header)
        return replace(part, most_tokens=most, room_tokens=room, header_tokens=header)

    def _chunk(
        self, document: Document, run: Sequence[Unit], parts: Sequence[Section], *, sizes: Mapping[str, int],
        tables: Tables,
    ) -> Chunk:  # fmt: skip
        start, end, tokens = run[0].start, run[-1].end, sum(unit.tokens for unit in run)
        window = self.embedder.max_tokens
        # A chunk of several sections stands under what they share.
        shared = _shared([part.path for part in parts[run[0].section : run[-1].section + 1]])
        header = tables.above(start)
        header_tokens = weight(header, sizes)
        if header_tokens > min(window // SHARE, window - tokens):
            header, header_tokens = "", 0
        headings = _fitted(shared, sizes, most=min(window // _HEADINGS_SHARE, window - tokens - header_tokens))
        return Chunk(
            document.text[start:end],
            start,
            end,
            headings=headings,
            page=document.page_at(start),
            tokens=tokens,
            header=header,
            parts=document.parts_of(start, end),
        )

    def _measured(self, document: Document, chunk: Chunk) -> Iterator[Chunk]:
        """The chunk as the tokenizer counts it; without headings, header, then cut, where it goes beyond."""
        tokens = len(self.embedder.token_starts(chunk.embedded_text))
        above = (*chunk.headings, chunk.header) if chunk.header else chunk.headings
        if tokens <= self.embedder.max_tokens or (len(chunk.text) == 1 and not above):
            yield replace(chunk, tokens=len(self.embedder.token_starts(chunk.text)) if above else tokens)
        elif above:
            header = chunk.header if chunk.headings else ""
            yield from self._measured(document, replace(chunk, headings=chunk.headings[1:], header=header))
        else:
            middle = len(chunk.text) // 2
            blank = max(chunk.text.rfind(" ", 1, middle), chunk.text.rfind("\n", 1, middle))
            middle = blank if blank > 0 else middle
            rest = chunk.text[middle:].lstrip()
            for text, start in ((chunk.text[:middle].rstrip(), chunk.start), (rest, chunk.end - len(rest))):
                end = start + len(text)
                parts = document.parts_of(start, end)
                half = Chunk(text, start, end, page=document.page_at(start), parts=parts)
                yield from self._measured(document, half)


def chunks(
    document: Document,
    *,
    embedder: Embedder,
    size_tokens: int = SIZE_TOKENS,
    overlap_tokens: int = OVERLAP_TOKENS,
) -> list[Chunk]:
    """The chunks of one document; see `Chunker`, which is faster for many."""
    return Chunker(embedder, size_tokens, overlap_tokens).chunks(document)


def _shared(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """What the paths begin with, all of them."""
    same = takewhile(lambda names: len({*names}) == 1, zip(*paths, strict=False))
    return tuple(names[0] for names in same)


def _fitted(headings: tuple[str, ...], sizes: Mapping[str, int], *, most: int) -> tuple[str, ...]:
    """The lowest of the headings, as many as the tokens allow."""
    while headings and weight(_BETWEEN.join(headings), sizes) > most:
        headings = headings[1:]
    return headings

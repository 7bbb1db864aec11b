"""A document without the secrets in use, before anything of it is cut, embedded or kept.

An index is a sink like a record or the cache: what stands in it is read years later, by anybody who has the folder. In
the text the name of a secret takes just as many characters as its value had, so that every place stays what it is in
the file. What only has the format of a key is kept, for it may be an example; guards take it out of passages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from nbkit.documents import Document, Heading, Part, Passage
from nbkit.figures import count
from nbkit.guards.secret_formats import joined, scan
from nbkit.loaders.finding import Found
from nbkit.secrets import SecretRegistry

_SHORT = "[secret]"
"""As long as the shortest secret."""
_MOST_NAMED = 5


def cleared(document: Document, secrets: SecretRegistry) -> Document:
    """The document with the name of each secret in its place; its notes say which, and what looks like others.

    >>> found = cleared(Document("Use hf_0123456789 here."), SecretRegistry({"TOKEN": "hf_0123456789"}))
    >>> found.text, found.notes
    ('Use [secret]      here.', ('1 secret replaced: TOKEN',))
    """
    text, names = _replaced(document.text, secrets)
    around = [document.title, *(one.label for one in document.parts), *document.notes]
    # Headings, and most titles, are in the text too, and counted there.
    names += dict.fromkeys(name for one in around for *_, name in secrets.find(one) if name not in names)
    if names:
        document = dataclasses.replace(
            document,
            text=text,
            title=secrets.redact(document.title),
            headings=tuple(Heading(one.start, one.level, secrets.redact(one.text)) for one in document.headings),
            parts=tuple(Part(one.start, secrets.redact(one.label)) for one in document.parts),
            notes=tuple(map(secrets.redact, document.notes)),
        )
    found, _ = scan(text, is_last=True)
    kinds = sorted({one.kind for one in joined(found)})
    notes = [f"{count(len(names), 'secret')} replaced: {_listed(_said(names, secrets))}"] if names else []
    notes += [f"holds what looks like {_listed(map(_with_article, kinds))}"] if kinds else []
    return dataclasses.replace(document, notes=(*notes, *document.notes)) if notes else document


def cleared_passage(passage: Passage, secrets: SecretRegistry) -> Passage:
    """The passage with the name of each secret in its place, which may have become one after it was indexed.

    >>> secrets = SecretRegistry({"TOKEN": "hf_0123456789"})
    >>> cleared_passage(Passage("a", "Use hf_0123456789 here.", "a.md"), secrets).text
    'Use [secret]      here.'
    """
    around = (passage.source, passage.title, passage.header, *passage.headings, *passage.parts)
    if not any(map(secrets.find, (passage.text, *around))):
        return passage
    return dataclasses.replace(
        passage,
        text=_replaced(passage.text, secrets)[0],
        source=secrets.redact(passage.source),
        title=secrets.redact(passage.title),
        header=secrets.redact(passage.header),
        headings=tuple(map(secrets.redact, passage.headings)),
        parts=tuple(map(secrets.redact, passage.parts)),
    )


def refused(found: Found, secrets: SecretRegistry) -> Found:
    """The file; one whose name holds a secret in use is not to be read, and its name is without.

    >>> from pathlib import Path
    >>> secrets = SecretRegistry({"TOKEN": "hf_0123456789"})
    >>> refused(Found(Path("hf_0123456789.md"), "hf_0123456789.md"), secrets).source
    '[secret:TOKEN].md'
    """
    names = [name for *_, name in secrets.find(found.source)]
    if not names:
        return found
    reason = f"its name holds the value of {_listed(_said(names, secrets))}: rename it"
    return dataclasses.replace(found, source=secrets.redact(found.source), reason=reason)


def _replaced(text: str, secrets: SecretRegistry) -> tuple[str, list[str]]:
    """The text, as long as it was, and the name of each secret that was in it."""
    places = secrets.find(text)
    pieces, at = [], 0
    for start, end, name in places:
        label = secrets.label(name)
        label = label if len(label) <= end - start else _SHORT
        pieces += [text[at:start], label.ljust(end - start)]
        at = end
    return "".join([*pieces, text[at:]]) if places else text, [name for *_, name in places]


def _said(names: Iterable[str], secrets: SecretRegistry) -> list[str]:
    """The names, each once; of one that holds the value of a secret only that it is one."""
    labels = (secrets.label(name)[1:-1].partition(":")[2] or "a secret" for name in names)
    return list(dict.fromkeys(labels))


def _listed(names: Iterable[str]) -> str:
    shown = list(names)
    more = [f"{len(shown) - _MOST_NAMED:,} more"] if len(shown) > _MOST_NAMED else []
    return ", ".join([*shown[:_MOST_NAMED], *more])


def _with_article(kind: str) -> str:
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"

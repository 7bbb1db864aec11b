"""`%rag`: documents into an index, what is in it, and what a question finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbkit.api import search_index
from nbkit.display.origin import origin
from nbkit.display.progress import Bar
from nbkit.errors import BadSetting, NbkitError
from nbkit.figures import count
from nbkit.magics.literal import text_and_options
from nbkit.magics.rag_options import read, some
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word
from nbkit.rag.listing import DocumentList
from nbkit.registry import nearest
from nbkit.search.filters import spellings
from nbkit.session import Session, current
from nbkit.session.labelled import refuse_private
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MANUAL = """Indexes of documents, which %%rag answers from.

    %rag add PATH… [--index NAME]           reads files, folders and globs; only what is new or changed is read again
    %rag add URL… --allow-url               fetches https pages and files too; without the option nothing is fetched
    %rag search QUESTION [--index NAME]     the passages that a question finds, and how near they are
    %rag ls [NAME]                          the indexes; with a name the documents of one
    %rag stats [NAME]                       documents, chunks, bytes, and the model that embeds
    %rag rm SOURCE… [--index NAME]          takes documents out, as `%rag ls NAME` shows them
    %rag drop NAME…                         removes indexes whole, without asking

`%rag add` takes --embedder NAME (all-minilm-l6-v2), --chunk-tokens N (80), --overlap N (0) and --rebuild, which builds
the index anew; the old one is there until the new one is whole, and stays where it is interrupted. A file that is gone
is taken out, also one that a folder or pattern brought which is added again; of a file that cannot be read just now the
index keeps what it has, as it keeps what a URL said, until `%rag rm`. A folder's hidden files and folders are left out
unless they are named; quotes hold a name with spaces together. A link leads nowhere but inside the folder that was
named, or the one that names start from.
`%rag search` takes -k N, --mode hybrid|dense|bm25, --filter "path ~ 'docs/' and page < 10" and --rerank MODEL.
Without a name: the setting rag.index, or the only index there is; `add` makes `docs` when there is none, or several.
--index NAME names one to every command but `drop`.
`NBKIT_HOME` holds the indexes; two kernels may share one.
"""
DEFAULT_INDEX = "docs"
_SEARCH_OPTIONS = ("--index", "-k", "--mode", "--filter", "--rerank")


def run(shell: InteractiveShell, line: str) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    commands: dict[str, Callable[[InteractiveShell, Session, str], None]] = {
        "add": _add,
        "search": _search,
        "ls": _list,
        "stats": _stats,
        "rm": _remove,
        "drop": _drop,
    }
    word, rest = first_word(line, commands, magic="%rag")
    commands[word](shell, current(), rest)


def _add(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = read("add", rest)
    paths = some(given.words, what="%rag add takes files, folders, globs, URLs", fix="%rag add docs --index handbook")
    own = {"rag_embedder": given.embedder, "rag_chunk_tokens": given.chunk_tokens, "rag_chunk_overlap": given.overlap}
    settings = session.config({name: value for name, value in own.items() if value is not None}).settings
    bar = Bar(session.secrets)
    there = session.collections.names()
    name = given.index or settings.rag_index or (there[0] if len(there) == 1 else DEFAULT_INDEX)
    refuse_private(session, {"--index": None if name in there else name, "--tag": settings.tag}, settings)
    with session.embedding_calls.made_for(origin(shell), tag=settings.tag):
        name, added = session.collections.add(
            name, paths, settings, rebuild=given.rebuild, allow_urls=given.allow_url, on_progress=bar.show
        )
    shown, left = added.worth_showing()
    rows = [(row.source, row.status, f"{row.chunks:,}" if row.chunks else "", row.reason) for row in shown]
    notes = [str(added), f"{left:,} more files not shown" if left else ""]
    if name not in session.collections.names():
        notes.append("nothing was added, so there is no index; hidden files and folders are read when they are named")
    bar.end(Table(f"Index {name}", ("file", "status", "chunks", "reason"), rows, note=" · ".join(filter(None, notes))))
    if not added.is_whole:
        raise KeyboardInterrupt


def _search(shell: InteractiveShell, session: Session, rest: str) -> None:
    question, given = text_and_options(rest, _SEARCH_OPTIONS, magic="%rag search")
    if not question:
        some((), what="%rag search takes a question", fix="%rag search how long is the warranty")
    chosen = {"rag_index": "--index", "rag_k": "-k", "rag_mode": "--mode", "rag_rerank": "--rerank"}
    settings = session.config({name: given[flag] for name, flag in chosen.items() if flag in given}).settings
    found = search_index(session, settings.rag_index, question, settings, where=given.get("--filter"))
    bundle = {"text/plain": repr(found), "text/html": found._repr_html_()}
    shown = {mime: session.secrets.redact(text) for mime, text in bundle.items()}
    shell.display_pub.publish(data=shown, metadata={})


def _list(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = read("ls", rest)
    if given.index is None:
        rows: list[tuple[str, ...]] = [_row(session, name) for name in session.collections.names()]
        note = "" if rows else "none yet: %rag add PATH --index NAME makes one"
        columns: tuple[str, ...] = ("index", "documents", "chunks", "size", "state")
        if not any(row[-1] for row in rows):
            columns, rows = columns[:-1], [row[:-1] for row in rows]
        draw(shell, session.secrets, Table("Indexes", columns, rows, note=note))
        return
    with session.collections.look(given.index) as index:
        listed = DocumentList(given.index, tuple(index.documents()))
    draw(shell, session.secrets, listed.table())


def _row(session: Session, name: str) -> tuple[str, ...]:
    """An index with its figures, or with what keeps it from being opened: the others are listed all the same."""
    try:
        with session.collections.look(name) as index:
            stats = index.stats()
    except NbkitError as error:
        return name, "?", "?", "?", f"cannot be opened: {error.why}; {error.fix}"
    except (OSError, ValueError, KeyError) as error:
        rebuilt = f"%rag add PATH --index {name} --rebuild"
        return name, "?", "?", "?", f"damaged ({type(error).__name__}); build it again: {rebuilt}"
    return name, f"{stats.documents:,}", f"{stats.chunks:,}", f"{stats.size_bytes / 1e6:,.1f} MB", ""


def _stats(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = read("stats", rest)
    settings = session.config({"rag_index": given.index} if given.index else None).settings
    with session.collections.look(settings.rag_index) as index:
        stats = index.stats()
    draw(shell, session.secrets, Table(f"Index {index.folder.name}", ("figure", "value"), stats.figures()))


def _remove(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = read("rm", rest)
    sources = some(given.words, what="%rag rm takes documents", fix="%rag ls NAME shows them")
    settings = session.config({"rag_index": given.index} if given.index else None).settings
    with session.collections.look(settings.rag_index) as index:
        name = index.folder.name
        with index.writing():
            known = index.fingerprints()
            missing = [one for one in sources if known.keys().isdisjoint(spellings(one))]
            removed = 0 if missing else sum(index.remove(source) for source in dict.fromkeys(sources))
    if missing:
        near = nearest(missing[0], known)
        raise BadSetting(
            what=f"{name} has no document {', '.join(map(repr, missing))}",
            why="nothing was removed, of what else was named neither",
            fix=f"did you mean {near!r}? %rag ls {name} shows them" if near else f"%rag ls {name} shows them",
        )
    draw_text(shell, session.secrets, f"{count(removed, 'document')} removed from {name}")


def _drop(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = read("drop", rest)
    names = some(given.words, what="%rag drop takes the name of an index", fix="%rag ls shows them")
    has_told = False

    def tell() -> None:
        nonlocal has_told
        if not has_told:
            draw_text(shell, session.secrets, "another kernel is adding to this index; it is removed after that")
        has_told = True

    session.collections.drop(*names, on_wait=tell)
    draw_text(shell, session.secrets, f"index {', '.join(dict.fromkeys(names))} removed")

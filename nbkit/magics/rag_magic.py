"""`%rag`: documents into an index, what is in it, and what a question finds."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from nbkit.api import search_index
from nbkit.display.origin import origin
from nbkit.errors import BadSetting
from nbkit.figures import count
from nbkit.magics.args import words_of
from nbkit.magics.progress import Bar
from nbkit.magics.tables import Table, draw, draw_text
from nbkit.magics.words import first_word
from nbkit.session import Session, current

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MANUAL = """Indexes of documents, which %%rag answers from.

    %rag add PATH… [--index NAME]           reads files, folders and globs; only what is new or changed is read again
    %rag add URL… --allow-url               fetches https pages and files too; without the option nothing is fetched
    %rag search QUESTION [--index NAME]     the passages that a question finds, with their scores
    %rag ls [--index NAME]                  the indexes; with --index the documents of one
    %rag stats [--index NAME]               documents, chunks, bytes, and the model that embeds
    %rag rm SOURCE… [--index NAME]          takes documents out, as `%rag ls --index NAME` shows them
    %rag drop NAME                          removes an index whole, without asking

`%rag add` takes --embedder NAME (all-minilm-l6-v2) and --rebuild, which begins the index again. A file that is gone or
cannot be read any more is taken out; what a URL said stays until it says something else, or `%rag rm`. A folder's
hidden files and folders are left out unless they are named; quotes hold a name with spaces together.
`%rag search` takes -k N, --mode hybrid|dense|bm25, --filter "path ~ 'docs/' and page < 10" and --rerank MODEL.
Without --index: `docs` for `add`, and elsewhere the setting rag.index, or the only index there is. `NBKIT_HOME` holds
the indexes; two kernels may share one.
"""
DEFAULT_INDEX = "docs"
_BACKSLASH = re.compile(r"""(?P<kept>'[^']*'|\\+[\s"'])|"(?P<within>(?:\\.|[^"\\])*)"|\\+""", re.DOTALL)
r"""Those that stand for themselves, as in `C:\docs`, and not for the blank or quotation mark behind it."""
_LONE = re.compile(r"""\\+(?![\\"])""")


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
    given = _read("add", _BACKSLASH.sub(_doubled, rest))
    paths = _some(given.words, what="%rag add takes files, folders, globs, URLs", fix="%rag add docs --index handbook")
    settings = session.config({"rag_embedder": given.embedder} if given.embedder else None).settings
    bar = Bar(shell, session.secrets)
    name = given.index or settings.rag_index or DEFAULT_INDEX
    with session.embedding_calls.made_for(origin(shell), tag=settings.tag):
        name, added = session.collections.add(
            name, paths, settings, rebuild=given.rebuild, allow_urls=given.allow_url, on_progress=bar.show
        )
    shown, left = added.worth_showing()
    rows = [(row.source, row.status, f"{row.chunks:,}" if row.chunks else "", row.reason) for row in shown]
    notes = [str(added), f"{left:,} more files not shown" if left else ""]
    if name not in session.collections.names():
        notes.append("nothing was added, so there is no index; hidden files and folders are read when they are named")
    bar.end(Table(f"Index {name}", ("file", "", "chunks", "reason"), rows, note=" · ".join(filter(None, notes))))
    if not added.is_whole:
        raise KeyboardInterrupt


def _doubled(found: re.Match[str]) -> str:
    if found["within"] is not None:
        # An apostrophe in here quotes nothing.
        return f'"{re.sub(_LONE, lambda lone: lone[0] * 2, found["within"])}"'
    return found[0] if found["kept"] else found[0] * 2


def _search(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = _read("search", rest)
    question = " ".join(
        _some(given.words, what="%rag search takes a question", fix="%rag search how long is the warranty")
    )
    chosen = {"rag_index": given.index, "rag_k": given.k, "rag_mode": given.mode, "rag_rerank": given.rerank}
    settings = session.config({name: value for name, value in chosen.items() if value is not None}).settings
    found = search_index(session, settings.rag_index, question, settings, where=given.filter)
    bundle = {"text/plain": repr(found), "text/html": found._repr_html_()}
    shown = {mime: session.secrets.redact(text) for mime, text in bundle.items()}
    shell.display_pub.publish(data=shown, metadata={})


def _list(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = _read("ls", rest)
    if given.index is None:
        rows: list[tuple[str, ...]] = []
        for name in session.collections.names():
            with session.collections.look(name) as index:
                stats = index.stats()
            rows.append((name, f"{stats.documents:,}", f"{stats.chunks:,}", f"{stats.size_bytes / 1e6:,.1f} MB"))
        note = "" if rows else "none yet: %rag add PATH --index NAME makes one"
        draw(shell, session.secrets, Table("Indexes", ("index", "documents", "chunks", "size"), rows, note=note))
        return
    with session.collections.look(given.index) as index:
        found = index.documents()
    kinds = Counter(one.source.rpartition(".")[2].lower() for one in found)
    note = ", ".join(f"{times:,} {kind}" for kind, times in kinds.most_common())
    listed = [(one.source, one.title, f"{one.chunks:,}") for one in found]
    draw(shell, session.secrets, Table(f"Index {given.index}", ("file", "title", "chunks"), listed, note=note))


def _stats(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = _read("stats", rest)
    settings = session.config({"rag_index": given.index} if given.index else None).settings
    with session.collections.look(settings.rag_index) as index:
        stats = index.stats()
    rows = [
        ("documents", f"{stats.documents:,}"),
        ("chunks", f"{stats.chunks:,}"),
        ("size", f"{stats.size_bytes / 1e6:,.1f} MB"),
        ("embedder", f"{stats.dimensions} dimensions, id {stats.embedder_id[:12]}"),
    ]
    draw(
        shell,
        session.secrets,
        Table(f"Index {index.folder.name}", ("figure", "value"), rows),
    )


def _remove(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = _read("rm", rest)
    sources = _some(given.words, what="%rag rm takes documents", fix="%rag ls --index NAME shows them")
    settings = session.config({"rag_index": given.index} if given.index else None).settings
    with session.collections.look(settings.rag_index) as index:
        removed = sum(index.remove(source) for source in sources)
        name = index.folder.name
    if not removed:
        raise BadSetting(
            what=f"{name} has no document {sources[0]!r}",
            why="nothing was removed",
            fix=f"%rag ls --index {name} shows them",
        )
    draw_text(shell, session.secrets, f"{count(removed, 'document')} removed from {name}")


def _drop(shell: InteractiveShell, session: Session, rest: str) -> None:
    given = _read("drop", rest)
    names = _some(given.words, what="%rag drop takes the name of an index", fix="%rag ls shows them")
    for name in names:
        session.collections.drop(name)
    draw_text(shell, session.secrets, f"index {', '.join(names)} removed")


@functools.cache
def _parser(command: str) -> MagicArgumentParser:
    untyped: Any = MagicArgumentParser
    made: MagicArgumentParser = untyped(prog=f"%rag {command}", add_help=False)
    made.allow_abbrev = False
    made.add_argument("words", nargs="*")
    options: dict[str, tuple[dict[str, Any], ...]] = {
        "--index": ({"metavar": "NAME"},),
        "--embedder": ({"metavar": "NAME"},),
        "--rebuild": ({"action": "store_true"},),
        "--allow-url": ({"action": "store_true"},),
        "-k": ({"metavar": "N"},),
        "--mode": ({"metavar": "MODE"},),
        "--filter": ({"metavar": "TEXT"},),
        "--rerank": ({"metavar": "MODEL"},),
    }
    for flag, (shape,) in options.items():
        made.add_argument(flag, **shape)
    return made


def _read(command: str, rest: str) -> Any:  # noqa: ANN401 - argparse's namespace
    try:
        return _parser(command).parse_args(words_of(rest))
    except UsageError as error:
        raise BadSetting(
            what=f"%rag {command} cannot be read", why=str(error).strip(), fix="%rag? shows what each command takes"
        ) from None


def _some(words: Sequence[str], *, what: str, fix: str) -> Sequence[str]:
    if not words:
        raise BadSetting(what=what, why="none was given", fix=fix)
    return words

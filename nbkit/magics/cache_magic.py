"""`%cache`: what is kept, why a call missed, and clearing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nbkit.errors import BadSetting
from nbkit.figures import age
from nbkit.magics.period import since_of
from nbkit.magics.tables import draw, draw_text
from nbkit.magics.words import first_word, nothing_more
from nbkit.recorded import Record
from nbkit.session import Session, current
from nbkit.tables import Table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.display.result import Result

MANUAL = """The answer cache: every answer is kept by the hash of its request, and the same request is answered from it.

    %cache ls [N]     the newest N entries (20)
    %cache stats      entries, bytes, hits and misses
    %cache why        why the last %%llm or %llm was a hit or a miss: the fields that differ from the nearest entry
    %cache impact [--since 7d]
                      what the cache did to latency and cost; `session` is this kernel's, `all` is all there was
    %cache rm KEY     removes the entry whose key begins with KEY, as `%cache ls` shows it
    %cache clear      removes every entry, without asking
    %cache path       the directory

In a cell: --cache use (default), refresh (ask again, keep the new answer), off, only (never call the provider).
Two nbkit processes may share one cache. `NBKIT_HOME` moves it.
"""
_DEFAULT_ROWS = 20
_MOST_ROWS = 10_000
_IMPACT_SINCE = "7d"
_SHOWN_KEY_CHARS = 12


def run(shell: InteractiveShell, line: str) -> None:
    """Draws what the command says; raises `UnknownSetting` for one that is not."""
    commands: dict[str, Callable[[InteractiveShell, Session, str], None]] = {
        "ls": _list,
        "stats": _stats,
        "why": _why,
        "impact": _impact,
        "rm": _remove,
        "clear": _clear,
        "path": _path,
    }
    word, rest = first_word(line, commands, magic="%cache")
    commands[word](shell, current(), rest)


def _list(shell: InteractiveShell, session: Session, rest: str) -> None:
    if rest and not (rest.isdecimal() and int(rest) > 0):
        raise BadSetting(what=f"%cache ls cannot show {rest!r}", why="it takes a number of entries", fix="%cache ls 50")
    rows = [
        (
            row.key[:_SHOWN_KEY_CHARS],
            f"{row.provider}:{row.model}",
            str(row.sample),
            age(row.age_s) + (", expired" if row.is_expired else ""),
            "never" if row.expires_at is None else f"{row.expires_at:%Y-%m-%d %H:%M} UTC",
            f"{row.input_tokens:,} → {row.output_tokens:,}",
            f"{row.size_bytes:,}",
        )
        for row in session.cache.entries(min(int(rest), _MOST_ROWS) if rest else _DEFAULT_ROWS)
    ]
    columns = ("key", "model", "sample", "stored", "expires", "tokens in → out", "bytes")
    note = f"{len(rows)} of {session.cache.stats().entries:,} entries"
    draw(shell, session.secrets, Table("Cached answers, newest first", columns, rows, note=note))


def _stats(shell: InteractiveShell, session: Session, rest: str) -> None:
    nothing_more(rest, command="%cache stats")
    stats = session.cache.stats()
    rows = [
        ("entries", f"{stats.entries:,}"),
        ("size", f"{stats.size_bytes:,} of at most {stats.limit_bytes:,} bytes"),
        ("eviction", stats.eviction),
        ("oldest", "none" if stats.oldest_at is None else f"{stats.oldest_at:%Y-%m-%d %H:%M} UTC"),
        ("hits in this session", f"{stats.hits:,}"),
        ("misses in this session", f"{stats.misses:,}"),
        ("rights", "read-only" if stats.is_read_only else "readable and writable by you alone"),
    ]
    draw(shell, session.secrets, Table("Answer cache", ("figure", "value"), rows, note=str(stats.folder)))


def _impact(shell: InteractiveShell, session: Session, rest: str) -> None:
    from nbkit.display.figures_impact import impact_picture
    from nbkit.display.impact import impact_table

    words = rest.replace("=", " ").split()
    if words and (words[0] != "--since" or len(words) != 2):  # noqa: PLR2004 - the option and its value
        raise BadSetting(
            what=f"%cache impact cannot read {rest!r}",
            why="it takes --since and a time",
            fix="%cache impact --since 7d",
        )
    period = since_of(words[1] if words else _IMPACT_SINCE, of="--since", session_id=session.id)
    found = session.ledger.impact(period.selection)
    draw(shell, session.secrets, impact_table(found, caption=f"Cache impact: {period.caption}"))
    picture = impact_picture(found)
    bundle = {"text/plain": picture.text(), "text/html": picture.html()}
    shell.display_pub.publish(data={mime: session.secrets.redact(text) for mime, text in bundle.items()}, metadata={})


def _why(shell: InteractiveShell, session: Session, rest: str) -> None:
    nothing_more(rest, command="%cache why")
    result = _last_result(shell)
    record = next((one for one in result.records if one.cache.status == "miss"), result.record)
    # An answer that was asked for again helps nobody where that failed: it is asked for once more.
    is_used = all(one.status == "ok" for one in result.records if one.repairs == record.id)
    draw_text(shell, session.secrets, _reason(session, record, is_used=is_used))


def _reason(session: Session, record: Record, *, is_used: bool) -> str:
    status = record.cache.status
    if status == "skipped" or record.request is None:
        return f"The last call never came to the cache: its status is {record.status}."
    if status == "off":
        return "The cache was off for the last call: --cache off, or the setting `cache`."
    if status == "hit":
        stored = "" if record.cache.age_s is None else f", stored {age(record.cache.age_s)}"
        return f"hit: the same request was answered before{stored}."
    # Meanwhile the call's own answer is kept: only what was there before it explains the miss.
    found = str(session.cache.explain(record.request, before=record.started_at))
    kept = is_used and record.status == "ok" and session.cache.explain(record.request).is_hit
    return f"{found}\n{'Its answer is kept now: the same request again is a hit.' if kept else ''}".rstrip()


def _last_result(shell: InteractiveShell) -> Result:
    from nbkit.display.result import Result

    result = shell.user_ns.get("_llm")
    if not isinstance(result, Result):
        raise BadSetting(
            what="%cache why has no call to explain",
            why="no %%llm or %llm has run in this notebook, or _llm was overwritten",
            fix="run a prompt first, then %cache why",
        )
    return result


def _remove(shell: InteractiveShell, session: Session, rest: str) -> None:
    if not rest:
        raise BadSetting(what="%cache rm takes a key", why="none was given", fix="%cache ls shows the keys")
    removed = session.cache.remove(rest)
    if not removed:
        raise BadSetting(
            what=f"no entry's key begins with {rest!r}", why="nothing was removed", fix="%cache ls shows the keys"
        )
    draw_text(shell, session.secrets, f"{removed} {'entry' if removed == 1 else 'entries'} removed")


def _clear(shell: InteractiveShell, session: Session, rest: str) -> None:
    nothing_more(rest, command="%cache clear")
    removed = session.cache.clear()
    draw_text(shell, session.secrets, f"{removed:,} {'entry' if removed == 1 else 'entries'} removed")


def _path(shell: InteractiveShell, session: Session, rest: str) -> None:
    nothing_more(rest, command="%cache path")
    draw_text(shell, session.secrets, str(session.cache.folder))

"""The table of options of `%%llm` and `%%rag`, which parsers, help, completion and README are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nbkit.setting import TABLE

_SETTING_DOCS = {setting.name: setting.doc for setting in TABLE}


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table.

    >>> OPTIONS[0].flags
    ('-m', '--model')
    """

    flags: tuple[str, ...]
    name: str
    """The setting it gives a value to, or the name of what it is."""
    metavar: str | None
    """What the value is called in the help; None for an option without a value."""
    doc: str = ""
    """Meaning, where no setting says it."""
    is_repeatable: bool = False

    @property
    def help(self) -> str:
        """Its line in `%%llm?`."""
        return self.doc or _SETTING_DOCS[self.name]


OPTIONS = (
    Option(("-m", "--model"), "model", "PROVIDER:MODEL"),
    Option(("-o", "--out"), "out", "NAME", "Variable that takes the result, besides _llm"),
    Option(("-s", "--system"), "system", "TEXT"),
    Option(("-t", "--temperature"), "temperature", "NUMBER"),
    Option(("--max-tokens",), "max_tokens", "N"),
    Option(("--seed",), "seed", "N"),
    Option(("--stop",), "stop", "TEXT", is_repeatable=True),
    Option(
        ("-p", "--param"),
        "param",
        "K=V",
        "Further parameter for the provider; V is JSON, else text",
        is_repeatable=True,
    ),
    Option(("-n", "--samples"), "samples", "N"),
    Option(("-f", "--format"), "format", "md|text|json|code|table"),
    Option(
        ("--schema",),
        "schema",
        "NAME",
        "What the answer has to look like: a pydantic model or JSON Schema of this name, or 'name, age int'",
    ),
    Option(("--guard",), "guard_policy", "standard|strict|off"),
    Option(("--allow",), "guard_allow", "GUARD:KIND", is_repeatable=True),
    Option(("--restore",), "guard_restore", None),
    Option(("--max-cost",), "budget_cell", "USD"),
    Option(("--dry-run",), "dry_run", None, "Draw the prompt, its tokens, price, cache and guards, and send nothing"),
    Option(
        ("--prompt",),
        "prompt",
        "NAME",
        "Name of this prompt, whose versions are kept; alone it asks the newest again, `NAME@VERSION` an older one",
    ),
    Option(("--thread",), "thread", "NAME", "Conversation that this cell is a turn of"),
    Option(("--cache",), "cache", "use|refresh|off|only"),
    Option(("--ttl",), "ttl", "TIME"),
    Option(("--raw",), "raw", None, "Send the prompt as it is: {{ }} and {% %} mean nothing"),
    Option(("--file",), "file", "PATH", "File that holds the prompt; with %llm, since an empty cell is refused"),
    Option(("--show-prompt",), "show_prompt", None, "Draw the messages that would be sent, and send nothing"),
    Option(("--no-stream",), "stream", None, "Show the answer only when it is complete"),
    Option(("--quiet",), "quiet", None),
    Option(("--tag",), "tag", "TEXT"),
    Option(("--timeout",), "timeout", "TIME"),
)
RAG_OPTIONS = (
    *OPTIONS,
    Option(("-k",), "rag_k", "N"),
    Option(("--mode",), "rag_mode", "hybrid|dense|bm25"),
    Option(("--min-score",), "rag_min_score", "0..1"),
    Option(("--rerank",), "rag_rerank", "MODEL"),
    Option(("--show",), "rag_show", None),
    Option(("--filter",), "filter", "TEXT", "Which documents count: \"path ~ 'docs/' and page < 10\""),
)
_NOT_OF_MANY = ("out", "thread", "schema", "file", "show_prompt", "dry_run", "raw", "stream", "quiet", "ui", "restore")
"""Options of a cell with one answer."""
EVALUATE_OPTIONS = (
    Option(("-o", "--out"), "out", "NAME", "Variable that the result is kept in; `_eval` holds it too"),
    Option(("--rag",), "rag", "INDEX", "Ask each case of this index, as %%rag does; without a prompt, the case alone"),
    Option(
        ("--metrics",),
        "metrics",
        "NAMES",
        "What is measured, with commas; in quotes what has one itself: f1, recall@5, … or functions, judges by name",
        is_repeatable=True,
    ),
    Option(("--limit",), "limit", "K", "Only the first K cases"),
    Option(("--name",), "name", "NAME", "What the run is called, for --baseline and %%evaluate show"),
    Option(("--baseline",), "baseline", "RUN", "Run to compare with, case by case: its name, its id, or last"),
    Option(
        ("--fail-under",), "fail_under", "METRIC=X", "The cell fails below this mean; above, for latency and cost",
        is_repeatable=True,
    ),
    Option(
        ("--tolerance",), "tolerance", "METRIC=X", "The cell fails when worse than the baseline by more than this",
        is_repeatable=True,
    ),
    Option(("--workers",), "workers", "N", "Cases asked at once; else 8, and 1 of a model on this machine"),
    Option(("--rate",), "rate", "N", "Most cases begun in a minute"),
    Option(("--table",), "table", "NAME", "The cell is no prompt but a Markdown table of cases, kept as this variable"),
    Option(("--make",), "make", "N", "Draft N questions from the index of --index, for you to keep or strike"),
    Option(("--index",), "index", "NAME", "The index that --make drafts from"),
    *(one for one in RAG_OPTIONS if one.name not in _NOT_OF_MANY),
)  # fmt: skip
FORMS: Mapping[str, tuple[Option, ...]] = {"%%llm": OPTIONS, "%%rag": RAG_OPTIONS, "%%evaluate": EVALUATE_OPTIONS}
"""What the line of each kind of cell takes."""

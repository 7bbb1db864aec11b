"""`%%llm` and `%llm`: from the text of a cell to its answer, its card and its result object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbkit.display.origin import origin
from nbkit.errors import BadSetting, PromptError
from nbkit.magics import args
from nbkit.magics.tables import draw, draw_text
from nbkit.recorded import Outcome
from nbkit.session import Session, current
from nbkit.session.named import named, recalled
from nbkit.setting import Settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbkit.display.result import Result
    from nbkit.prompts.schema import Shape
    from nbkit.session.session import Prepare


def run_cell(shell: InteractiveShell, line: str, body: str, *, names: Mapping[str, Any], is_rag: bool = False) -> None:
    """Draws the answer to a prompt cell; raises what stopped it, after the drawing.

    `names`: the variables that `{{ }}` may use. `is_rag`: the prompt is a question to an index of documents.
    """
    from nbkit.display.live import Cell
    from nbkit.display.meter import cell_meter

    options = args.parse_rag(line) if is_rag else args.parse(line)
    # IPython ends each cell with a newline. Without it, the same prompt by `%llm` or `nbkit.ask` is the same request.
    session = current()
    prompt, settings = _prompt(session, options, body.removesuffix("\n"))
    is_look = options.shows_prompt or options.is_dry_run
    prepare = session.reading(settings, where=options.where, is_look=is_look) if is_rag else None
    if is_look:
        _look(shell, session, options, settings=settings, prompt=prompt, names=names, prepare=prepare)
        return
    # A key that was typed as a model's name would be drawn before any guard looks, and on the card of a blocked call.
    target = session.target(settings)
    meter = cell_meter(session, settings, target, prepare=prepare)
    drawing = Cell(settings, model=session.secrets.redact(target.model), meter=meter)
    given: dict[str, Any] = {"settings": settings, "prompt": prompt, "names": names, "prepare": prepare}
    outcomes = _ask(shell, session, options, drawing=drawing, **given)
    result = _keep(shell, options, outcomes, settings=settings)
    drawing.finish(outcomes, result)
    _raise_last(outcomes)


def run_line(shell: InteractiveShell, line: str, *, names: Mapping[str, Any]) -> Result | None:
    """The result of `%llm prompt`; None for --show-prompt and --dry-run.

    The answer is the value, drawn by whoever shows the value; the card is drawn here, since the notebook has to carry
    the record also where the value goes into a variable.
    """
    from nbkit.display.unshown import keep_unshown

    options, text = args.parse_line(line)
    session = current()
    prompt, settings = _prompt(session, options, text)
    if options.shows_prompt or options.is_dry_run:
        _look(shell, session, options, settings=settings, prompt=prompt, names=names)
        return None
    outcomes = _ask(shell, session, options, settings=settings, prompt=prompt, names=names)
    result = _keep(shell, options, outcomes, settings=settings)
    if settings.quiet:
        keep_unshown(outcomes, settings)
    else:
        _draw_card(shell, settings, result)
    _raise_last(outcomes)
    return result


def _ask(
    shell: InteractiveShell,
    session: Session,
    options: args.CellOptions,
    *,
    settings: Settings,
    prompt: str,
    names: Mapping[str, Any],
    drawing: Any = None,  # noqa: ANN401 - the cell's live drawing, which is imported only where one is drawn
    prepare: Prepare | None = None,
) -> list[Outcome]:
    listeners = {} if drawing is None else {"on_text": drawing.on_text, "on_phase": drawing.on_phase}
    shape = _shape(options.schema, names, is_rag=prepare is not None)
    schema = None if shape is None else shape.schema
    return session.ask(
        prompt,
        named=None if options.prompt is None else named(session, options.prompt, prompt, settings, schema=schema),
        settings=settings,
        params=options.params,
        variables=None if options.is_raw else names,
        origin=origin(shell),
        thread=options.thread,
        shape=shape,
        prepare=prepare if drawing is None else drawing.prepare,
        **listeners,
    )


def _shape(schema: str | None, names: Mapping[str, Any], *, is_rag: bool) -> Shape | None:
    """What the answer has to look like, from the name of a variable or the fields themselves."""
    if schema is None:
        return None
    from nbkit.prompts.schema import shape_named

    if is_rag:
        raise BadSetting(
            what="%%rag takes no --schema",
            why="its answer is sentences, each with the passages that it rests on",
            fix="leave --schema out, or ask %%llm about the text of the answer: {{ _llm.text }}",
        )
    return shape_named(schema, names)


def _prompt(session: Session, options: args.CellOptions, body: str) -> tuple[str, Settings]:
    """The prompt of a cell or a line, with the settings that it is asked with."""
    if options.prompt is not None and options.file is None and not body.strip():
        return recalled(session, options.prompt, options.explicit)
    return _read(options, body), session.config(options.explicit).settings


def _read(options: args.CellOptions, body: str) -> str:
    if options.file is None:
        return body
    if body.strip():
        raise PromptError(
            what="there are two prompts",
            why=f"--file {options.file!r} holds one, and the cell holds another",
            fix="leave one out: %llm --file PATH needs no cell body",
        )
    path = Path(options.file).expanduser()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PromptError(
            what=f"the prompt file {options.file!r} cannot be read",
            why=str(reason),
            fix=f"give a path from {Path.cwd().name!r}, where the kernel runs, or an absolute one",
        ) from error
    # The last line's end is the editor's, as a cell's is IPython's.
    return text.removesuffix("\n").removesuffix("\r")


def _look(
    shell: InteractiveShell,
    session: Session,
    options: args.CellOptions,
    *,
    settings: Settings,
    prompt: str,
    names: Mapping[str, Any],
    prepare: Prepare | None = None,
) -> None:
    """Draws what would be sent, and for --dry-run what it would cost; sends nothing."""
    given: dict[str, Any] = {
        "settings": settings,
        "params": options.params,
        "variables": None if options.is_raw else names,
        "thread": options.thread,
        "shape": _shape(options.schema, names, is_rag=prepare is not None),
        "prepare": prepare,
        "origin": origin(shell),
    }
    if options.is_dry_run:
        from nbkit.display.preview import preview_table
        from nbkit.session.previewing import preview

        found = preview(session, prompt, **given)
        draw(shell, session.secrets, preview_table(found, settings))
        if found.blocked is not None:
            return
        request = found.request
    else:
        request = session.build(prompt, **given)[0].request
    parts = [f"[{message.role}]\n{message.content}" for message in request.messages]
    title = f"{request.provider}:{request.model} · temperature {request.temperature:g} · nothing was sent"
    draw_text(shell, session.secrets, "\n\n".join([title, *parts]))


def _keep(shell: InteractiveShell, options: args.CellOptions, outcomes: list[Outcome], *, settings: Settings) -> Result:
    """The result, in `_llm` and the variable that was asked for; of a failed cell too, so that it can be looked at."""
    from nbkit.display.result import Result

    result = Result(outcomes, restores=settings.guard_restore, allowed_hosts=settings.allowed_hosts)
    shell.user_ns["_llm"] = result
    if options.out is not None:
        shell.user_ns[options.out] = result
    return result


def _draw_card(shell: InteractiveShell, settings: Settings, result: Result) -> None:
    from nbkit.display.card import card_html, card_text
    from nbkit.display.rows import carried
    from nbkit.recorded import RECORD_MIME

    bundle: dict[str, Any] = {
        "text/html": card_html(result.records),
        "text/plain": card_text(result.records),
        RECORD_MIME: carried(result.records, keeps_content=settings.records_content),
    }
    shell.display_pub.publish(data=bundle, metadata={})


def _raise_last(outcomes: list[Outcome]) -> None:
    error = outcomes[-1].error
    if isinstance(error, KeyboardInterrupt):
        # The card says what was kept; a hundred lines of an HTTP library's frames would push it out of sight.
        error._render_traceback_ = lambda: ["\x1b[31mKeyboardInterrupt\x1b[39m"]  # type: ignore[attr-defined]
    if error is not None:
        raise error

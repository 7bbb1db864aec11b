"""The controls of a dashboard: ipywidgets in one output, the figures they choose in another of its own.

A page that trusts a notebook prefers a widget's view to all else that an output has, whatever its rank. Reopened with
another kernel it finds no such widget and writes "Error displaying widget: model not found". The file cannot be kept
free of the view: a kernel is never told of a save, and what replaces the view in the file replaces it in the page too.
Nor can it bring the widget's state: only the page writes that, when its reader has set so. So the static output below,
which is drawn in any case, brings a sentence that takes the place of that line: `again_html`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from nbkit.display.board import PERIODS, Choice, board, period_words
from nbkit.display.dashboard import dashboard_bundle
from nbkit.display.origin import client
from nbkit.errors import NbkitError
from nbkit.escape import escape, line
from nbkit.ledger.selection import By
from nbkit.ledger.spread import models_and_tags

if TYPE_CHECKING:
    from nbkit.session import Session

ROW: Final = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 14px"}
"""How controls stand beside each other."""
ANEW: Final = "✗ This page was loaded anew, and what is drawn below does not reach it: run this cell again."
"""A page forgets which of its outputs may be updated; the controls it has back from the kernel."""
_ALL: Final = ""
"""What stands for no choice: a dropdown takes None for nothing chosen."""
_FALLBACK: Final = "Controls of the dashboard below; they work while its kernel runs: %nbkit dashboard"
_AGAIN: Final = "Controls of the dashboard: run this cell again to have them."
_STYLE: Final = (
    ".nbkit-again{display:block!important;margin:2px 0 8px 0;font-size:13px}"
    ".jp-OutputArea:has(.widget-vbox) .nbkit-again{display:none!important}"
    ".jp-OutputArea:has(.nbkit-again) .jp-OutputArea-output.lm-Panel:not(:has(*))"
    "{display:none}"
)
"""What a page writes where it has no widget is a line without an element in it."""
_OPTIONS: Final = "Options: --since 24h|7d|session|project|all --by model|tag|notebook|… --model M --tag T"


class Dashboard:
    """One dashboard: `show` draws it, a change of a control draws it anew in the same place.

    The figures are a static output: whenever the notebook is saved, the file holds the last view.
    """

    def __init__(self, session: Session, choice: Choice, *, notebook: str | None = None) -> None:
        self._session = session
        self._choice = choice
        self._notebook = notebook
        self._display_id = uuid.uuid4().hex
        self._controls: Any = None
        self._has_controls = False
        self._client = client()
        self._inputs: dict[str, Any] = {}
        self._status: Any = None

    def show(self, *, has_controls: bool, is_text: bool = False) -> None:
        """Draws controls, if there are to be any, and figures. Raises `StoreError` and `ConfigError`."""
        self._has_controls = has_controls
        bundle = self._bundle()
        if has_controls:
            self._controls = Controls(self._make(), fallback=_FALLBACK)
        if is_text:
            del bundle["text/html"]
        publish(bundle, self._display_id)

    def close(self) -> None:
        """Takes the controls away; the figures stay."""
        if self._controls is not None:
            self._controls.close()
            self._controls = None

    def _bundle(self) -> dict[str, str]:
        hint = "" if self._has_controls else _OPTIONS
        bundle = dashboard_bundle(board(self._session, self._choice, notebook=self._notebook), hint=hint)
        again = again_html(_AGAIN) if self._has_controls else ""
        return {**bundle, "text/html": again + bundle["text/html"]}

    def _make(self) -> Any:  # noqa: ANN401 - a widget
        from ipywidgets import HTML, Button, Dropdown, HBox, Layout, VBox

        choice, (models, tags) = self._choice, self._names()
        periods = dict.fromkeys([*PERIODS, choice.period])
        options: dict[str, tuple[str, list[tuple[str, str]], str]] = {
            "period": ("Period", [(period_words(one), one) for one in periods], choice.period),
            "by": ("Group by", [("nothing", _ALL), *((one, one) for one in get_args(By))], choice.by or _ALL),
            "model": ("Model", self._named(models, choice.model), choice.model or _ALL),
            "tag": ("Tag", self._named(tags, choice.tag), choice.tag or _ALL),
        }
        for name, (label, rows, value) in options.items():
            made = Dropdown(
                options=rows, value=value, description=label,
                layout=Layout(width="auto", min_width="11em"), style={"description_width": "auto"},
            )  # fmt: skip
            made.observe(self._changed, names="value")
            self._inputs[name] = made
        again = Button(description="Redraw", tooltip="Draws the figures anew, with the calls made since")
        again.on_click(self._redraw)
        self._status = HTML(value="")
        row = HBox([*self._inputs.values(), again], layout=Layout(**ROW))
        return VBox([row, self._status])

    def _names(self) -> tuple[list[str], list[str]]:
        whole = Choice(self._choice.period).selection(self._session, now=datetime.now(UTC))
        return self._session.ledger.ask(lambda file: models_and_tags(file, whole))

    def _named(self, names: list[str], chosen: str | None) -> list[tuple[str, str]]:
        known = dict.fromkeys([*names, *([chosen] if chosen else [])])
        redact = self._session.secrets.redact
        return [("all", _ALL), *((redact(line(name, most_chars=60)), name) for name in known)]

    def _changed(self, _: object) -> None:
        chosen = {name: made.value or None for name, made in self._inputs.items()}
        self._choice = Choice(
            chosen["period"] or PERIODS[0], cast("By | None", chosen["by"]), chosen["model"], chosen["tag"]
        )
        self._redraw()

    def _redraw(self, _: object = None) -> None:
        try:
            publish(self._bundle(), self._display_id, is_update=True)
            said = "" if client() == self._client else ANEW
        except NbkitError as error:
            # No cell is running that could fail: it is said beside the controls.
            self._session.clean(error)
            said = f"✗ {escape(line(error.what))}: {escape(line(error.why))}"
        if self._status.value != said:
            self._status.value = said


class Controls:
    """A widget in an output of its own; where it is not drawn, and once it is closed, the output says `fallback`."""

    def __init__(self, widget: Any, *, fallback: str) -> None:  # noqa: ANN401 - a widget
        self._widget = widget
        self._fallback = fallback
        self._display_id = uuid.uuid4().hex
        publish({**widget._repr_mimebundle_(), "text/plain": fallback}, self._display_id)

    def close(self) -> None:
        """Closes the widget and all that it holds."""
        publish({"text/plain": self._fallback}, self._display_id, is_update=True)
        close_all(self._widget)


def again_html(sentence: str) -> str:
    """What goes in front of a static output, so that a page shows `sentence` where the controls above it are no more.

    The style hides the sentence while the controls are there, and else what the page wrote in their place. A page that
    does not trust the notebook takes the style out, hides the sentence, and draws the text of the controls' own output.

    >>> "run this cell again" in again_html("Controls: run this cell again.")
    True
    """
    return f'<style>{_STYLE}</style><p class="nbkit-again" style="display:none">{escape(sentence)}</p>'


def publish(bundle: Mapping[str, Any], display_id: str, *, is_update: bool = False) -> None:
    """Puts a bundle where outputs go, or in the place of the one with the same id."""
    from IPython.display import publish_display_data

    publish_display_data(dict(bundle), metadata={}, transient={"display_id": display_id}, update=is_update)  # type: ignore[no-untyped-call]


def close_all(widget: Any) -> None:  # noqa: ANN401 - a widget
    """Closes a widget with all that it holds: children, layouts and styles are models of their own."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for model in (getattr(widget, "layout", None), getattr(widget, "style", None), widget):
        if model is not None:
            model.close()

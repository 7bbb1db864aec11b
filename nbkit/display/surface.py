"""Where a cell is drawn: a page with display handles, a page with a live widget, or lines of text.

A page has one place for the answer and, at the end, one below it for the card. Until text arrives the card stands
alone in the first place, so that a call which ends without an answer leaves one output and no empty one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from nbkit.display.answer import streaming_html
from nbkit.escape import clean

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

Bundle = Mapping[str, Any]
_MOST_CHARS = 20_000
"""Of a running answer the page is sent this much: an update costs the same at any length."""


class Surface(Protocol):
    """What a cell draws on, from the cell's own thread."""

    def stream(self, text: str, card: Bundle | None = None) -> None:
        """Shows the answer so far, which is not yet clean, and the card where there is a new one."""

    def live(self, bundle: Bundle) -> None:
        """Shows the card of the running cell."""

    def end(self, answer: Bundle | None, card: Bundle) -> None:
        """Replaces all that was live by what is to stay."""


class PageSurface:
    """A display handle: each update replaces the output in the page and in the notebook's file.

    While it runs, the answer and the card below it are one output, so that an update is one message for both; at the
    end the card gets an output of its own.
    """

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None
        self._answer: Bundle | None = None
        self._card: Bundle | None = None

    def stream(self, text: str, card: Bundle | None = None) -> None:
        """Shows the end of the answer so far, above the card."""
        self._answer, self._card = _streaming(text), card or self._card
        self._show(_one_below_other(self._answer, self._card))

    def live(self, bundle: Bundle) -> None:
        """Shows the card of the running cell."""
        self._card = bundle
        self._show(bundle if self._answer is None else _one_below_other(self._answer, bundle))

    def end(self, answer: Bundle | None, card: Bundle) -> None:
        """Replaces all that was live by what is to stay."""
        self._show(card if answer is None else answer)
        if answer is not None:
            _display(card)

    def _show(self, bundle: Bundle) -> None:
        if self._handle is None:
            self._handle = _display(bundle)
        else:
            _update(self._handle, bundle)


class WidgetSurface:
    """Display handles whose live card is an ipywidget; at the end its models are closed and static outputs stay.

    The card stands alone in the first output until text arrives, then in one of its own below the answer.
    """

    def __init__(self) -> None:
        self._first: DisplayHandle | None = None
        self._second: DisplayHandle | None = None
        self._widget: Any = None
        self._shown: Bundle = {}

    def stream(self, text: str, card: Bundle | None = None) -> None:
        """Shows the end of the answer so far, above the widget."""
        if card is not None:
            self._set(card)
        self._show_answer(_streaming(text))
        if self._second is None and self._widget is not None:
            self._second = _display(self._view())

    def live(self, bundle: Bundle) -> None:
        """Shows the card of the running cell in the widget."""
        self._set(bundle)
        if self._first is None:
            self._first = _display(self._view())

    def end(self, answer: Bundle | None, card: Bundle) -> None:
        """Replaces the widget's views by the static outputs, then closes its models."""
        if answer is not None:
            self._show_answer(answer)
            self._second = _put(self._second, card)
        else:
            self._show_answer(card)
            if self._second is not None:
                _update(self._second, {"text/plain": ""})
        if self._widget is not None:
            # The layout and the style are models of their own, which closing the widget leaves open.
            for model in (self._widget.layout, self._widget.style, self._widget):
                model.close()
            self._widget = None

    def _set(self, bundle: Bundle) -> None:
        self._shown = bundle
        if self._widget is None:
            from ipywidgets import HTML

            self._widget = HTML(value=bundle["text/html"])
        else:
            self._widget.value = bundle["text/html"]

    def _view(self) -> Bundle:
        # A file that is saved meanwhile, and opened where there is no kernel, says in words what the widget showed.
        view: Bundle = self._widget._repr_mimebundle_()
        return {**view, "text/plain": self._shown["text/plain"]}

    def _show_answer(self, bundle: Bundle) -> None:
        self._first = _put(self._first, bundle)


class TextSurface:
    """Lines of text: what arrives is printed once; figures and records go with the last output."""

    def __init__(self) -> None:
        self._taken = ""
        self._printed = ""

    def stream(self, text: str, card: Bundle | None = None) -> None:  # noqa: ARG002 - printed at the end
        """Prints what is new in the answer so far."""
        if not text.startswith(self._taken):
            # It takes the place of what cannot be taken back.
            sys.stdout.write("\n\n" if self._printed else "")
            self._taken = self._printed = ""
        # A carriage return may be the first half of a line's end.
        new = text[len(self._taken) :].removesuffix("\r")
        self._taken += new
        self._printed += clean(new)
        sys.stdout.write(clean(new))
        sys.stdout.flush()

    def live(self, bundle: Bundle) -> None:
        """Nothing: printed lines cannot be taken back."""

    def end(self, answer: Bundle | None, card: Bundle) -> None:
        """Prints what is left of the answer, then the card."""
        whole = answer["text/plain"] if answer is not None else ""
        if self._printed and whole.startswith(self._printed):
            sys.stdout.write(whole[len(self._printed) :] + "\n")
        elif whole:
            # Never shown, or not what was shown: whole, so that what stays is what was recorded.
            sys.stdout.write(("\n" if self._printed else "") + whole + "\n")
        elif self._printed:
            sys.stdout.write("\n")
        if prints_only():
            sys.stdout.write(card["text/plain"] + "\n")
        sys.stdout.flush()
        if not prints_only():
            _display({mime: content for mime, content in card.items() if mime != "text/html"}, keeps_handle=False)


class SilentSurface:
    """Draws nothing; the records alone are carried by an output that pages do not show."""

    def stream(self, text: str, card: Bundle | None = None) -> None:
        """Nothing."""

    def live(self, bundle: Bundle) -> None:
        """Nothing."""

    def end(self, answer: Bundle | None, card: Bundle) -> None:  # noqa: ARG002 - no answer is drawn
        """Carries the records."""
        if not prints_only():
            _display({m: content for m, content in card.items() if m.endswith("+json")}, keeps_handle=False)


def surface(ui: str, *, is_quiet: bool) -> Surface:
    """The surface for the setting `ui`; where outputs are only printed, as in a terminal, it is text.

    >>> type(surface("text", is_quiet=False)).__name__
    'TextSurface'
    """
    if is_quiet:
        return SilentSurface()
    if ui == "text" or prints_only():
        return TextSurface()
    return WidgetSurface() if ui == "widget" else PageSurface()


def prints_only() -> bool:
    """Whether outputs here are printed as text: a terminal, or no IPython at all."""
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell is None or type(shell.display_pub) is DisplayPublisher


def _streaming(text: str) -> Bundle:
    tail = text[-_MOST_CHARS:]
    return {"text/html": streaming_html(tail, hidden_chars=len(text) - len(tail)), "text/plain": clean(tail)}


def _one_below_other(answer: Bundle, card: Bundle | None) -> Bundle:
    if card is None:
        return answer
    return {
        "text/html": answer["text/html"] + card["text/html"],
        "text/plain": f"{answer['text/plain']}\n\n{card['text/plain']}",
    }


def _put(handle: Any, bundle: Bundle) -> Any:  # noqa: ANN401 - a display handle, or None
    if handle is None:
        return _display(bundle)
    _update(handle, bundle)
    return handle


def _display(bundle: Any, *, keeps_handle: bool = True) -> Any:  # noqa: ANN401 - a bundle or a widget
    from IPython.display import display

    is_bundle = isinstance(bundle, Mapping)
    shown = dict(bundle) if is_bundle else bundle
    if not keeps_handle:
        return display(shown, raw=is_bundle)  # type: ignore[no-untyped-call]
    return display(shown, raw=is_bundle, display_id=True)  # type: ignore[no-untyped-call]


def _update(handle: Any, bundle: Any) -> None:  # noqa: ANN401 - a bundle or a widget
    is_bundle = isinstance(bundle, Mapping)
    handle.update(dict(bundle) if is_bundle else bundle, raw=is_bundle)

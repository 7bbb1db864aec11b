"""The panel of a session: model, temperature, budgets and totals, true again after each cell.

The controls are ipywidgets in one output. Budgets and totals are a static output of their own, redrawn after each
cell, so that the saved file holds the last ones. What is chosen applies from the next cell, as `%config` does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from nbkit.display.card import tiles_html
from nbkit.display.controls import ANEW, ROW, Controls, again_html, publish
from nbkit.display.origin import client
from nbkit.display.tiles import Tile
from nbkit.display.totals import cost, latency
from nbkit.display.view import AMBER, BLUE, GREEN, RED
from nbkit.errors import NbkitError
from nbkit.escape import NO_MATH, escape, line
from nbkit.figures import duration, money, sum_of
from nbkit.ledger import spread
from nbkit.ledger.selection import Selection

if TYPE_CHECKING:
    from nbkit.ledger.budgets import Standing
    from nbkit.ledger.summary import Summary
    from nbkit.session import Session
    from nbkit.setting import Settings

_FALLBACK: Final = "Controls of nbkit's panel; they work while its kernel runs: %nbkit panel"
_AGAIN: Final = "Controls of nbkit's panel: run this cell again to have them."
_NEXT: Final = "Applies from the next cell."
_BOX = (
    f"border-left:4px solid {BLUE};background:rgba(127,127,127,0.06);border-radius:4px;padding:8px 12px;"
    "line-height:1.4;font-size:13px;max-width:60em"
)
_TRACK = (
    "display:flex;height:8px;border-radius:4px;overflow:hidden;background:rgba(127,127,127,0.25);margin:3px 0 8px 0;"
    "border:1px solid rgba(127,127,127,0.35)"
)
"""Colours are borders: on paper browsers leave backgrounds out."""
_ALMOST: Final = 0.8
"""From this part of a budget on, its bar is amber."""


class Panel:
    """One panel. `models`: names to choose from; any other may be written too. `notebook`: whose budget it shows."""

    def __init__(self, session: Session, *, models: Sequence[str], notebook: Callable[[], str | None]) -> None:
        self._session = session
        self._models = list(models)
        self._notebook = notebook
        self._display_id = uuid.uuid4().hex
        self._controls: Any = None
        self._model: Any = None
        self._temperature: Any = None
        self._said: Any = None
        self._drawn: Mapping[str, str] = {}
        self._is_text = self._has_controls = False
        self._client = client()
        self._summed: tuple[int, Summary] | None = None
        """The session's sums, and the newest record when they were made."""
        self._is_following = False

    def show(self, *, has_controls: bool, is_text: bool = False) -> None:
        """Draws it. Raises `ConfigError` and `StoreError`."""
        self._is_text, self._has_controls = is_text, has_controls
        self._drawn = self._bundle()
        if has_controls:
            self._controls = Controls(self._make(), fallback=_FALLBACK)
        publish(self._drawn, self._display_id)

    def after_cell(self, *_: object) -> None:
        """Draws what has changed since; called by the shell when a cell has ended."""
        try:
            self._follow()
            bundle = self._bundle()
            if self._said is not None and client() != self._client:
                self._said.value = ANEW
        except NbkitError:  # settings that cannot be, or a store that cannot be read: the next cell says so
            return
        if bundle != self._drawn:
            self._drawn = bundle
            publish(bundle, self._display_id, is_update=True)

    def close(self) -> None:
        """Takes the controls away; the last totals stay."""
        if self._controls is not None:
            self._controls.close()
            self._controls = None

    def _make(self) -> Any:  # noqa: ANN401 - a widget
        from ipywidgets import HTML, BoundedFloatText, Combobox, HBox, Layout, VBox

        wide: dict[str, Any] = {"style": {"description_width": "auto"}}
        self._model = Combobox(
            description="Model", options=self._models, placeholder="PROVIDER:MODEL", ensure_option=False,
            continuous_update=False, layout=Layout(width="auto", min_width="22em"), **wide,
        )  # fmt: skip
        self._temperature = BoundedFloatText(
            description="Temperature, 0 to 2", min=0, max=2, step=0.1, layout=Layout(width="15em"), **wide
        )
        self._said = HTML(value=_NEXT)
        self._follow()
        self._model.observe(self._chose_model, names="value")
        self._temperature.observe(self._chose_temperature, names="value")
        row = HBox([self._model, self._temperature], layout=Layout(**ROW))
        return VBox([row, self._said])

    def _follow(self) -> None:
        """Shows the settings in force, whoever set them."""
        if self._model is None:
            return
        settings = self._session.config().settings
        self._is_following = True
        try:
            model = self._session.secrets.redact(_model_of(self._session, settings))
            if self._model.value != model:
                self._model.value = model
            if self._temperature.value != settings.temperature:
                self._temperature.value = settings.temperature
        finally:
            self._is_following = False

    def _chose_model(self, change: Mapping[str, Any]) -> None:
        name = str(change["new"]).strip()
        if name and not self._is_following:
            self._choose("model", name)

    def _chose_temperature(self, change: Mapping[str, Any]) -> None:
        if not self._is_following:
            self._choose("temperature", change["new"])

    def _choose(self, name: str, value: object) -> None:
        session = self._session
        try:
            # Whether there is such a model is asked here, not in the next cell.
            session.target(session.config({name: value}).settings)
            session.configure({name: value})
            said = (
                f"{name} {escape(line(session.secrets.redact(str(value)), most_chars=80))}: applies from the next cell."
            )
        except NbkitError as error:
            session.clean(error)
            said = f"✗ {escape(line(error.what))}: {escape(line(error.why))}. {escape(line(error.fix))}"
        self._said.value = said
        self.after_cell()

    def _bundle(self) -> dict[str, str]:
        session = self._session
        settings = session.config().settings
        standings = session.standings(settings, notebook=self._notebook())
        model = session.secrets.redact(line(_model_of(session, settings), most_chars=80)) or "no model"
        bundle = panel_bundle(self._summary(), standings, model=model, temperature=settings.temperature)
        if self._is_text:
            return {"text/plain": bundle["text/plain"]}
        again = again_html(_AGAIN) if self._has_controls else ""
        return {**bundle, "text/html": again + bundle["text/html"]}

    def _summary(self) -> Summary:
        # Most cells record nothing; they need not wait for sums over all that the session has recorded.
        newest = self._session.ledger.ask(spread.newest)
        if self._summed is None or self._summed[0] != newest:
            self._summed = (newest, self._session.ledger.summary(Selection(session_id=self._session.id)))
        return self._summed[1]


def panel_bundle(summary: Summary, standings: Sequence[Standing], *, model: str, temperature: float) -> dict[str, str]:
    """Totals and budgets as a MIME bundle.

    >>> from nbkit.ledger.summary import Summary
    >>> print(panel_bundle(Summary(), (), model="echo", temperature=0.0)["text/plain"].splitlines()[0])
    nbkit · this session · next cell: echo, temperature 0
    """
    caption = f"nbkit · this session · next cell: {model}, temperature {temperature:g}"
    tiles = _tiles(summary)
    bars = "".join(map(_bar, standings)) or f'<p style="margin:0">{escape(_NO_BUDGET)}</p>'
    html = (
        f'<div {NO_MATH} style="{_BOX}">{tiles_html(caption, tiles)}'
        f'<div style="margin:8px 0 0 0;font-size:12px">{bars}</div></div>'
    )
    lines = [caption, *(f"  {tile.name:<19}{tile.value} ({', '.join(tile.details)})" for tile in tiles)]
    lines += [f"  {standing_words(one)}" for one in standings] or [f"  {_NO_BUDGET}"]
    return {"text/html": html, "text/plain": "\n".join(lines)}


_NO_BUDGET: Final = "No budget is in force: %config NbKit.budget_session = 0.50 sets one, in USD."


def standing_words(one: Standing) -> str:
    """How a budget stands, as a sentence.

    >>> from decimal import Decimal
    >>> from nbkit.ledger.budgets import Standing
    >>> standing_words(Standing("day", Decimal(2), Decimal("0.5"), Decimal(0)))
    'Budget of the day: $0.50 of $2.00 spent (25%), $1.50 left'
    """
    held = f", {money(one.reserved_usd)} reserved" if one.reserved_usd else ""
    part = f" ({one.spent_usd / one.limit_usd:.0%})" if one.limit_usd else ""
    return f"Budget of the {one.scope}: {money(one.spent_usd)} of {money(one.limit_usd)} spent{part}{held}, {money(one.left_usd)} left"  # noqa: E501


def _bar(one: Standing) -> str:
    whole = float(max(one.limit_usd, one.spent_usd + one.reserved_usd)) or 1.0
    spent, reserved = float(one.spent_usd) / whole, float(one.reserved_usd) / whole
    colour = RED if not one.left_usd else AMBER if spent >= _ALMOST else GREEN
    pieces = "".join(
        f'<span style="display:block;width:{100 * part:.1f}%;border-top:8px solid {shade}"></span>'
        for part, shade in ((spent, colour), (reserved, BLUE))
        if part
    )
    return f'<div>{escape(standing_words(one))}<div style="{_TRACK}">{pieces}</div></div>'


def _tiles(summary: Summary) -> tuple[Tile, ...]:
    rate = summary.cache_hit_rate
    live = summary.latency_live
    unknown = (f"{summary.unknown_prices:,} unpriced",) if summary.unknown_prices else ()
    paid = sum_of(summary.cost_usd, summary.unknown_prices, about="~" if summary.estimated_prices else "")
    saved = f"saved {sum_of(summary.saved_usd, summary.unknown_savings)}"
    return (
        Tile("Cost", paid, (*unknown, saved), cost(summary)),
        Tile("Calls", f"{summary.calls:,}", (f"{summary.failures:,} failed", f"{summary.blocked:,} blocked")),
        Tile(
            "Latency p50, live", duration(live.p50_s), (f"p95 {duration(live.p95_s)}", f"n = {live.n:,}"), latency(live)
        ),
        Tile("Tokens in → out", f"{summary.input_tokens:,} → {summary.output_tokens:,}", ("cache hits send none",)),
        Tile("Cache hit rate", "—" if rate is None else f"{rate:.0%}", (f"n = {summary.hits + summary.misses:,}",)),
    )


def _model_of(session: Session, settings: Settings) -> str:
    if settings.model is not None:
        return settings.model
    try:
        target = session.target(settings)
    except NbkitError:
        return ""
    return f"{target.provider}:{target.model}"

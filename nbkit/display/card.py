"""The card below an answer, as HTML and as text, from records or from a cell that is still running.

A copy that is opened untrusted keeps only inline styles with plain values, so that is all the card uses. Each tile is
a row with its head: where the styles are gone too, it reads as a table of names and figures. Text never takes a
colour: the five colours reach 3:1 on light and dark pages, which is enough for a border and not for words.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbkit.display.guards import guards_html, guards_text
from nbkit.display.tiles import Tile
from nbkit.display.view import CardView, Live, Phase, view
from nbkit.escape import NO_MATH, escape
from nbkit.figures import duration
from nbkit.recorded import Record

_RESET = "border:none;background:transparent;text-align:left;"
_BOX = (
    "border-left:4px solid {tone};border-radius:4px;background:rgba(127,127,127,0.08);"
    "padding:8px 12px 9px 12px;margin:4px 0 8px 0;max-width:60em;line-height:1.4;font-size:13px"
)
_TABLE = "border-collapse:separate;border-spacing:0;margin:0;width:100%;display:block;" + _RESET
_CAPTION = "display:block;caption-side:top;text-align:left;font-weight:600;padding:0 0 6px 0;overflow-wrap:break-word"
_ROWS = "display:flex;flex-wrap:wrap;gap:8px;width:100%"
_TILE = (
    "display:block;flex:1 1 8em;min-width:7em;padding:6px 10px;border-radius:4px;background:rgba(127,127,127,0.09);"
    "border:none;text-align:left;box-sizing:border-box"
)
_HEAD = "display:block;padding:0;font-weight:400;font-size:11px;line-height:1.4;" + _RESET
_FIGURE = "display:block;padding:0;font-size:11px;line-height:1.4;white-space:normal;max-width:none;" + _RESET
_VALUE = "font-size:16px;line-height:1.35;font-weight:600;overflow-wrap:break-word"
_SMALL = "font-size:11px;line-height:1.4"
_CELL = "padding:2px 14px 2px 0;font-weight:400;" + _RESET
_PLAIN_TABLE = "border-collapse:collapse;margin:2px 0 0 0;font-size:12px;" + _RESET
_LIST = "margin:0;padding:0;list-style-type:none"
_MOST_OPEN_ROWS = 8


def card_html(
    shown: Record | Sequence[Record] | Live | CardView, *, model: str | None = None, opens_passages: bool = False
) -> str:
    """The card as HTML that survives an untrusted reopening and reads without styles.

    `opens_passages`: all passages that a call was given are in sight, whole.

    >>> "nbkit · echo" in card_html(Live("echo"))
    True
    """
    card = view(shown, model, opens_passages=opens_passages)
    parts = [
        f'<div {NO_MATH} style="{_BOX.format(tone=card.tone)}">',
        tiles_html(card.caption, card.tiles),
        _bar(card.phases),
        _samples(card),
        _sources(card),
        guards_html(card.guards) if card.guards is not None else "",
        _messages(card.messages),
        f'<div style="{_SMALL};margin:6px 0 0 0">{escape(card.footer)}</div>' if card.footer else "",
        "</div>",
    ]
    return "".join(parts)


def tiles_html(caption: str, tiles: Sequence[Tile]) -> str:
    """Tiles under a caption: a table of names and figures.

    >>> "<caption" in tiles_html("nbkit", [Tile("Cost", "$0")])
    True
    """
    return (
        f'<table style="{_TABLE}"><caption style="{_CAPTION}">{escape(caption)}</caption>'
        f'<tbody style="{_ROWS}">{"".join(map(_tile, tiles))}</tbody></table>'
    )


def card_text(shown: Record | Sequence[Record] | Live | CardView, *, model: str | None = None) -> str:
    """The card as lines of text, for terminals and for everything that draws no HTML.

    >>> card_text(Live("echo")).splitlines()[0]
    'nbkit · echo · running: waiting'
    """
    card = view(shown, model)
    lines = [card.caption]
    for tile in card.tiles:
        details = f" ({', '.join(tile.details)})" if tile.details else ""
        lines.append(f"  {tile.name:<16}{tile.value}{details}")
    if any(phase.seconds > 0 for phase in card.phases):
        lines.append(f"  {'Phases':<16}" + " · ".join(_legend(phase) for phase in card.phases))
    width = max((len(row[0]) for row in card.rows), default=0) + 2
    lines += [f"  Sample {row[0]:<{max(9, width)}}{' · '.join(row[1:])}" for row in card.rows]
    if card.sources is not None:
        from nbkit.display.sources import sources_text

        lines += [f"  {line}" for line in sources_text(card.sources)]
    if card.guards is not None:
        lines += [f"  {line}" for line in guards_text(card.guards)]
    lines += [f"  {message}" for message in card.messages]
    if card.footer:
        lines.append(f"  {card.footer}")
    return "\n".join(lines)


def _tile(tile: Tile) -> str:
    title = f' title="{escape(tile.title)}"' if tile.title else ""
    small = "".join(f"<br>{escape(detail)}" for detail in tile.details)
    return (
        f'<tr style="{_TILE}"{title}><th scope="row" style="{_HEAD}">{escape(tile.name)}</th>'
        f'<td style="{_FIGURE}"><b style="{_VALUE}">{escape(tile.value)}</b>{small}</td></tr>'
    )


def _legend(phase: Phase) -> str:
    return f"{phase.name} {duration(phase.seconds)}" if phase.seconds > 0 else f"{phase.name} —"


def _bar(phases: Sequence[Phase]) -> str:
    total = sum(phase.seconds for phase in phases)
    if total <= 0:
        return ""
    # A room that took time is never too thin to be seen. Colours are borders: on paper browsers leave backgrounds out.
    stripes = "".join(
        f'<span style="display:block;min-width:3px;flex:{max(1, round(1000 * phase.seconds / total))} 1 0;'
        f'border-top:6px solid {phase.colour}"></span>'
        for phase in phases
        if phase.seconds > 0
    )
    # A space between the items: copied as text, one figure does not run into the next name.
    legend = " ".join(
        f'<li style="display:inline-block;margin:0 14px 0 0;white-space:nowrap"><span style="display:inline-block;'
        f'margin:0 5px 0 0;border-radius:2px;border:4px solid {phase.colour}"></span>'
        f"{escape(_legend(phase))}</li>"
        for phase in phases
    )
    return (
        f'<div style="display:flex;gap:1px;margin:8px 0 4px 0;border-radius:3px;overflow:hidden">{stripes}</div>'
        f'<ul style="{_LIST};{_SMALL}">{legend}</ul>'
    )


def _samples(card: CardView) -> str:
    if not card.rows:
        return ""
    names = ("Sample", "Status", "Cost", "Latency", "Tokens in → out", "Cache")
    head = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in names)
    body = "".join(
        f'<tr style="{_RESET}"><th scope="row" style="{_CELL}">{escape(row[0])}</th>'
        + "".join(f'<td style="{_CELL}">{escape(figure)}</td>' for figure in row[1:])
        + "</tr>"
        for row in card.rows
    )
    is_open = " open" if len(card.rows) <= _MOST_OPEN_ROWS else ""
    return (
        f'<details{is_open} style="margin:8px 0 0 0"><summary>{card.rows_title}</summary>'
        f'<table style="{_PLAIN_TABLE}">'
        f'<caption style="{_SMALL};text-align:left;padding:4px 0 0 0">Each {card.row_is} alone</caption>'
        f'<thead style="{_RESET}"><tr style="{_RESET}">{head}</tr></thead><tbody>{body}</tbody></table></details>'
    )


def _sources(card: CardView) -> str:
    if card.sources is None:
        return ""
    from nbkit.display.sources import sources_html

    return sources_html(card.sources)


def _messages(messages: Sequence[str]) -> str:
    if not messages:
        return ""
    items = "".join(f'<li style="margin:0;overflow-wrap:break-word">{escape(message)}</li>' for message in messages)
    return f'<ul style="{_LIST};margin:8px 0 0 0">{items}</ul>'

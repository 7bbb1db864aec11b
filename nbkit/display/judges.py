"""What is known of a judge: as a table, and as the note that stands beside each mean that it gives."""

from __future__ import annotations

from collections.abc import Sequence

from nbkit.display.evaluation import interval_text, n_text, value_text
from nbkit.evals.biases import LengthBias
from nbkit.evals.intervals import Estimate, estimate
from nbkit.evals.judge_card import LEAST_LABELS, JudgeCard
from nbkit.evals.pairs import PairCard
from nbkit.evals.runs import Values
from nbkit.figures import count, money
from nbkit.tables import Table

NO_PREFERENCE = "0.5 is no preference"
_COLUMNS = ("figure", "value", "95 % interval", "n")
_GRADES = "1-5"


def card_note(card: JudgeCard | None, values: Values) -> str:
    """What has to be known of a mean that a judge gave: never measured, or how well it agrees, and the corrected rate.

    >>> card_note(None, Values((), (), (), ()))
    'a judge that was never set against labels'
    """
    if card is None or not card.is_calibrated:
        return doubt(card)
    found = card.corrected(values)
    if found.rate is None:
        return doubt(card)
    what = "corrected rate of grades from 3 on" if card.scale == _GRADES else "corrected pass rate"
    return f"{doubt(card)}; {what} {value_text(found.rate)} {interval_text(found.low, found.high)}"


def doubt(card: JudgeCard | None) -> str:
    """How far a judge is to be trusted, in a few words.

    >>> doubt(None)
    'a judge that was never set against labels'
    """
    if card is None:
        return "a judge that was never set against labels"
    interval = f" {interval_text(card.kappa.low, card.kappa.high)}" if card.kappa.low is not None else ""
    said = f"a judge, κ {value_text(card.kappa.value)}{interval} over {count(card.labels, 'label')}"
    if card.labels < LEAST_LABELS:
        return f"{said}, of {LEAST_LABELS} that it needs"
    return said if card.is_calibrated else f"{said}: not shown to be better than chance"


def stretch(card: JudgeCard | None) -> str:
    """By how much more people would tell two runs apart than a judge of passes does; empty where labels do not say.

    >>> stretch(None)
    ''
    """
    if card is None or not card.is_calibrated or card.scale == _GRADES or not card.youden or card.youden <= 0:
        return ""
    return f", whose errors on them make differences {card.youden:.2f} times as large as people's"


class CardDrawing:
    """A judge's card as the value of a cell; `.card` has the figures."""

    def __init__(self, card: JudgeCard) -> None:
        self.card = card

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()

    def table(self) -> Table:
        """Each figure with its interval and its n."""
        card, kappa = self.card, self.card.kappa
        agreed, people = card.agreement, card.people_by_length
        rows = [
            ("criterion", card.rubric, "", ""),
            ("model", card.model, "", ""),
            _row("agrees with people", agreed),
            (
                "kappa, beyond chance",
                value_text(kappa.value),
                interval_text(kappa.low, kappa.high),
                n_text(agreed),
            ),
            self._share("passes what people pass", of=True),
            self._share("fails what people fail", of=False),
            # Who chose the labels chose how many pass: these shares describe them, and are estimates of nothing.
            ("people pass", *_rate([person for _, person in card.pairs])),
            ("the judge passes", *_rate([judge for judge, _ in card.pairs])),
            *([_row("says the same again", card.repeated)] if card.repeated is not None else []),
            _length("goes with length, rank correlation", card.by_length),
            *([_length("people's labels go with length", people)] if people is not None else []),
            ("gave no verdict", f"{card.failed}", "", f"{card.labels + card.failed}"),
            ("price of a verdict", money(card.usd_per_verdict), "", ""),
        ]
        return Table(f"Judge {card.name}", _COLUMNS, rows, note=self._note())

    def _share(self, name: str, *, of: bool) -> tuple[str, str, str, str]:
        card = self.card
        named = card.clusters or (None,) * len(card.pairs)
        found = [(judge == of, own) for (judge, person), own in zip(card.pairs, named, strict=True) if person == of]
        return _row(name, estimate([float(right) for right, _ in found], clusters=[own for _, own in found]))

    def _note(self) -> str:
        card = self.card
        rate = "the mean of its grades" if card.scale == _GRADES else "its corrected rate"
        state = f"No gate may rest on it: {card.flaw}." if card.flaw else f"It may be a gate, by {rate}."
        return f"{state} {_INDEPENDENT}" if card.agreement.clusters is not None else state


_INDEPENDENT = "Answers of one cluster, such as a question, count as fewer; correlations take all as independent."


def pair_table(card: PairCard) -> Table:
    """What is known of a judge of pairs, each figure with its interval and its n."""
    place = card.by_position
    moved = place.first + place.second
    rows = [
        ("model", card.model, "", ""),
        _row("verdict changes with the order", place.flipped),
        _row("of those, towards the answer shown first", place.towards_first),
        ("chance of so uneven places, were none liked", f"{place.p:.3f}" if moved else "—", "", f"{moved}"),
        _length("goes with how much longer, rank correlation", card.by_length),
        ("same texts, not judged", f"{card.same}", "", f"{card.same + place.flipped.n + card.failed}"),
        ("gave no verdict", f"{card.failed}", "", f"{card.same + place.flipped.n + card.failed}"),
        ("price of a verdict", money(card.usd_per_verdict), "", ""),
    ]
    note = (
        f"1 is for this run's answer, 0 for the other's; {NO_PREFERENCE}, and what it gives where the order decides. "
        "No gate may rest on it: it was never set against what people prefer."
    )
    clustered = f" {_INDEPENDENT.replace('correlations take', 'that chance and the correlation take')}"
    return Table(f"Judge {card.name}, of pairs", _COLUMNS, rows, note=note + clustered * (card.clusters is not None))


def _row(name: str, found: Estimate) -> tuple[str, str, str, str]:
    return name, value_text(found.mean), interval_text(found.low, found.high), n_text(found)


def _rate(passed: Sequence[bool]) -> tuple[str, str, str]:
    return value_text(sum(passed) / len(passed) if passed else None), "", f"{len(passed)}"


def _length(name: str, found: LengthBias) -> tuple[str, str, str, str]:
    value = value_text(found.correlation, is_signed=True)
    return name, value, interval_text(found.low, found.high, is_signed=True), f"{found.n}"

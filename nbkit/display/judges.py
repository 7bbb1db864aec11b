"""What is known of a judge: as a table, and as the note that stands beside each mean that it gives."""

from __future__ import annotations

from nbkit.display.evaluation import interval_text, value_text
from nbkit.evals.judge_card import LEAST_LABELS, JudgeCard
from nbkit.evals.runs import Values
from nbkit.figures import count, money
from nbkit.tables import Table


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
    return f"{doubt(card)}; corrected pass rate {value_text(found.rate)} {interval_text(found.low, found.high)}"


def doubt(card: JudgeCard | None) -> str:
    """How far a judge is to be trusted, in a few words.

    >>> doubt(None)
    'a judge that was never set against labels'
    """
    if card is None:
        return "a judge that was never set against labels"
    said = f"a judge, κ {value_text(card.kappa.value)} over {count(card.labels, 'label')}"
    if card.labels < LEAST_LABELS:
        return f"{said}, of {LEAST_LABELS} that it needs"
    return said if card.is_calibrated else f"{said}: not shown to be better than chance"


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
        card = self.card
        agreed, kappa, length = card.agreement, card.kappa, card.by_length
        people = [person for _, person in card.pairs]
        rows = [
            ("criterion", card.rubric, "", ""),
            ("model", card.model, "", ""),
            ("agrees with people", value_text(agreed.mean), interval_text(agreed.low, agreed.high), f"{agreed.n}"),
            ("kappa, beyond chance", value_text(kappa.value), interval_text(kappa.low, kappa.high), f"{kappa.n}"),
            _share("passes what people pass", [judge for judge, person in card.pairs if person]),
            _share("fails what people fail", [not judge for judge, person in card.pairs if not person]),
            _share("people pass", people),
            _share("the judge passes", [judge for judge, _ in card.pairs]),
        ]
        if card.repeated is not None:
            found = card.repeated
            rows.append(
                ("says the same again", value_text(found.mean), interval_text(found.low, found.high), f"{found.n}")
            )
        rows += [
            ("goes with length, rank correlation", value_text(length.correlation, is_signed=True),
             interval_text(length.low, length.high, is_signed=True), f"{length.n}"),
            ("gave no verdict", f"{card.failed}", "", f"{card.labels + card.failed}"),
            ("price of a verdict", money(card.usd_per_verdict), "", ""),
        ]  # fmt: skip
        state = f"No gate may rest on it: {card.flaw}." if card.flaw else "It may be a gate, by its corrected rate."
        return Table(f"Judge {card.name}", ("figure", "value", "95 % interval", "n"), rows, note=state)


def _share(name: str, passed: list[bool]) -> tuple[str, str, str, str]:
    from nbkit.evals.intervals import estimate

    found = estimate([float(one) for one in passed])
    return name, value_text(found.mean), interval_text(found.low, found.high), f"{found.n}"

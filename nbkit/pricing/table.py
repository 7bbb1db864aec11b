"""Tables of prices: the one inside genai-prices, or the one that `nbkit prices refresh` fetched.

What is fetched is kept as it came, with the time: a table that this version of genai-prices cannot read is an error
when it is fetched, and passed over with a warning when a later version of the package cannot read it any more.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nbkit.errors import ConfigError
from nbkit.http.fetch import NotFetched, read
from nbkit.store.files import write_atomic

if TYPE_CHECKING:
    from genai_prices.types import Provider

FILE: Final = "prices.json"
_MOST_BYTES: Final = 32_000_000
_FEWEST_VENDORS: Final = 5
"""A table with fewer is none: prices that are known now must not become unknown by an error page."""


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Vendors with their models and prices."""

    vendors: list[Provider]
    as_of: str
    """Which table this is: a package and its version, or when it was fetched."""


def bundled() -> PriceTable:
    """The table inside the package; it tells no date, so it is known by the package's version.

    >>> bundled().as_of.split()[0]
    'genai-prices'
    """
    import genai_prices
    from genai_prices.data_snapshot import get_snapshot

    return PriceTable(get_snapshot().providers, f"genai-prices {genai_prices.__version__}")


def table_of(home: Path) -> PriceTable:
    """The table that was fetched into a home, else the one inside the package."""
    path = home / FILE
    try:
        kept = json.loads(path.read_bytes())
        at = datetime.fromisoformat(kept["fetched_at"])
        return PriceTable(_vendors(kept["vendors"]), f"genai-prices table of {at:%Y-%m-%d %H:%M} UTC")
    except FileNotFoundError:
        return bundled()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        warnings.warn(
            f"{path} cannot be read ({type(error).__name__}); the prices of the package hold: nbkit prices refresh",
            stacklevel=2,
        )
        return bundled()


def refresh(home: Path, *, url: str | None = None, at: datetime | None = None) -> PriceTable:
    """Fetches the newest table into a home, and gives it; what was there stays when that fails.

    `url`: that of genai-prices when left out. Raises `ConfigError` when the table cannot be fetched or read.
    """
    from genai_prices.update_prices import DEFAULT_UPDATE_URL

    try:
        raw = json.loads(read(url or DEFAULT_UPDATE_URL, most_bytes=_MOST_BYTES))
        _vendors(raw)
    except NotFetched as error:
        raise _refused(what="cannot be fetched", why=str(error)) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        came = f"what came is no table of prices ({type(error).__name__})"
        raise _refused(what="cannot be read", why=came) from error
    kept = {"fetched_at": (at or datetime.now(UTC)).isoformat(), "vendors": raw}
    write_atomic(home / FILE, json.dumps(kept).encode())
    return table_of(home)


def _vendors(raw: Any) -> list[Provider]:  # noqa: ANN401 - JSON
    from genai_prices import types

    if not isinstance(raw, list) or len(raw) < _FEWEST_VENDORS:
        msg = "no list of vendors"
        raise ValueError(msg)
    # Its own updater reads what it fetches by this function; there is no public one.
    return types._providers_from_raw(raw)  # noqa: SLF001


def _refused(*, what: str, why: str) -> ConfigError:
    return ConfigError(
        what=f"the table of prices {what}",
        why=why,
        fix="try again later; the prices that are here still hold",
    )

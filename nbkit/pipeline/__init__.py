"""One call's straight walk: guards, cache, provider, guards, cache, price, record."""

from nbkit.pipeline.corridor import run
from nbkit.pipeline.parts import Call, Stages

__all__ = ["Call", "Stages", "run"]

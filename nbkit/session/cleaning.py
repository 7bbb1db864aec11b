"""No secret value in an error that leaves a session, whatever it quotes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from nbkit.errors import NbkitError

P = ParamSpec("P")
T = TypeVar("T")


class Cleaner(Protocol):
    """What takes secret values out of errors."""

    def clean(self, error: NbkitError) -> None:
        """Takes them out of one."""


C = TypeVar("C", bound=Cleaner)


def without_secrets(method: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """The method, with no secret value in its errors."""

    @functools.wraps(method)
    def guarded(self: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(self, *args, **kwargs)
        except NbkitError as error:
            self.clean(error)
            raise

    return guarded

"""Every error that nbkit raises on purpose. Each is three sentences: what happened, why, what to do.

NbkitError
├── ConfigError            a setting, option or name that cannot be used; nothing was sent
│   ├── UnknownSetting
│   ├── BadSetting
│   ├── UnknownPlugin
│   ├── UnknownModel
│   ├── NoModel            no model is configured and no local weights are present
│   └── MissingKey
├── PromptError            the prompt could not be built; nothing was sent
├── Blocked                a guard refused the text
│   └── BudgetExceeded     a budget has no room for what the call may cost; nothing was sent
├── SchemaMismatch         the answer does not fit its schema, also when it was asked for again
├── CacheMiss              `--cache only`, and the answer is not there
├── StoreError             something kept on disk cannot be read or written
├── WeightsError           model weights are missing, or what was fetched is not what was asked for
├── NotebookError          a notebook cannot be read, run or reported
├── DocumentError          a file of a collection cannot be read
├── CollectionError        an index of documents cannot be found, opened or added to
├── EmbedError             a text cannot be turned into a vector
├── EvaluationFailed       an evaluation does not reach what was asked of it
└── ProviderError          the provider was asked and there is no answer
    ├── AuthFailed
    ├── RateLimited
    ├── ContextTooLong
    ├── RequestRefused     the provider understood the request and will not serve it
    ├── ProviderTimeout
    ├── ProviderUnreachable
    └── BadResponse        what came back cannot be read

They draw as three lines in a notebook, not as a traceback: the reader's code is one cell, and the frames between it
and the error are ours. `%nbkit traceback` shows the last one whole. Bugs are not NbkitErrors and keep their traceback.
Interrupting a cell raises `KeyboardInterrupt`, as everywhere in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from nbkit.recorded import Failure


class NbkitError(Exception):
    """An error on purpose, with what happened, why, and what to do about it.

    >>> print(NbkitError(what="no model", why="none is configured", fix="nbkit models pull"))
    no model
      why: none is configured
      fix: nbkit models pull
    """

    def __init__(self, *, what: str, why: str, fix: str) -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(what, why, fix)

    def __str__(self) -> str:
        return f"{self.what}\n  why: {self.why}\n  fix: {self.fix}"

    def _render_traceback_(self) -> list[str]:
        """The three lines, for IPython."""
        head, *rest = str(self).split("\n")
        return [f"\x1b[31m{type(self).__name__}\x1b[39m: {head}", *rest]

    def reword(self, change: Callable[[str], str]) -> None:
        """Changes each of the three sentences, as the registry of secrets does before a reader sees them."""
        self.what, self.why, self.fix = map(change, (self.what, self.why, self.fix))
        self.args = (self.what, self.why, self.fix)

    @property
    def failure(self) -> Failure:
        """The error as data, for records and display."""
        return Failure(type(self).__name__, self.what, self.why, self.fix)


class ConfigError(NbkitError):
    """A setting, option or name that cannot be used; nothing was sent."""


class UnknownSetting(ConfigError):
    """No setting has this name."""


class BadSetting(ConfigError):
    """A setting cannot have this value."""


class UnknownPlugin(ConfigError):
    """No installed plug-in has this name."""


class UnknownModel(ConfigError):
    """No provider is known for this model."""


class NoModel(ConfigError):
    """No model is configured and no local weights are present."""


class MissingKey(ConfigError):
    """The provider needs an API key and none was found."""


class PromptError(NbkitError):
    """The prompt could not be built; nothing was sent."""


class Blocked(NbkitError):
    """A guard refused the text."""


class BudgetExceeded(Blocked):
    """A budget has no room for what the call may cost; nothing was sent."""


class SchemaMismatch(NbkitError):
    """The answer does not fit its schema, also when it was asked for again."""


class CacheMiss(NbkitError):
    """The answer was asked of the cache alone, and is not there."""


class StoreError(NbkitError):
    """Something kept on disk cannot be read or written."""


class WeightsError(NbkitError):
    """Model weights are missing, or what was fetched is not what was asked for."""


class NotebookError(NbkitError):
    """A notebook cannot be read, run or reported."""


class DocumentError(NbkitError):
    """A file of a collection cannot be read."""


class CollectionError(NbkitError):
    """An index of documents cannot be found, opened or added to."""


class EmbedError(NbkitError):
    """A text cannot be turned into a vector."""


class EvaluationFailed(NbkitError):
    """An evaluation does not reach what was asked of it."""


class ProviderError(NbkitError):
    """The provider was asked and there is no answer."""

    is_retryable: ClassVar[bool] = False

    def __init__(
        self,
        *,
        what: str,
        why: str,
        fix: str,
        status_code: int | None = None,
        response_id: str | None = None,
        retry_after_s: float | None = None,
        attempts: int = 1,
    ) -> None:
        super().__init__(what=what, why=why, fix=fix)
        self.status_code = status_code
        self.response_id = response_id
        """The provider's own request id, to quote to its support."""
        self.retry_after_s = retry_after_s
        self.attempts = attempts


class AuthFailed(ProviderError):
    """The key was refused."""


class RateLimited(ProviderError):
    """Too many requests, or no credit left."""

    is_retryable = True


class ContextTooLong(ProviderError):
    """Prompt and answer do not fit the model's context window."""


class RequestRefused(ProviderError):
    """The provider understood the request and will not serve it."""


class ProviderTimeout(ProviderError):
    """The deadline passed."""


class ProviderUnreachable(ProviderError):
    """No connection, or the provider answered that it cannot serve now."""

    is_retryable = True


class BadResponse(ProviderError):
    """What came back cannot be read."""

"""What every provider must do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import get_args

from nbkit.protocols import Provider
from nbkit.testing import factories
from nbkit.types import FinishReason, Request, Response

_TIMEOUT_S = 60.0


class ProviderContract:
    """Behaviours of every provider, asked with a prompt that it can answer without cost."""

    is_deterministic = True
    """Whether the same request has the same answer at temperature 0."""

    def provider(self) -> Provider:
        """The provider under test, new."""
        raise NotImplementedError

    def request(self) -> Request:
        """A request that the provider answers."""
        return factories.request("Say hello.", max_tokens=8)

    def test_says_what_it_is(self) -> None:
        """The class attributes have values of their types."""
        provider = self.provider()
        assert isinstance(provider.name, str)
        assert provider.name
        assert isinstance(provider.is_local, bool)
        assert all(isinstance(name, str) for name in (*provider.key_env, *provider.model_prefixes))
        provider.close()

    def test_pieces_joined_are_the_text(self) -> None:
        """What was streamed is what is answered."""
        pieces, answered = self._ask(self.request())
        assert "".join(pieces) == answered.text

    def test_counts_tokens(self) -> None:
        """Usage is there, its parts are no larger than their wholes."""
        _, answered = self._ask(self.request())
        usage = answered.usage
        assert min(usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens) >= 0
        assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.reasoning_tokens <= usage.output_tokens
        assert answered.finish_reason in get_args(FinishReason)
        assert answered.attempts >= 1

    def test_same_request_has_the_same_answer(self) -> None:
        """At temperature 0, where the provider can promise it."""
        if self.is_deterministic:
            assert self._ask(self.request())[1].text == self._ask(self.request())[1].text

    def test_an_interrupt_while_streaming_comes_through(self) -> None:
        """`KeyboardInterrupt` from `on_text` is not swallowed, and the next call works."""
        provider = self.provider()

        def interrupt(_: str) -> None:
            raise KeyboardInterrupt

        try:
            provider.complete(self.request(), on_text=interrupt, timeout_s=_TIMEOUT_S)
        except KeyboardInterrupt:
            pass
        else:
            msg = "the interrupt was swallowed"
            raise AssertionError(msg)
        assert provider.complete(self.request(), on_text=_ignore, timeout_s=_TIMEOUT_S).text
        provider.close()

    def test_several_threads_may_call_at_once(self) -> None:
        """Each call gets its own pieces."""
        provider = self.provider()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: _complete(provider, self.request()), range(8)))
        assert all("".join(pieces) == answered.text for pieces, answered in answers)
        provider.close()

    def test_names_its_models(self) -> None:
        """`models` gives names."""
        provider = self.provider()
        assert all(isinstance(name, str) and name for name in provider.models())
        provider.close()

    def test_answers_again_after_close(self) -> None:
        """`close` may be called at any time, and twice."""
        provider = self.provider()
        provider.close()
        assert provider.complete(self.request(), on_text=_ignore, timeout_s=_TIMEOUT_S).text
        provider.close()
        provider.close()

    def _ask(self, request: Request) -> tuple[list[str], Response]:
        provider = self.provider()
        try:
            return _complete(provider, request)
        finally:
            provider.close()


def _ignore(_: str) -> None:
    pass


def _complete(provider: Provider, request: Request) -> tuple[list[str], Response]:
    pieces: list[str] = []
    answered = provider.complete(request, on_text=pieces.append, timeout_s=_TIMEOUT_S)
    return pieces, answered

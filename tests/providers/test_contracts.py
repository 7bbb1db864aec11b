"""The public contract, held by each provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbkit.protocols import ProviderOptions
from nbkit.registry import load
from nbkit.testing import ProviderContract
from nbkit.testing.factories import request


class OverHttp(ProviderContract):
    name = ""

    @pytest.fixture(autouse=True)
    def _server(self, server):
        self.server = server

    def provider(self):
        options = ProviderOptions(home=Path(), base_url=self.server.url, api_key="sk-0123456789")
        return load("providers", self.name)(options)

    def request(self):
        return request("Say hello.", provider=self.name, model="m-1", max_tokens=8)


class TestOpenAI(OverHttp):
    name = "openai"


class TestAnthropic(OverHttp):
    name = "anthropic"


class TestGemini(OverHttp):
    name = "gemini"


class TestOllama(OverHttp):
    name = "ollama"


class TestEcho(ProviderContract):
    def provider(self):
        return load("providers", "echo")(ProviderOptions(home=Path()))

    def request(self):
        return request("Say hello.", provider="echo", model="echo", max_tokens=8)

"""What every plug-in must do, as tests to subclass.

    class TestMyProvider(ProviderContract):
        def provider(self) -> Provider:
            return MyProvider(ProviderOptions(home=Path(".")))

Each class has one method to write, the one that makes the plug-in; the others may be overridden where a plug-in needs
other examples. They need pytest, but do not import it.
"""

from nbkit.testing.contracts.embedders import EmbedderContract
from nbkit.testing.contracts.guards import GuardContract
from nbkit.testing.contracts.loaders import LoaderContract
from nbkit.testing.contracts.metrics import MetricContract
from nbkit.testing.contracts.providers import ProviderContract
from nbkit.testing.contracts.stores import CacheContract, SinkContract

__all__ = [
    "CacheContract",
    "EmbedderContract",
    "GuardContract",
    "LoaderContract",
    "MetricContract",
    "ProviderContract",
    "SinkContract",
]

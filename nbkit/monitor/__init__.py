"""How a home's calls and its parts are doing, for whoever watches over them: metrics, health, what has changed."""

from nbkit.monitor.health import Health, look
from nbkit.monitor.metrics import metrics_text
from nbkit.monitor.watching import Watched, watch

__all__ = ["Health", "Watched", "look", "metrics_text", "watch"]

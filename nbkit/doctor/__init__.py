"""What is in order on this machine, what is not, and what to do about it."""

from nbkit.doctor.checks import check, is_healthy, to_json
from nbkit.doctor.findings import Check

__all__ = ["Check", "check", "is_healthy", "to_json"]

"""A single value as text, where a document knows nothing but text."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any


def text_of(value: Any) -> str:
    """``true``, ``12``, ``1.5``; never an exponent, which many readers do not know. Raises ``ValueError``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 10**40:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return f"{Decimal(text):f}" if "e" in text else text
    raise ValueError("a list or an object stands where one value is meant")

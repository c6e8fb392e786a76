"""What every transport's suite shares."""

from __future__ import annotations

import pytest

from tests.conformance.adapter_suite import MovingClock


@pytest.fixture
def clock() -> MovingClock:
    """The clock by which the adapter dates its attempts."""
    return MovingClock()

"""For all tests: hypothesis judges what is claimed, not how long it takes on a busy machine.

The same commit gives the same answer: examples are drawn the same way each time. ``CITYHUB_EXPLORE=1`` draws others.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", deadline=None, print_blob=True, derandomize=True)
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile("exploring" if os.environ.get("CITYHUB_EXPLORE") else "steady")

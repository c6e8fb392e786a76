"""For all tests: hypothesis judges what is claimed, not how long it takes on a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("cityhub", deadline=None, print_blob=True)
settings.load_profile("cityhub")

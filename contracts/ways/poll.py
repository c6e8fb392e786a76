"""Polling (轮询): the hub asks a unit that cannot call."""

from __future__ import annotations

from contracts.model import Model
from contracts.ways.http import Url


class PollSettings(Model):
    """Where to ask, how often, and how far was read."""

    endpoint: Url

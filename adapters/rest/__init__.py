"""Push over REST: a letter as a signed CloudEvents POST (Standard Webhooks)."""

from adapters.rest.adapter import RestAdapter

__all__ = ["RestAdapter"]

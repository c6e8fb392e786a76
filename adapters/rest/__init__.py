"""Push over REST: a letter as a signed CloudEvents POST (Standard Webhooks). The HTTP client has its one home here."""

from adapters.rest.adapter import RestAdapter

__all__ = ["RestAdapter"]
